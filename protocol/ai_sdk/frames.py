"""The frames of the AI SDK's own socket, read and written. Field names are the vendor's.

A `send` carries the whole history, which may be megabytes, and only its last question counts. So messages stay bytes
until that one is found, and it is read as the `message.send` it stands for: one set of rules, one set of sentences.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

import msgspec
import orjson
from msgspec import Meta, Raw, Struct

from protocol.codec import UnknownType, decode_client, explain
from protocol.errors import Refusal, Violation
from protocol.frames.client import MessageSend
from protocol.frames.objects import ErrorObject
from protocol.ids import Id

FRAME_BYTES = 4 * 1024 * 1024
"""The largest frame: the vendor's class sends the whole history with each question."""

CONNECTION = "~connection"
"""The `requestId` of what is about the connection. The vendor's class ignores an id that it does not know."""

EVENTS = "~events"
"""The `requestId` of dashboard events."""

LONGEST_ID = 128
# More than any history that fits the frame has.
MOST_MESSAGES = 20_000
# In one question: a bracket costs a microsecond and an escape half of one, and both are rare in what people write.
MOST_BRACKETS = 65_536

_SURROGATES = re.compile(r"\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[dD][89a-fA-F][\da-fA-F]{2}")

RequestId = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
Trigger = Literal["submit-message", "regenerate-message"]


class Body(Struct, frozen=True, rename="camel"):
    """What of a request's `body` is ours; the vendor lets a page put anything there."""

    model: Raw = Raw()
    options: Raw = Raw()
    project_id: Raw = Raw()
    if_active: Raw = Raw()


class StockFrame(Struct, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """A frame of the vendor's class."""

    request_id: RequestId


class Send(StockFrame, frozen=True, kw_only=True, tag="send"):
    """Ask a question, or have its answer written again; `id` is the chat."""

    id: Id
    trigger: Trigger
    messages: list[Raw]
    message_id: str | None = None
    body: Body | None = None


class Resume(StockFrame, frozen=True, kw_only=True, tag="resume"):
    """Follow whatever is being written in a chat, from its start."""

    id: Id
    last_sequence: Annotated[int, Meta(ge=0)] | None = None  # accepted and not used: a replay is always whole


class Abort(StockFrame, frozen=True, kw_only=True, tag="abort"):
    """Stop what a request is about."""


class _Named(Struct, rename="camel"):
    type: Any = None
    request_id: Any = None


class _Role(Struct):
    role: str


class _Shape(Struct):
    """Fails at the first message that is none, which costs a list of a million nothings nothing."""

    messages: list[_Role]


_KINDS = {"send": Send, "resume": Resume, "abort": Abort}


class BadRequest(Refusal):
    """A frame that cannot be carried out; the connection lives on.

    Args:
        request_id: whom to answer.
        error: why.
    """

    def __init__(self, request_id: str, refusal: Refusal) -> None:
        super().__init__(refusal.code, str(refusal), param=refusal.error.param)
        self.request_id = request_id


def decode(data: str) -> Send | Resume | Abort:
    """Read one frame.

    Raises:
        Violation: `invalid_frame`, when it is not a JSON object with a string `type` (guarantee 2).
        BadRequest: the type is unknown, or a field is missing or wrong.
    """
    data, named = _read(data)
    if not isinstance(named.type, str):
        raise Violation("invalid_frame")
    request_id = named.request_id if is_request_id(named.request_id) else None
    kind = _KINDS.get(named.type)
    if kind is None:
        raise BadRequest(request_id or CONNECTION, UnknownType(None, named.type))
    try:
        if request_id is None:
            raise Refusal("invalid_argument", _ID_RULE, param="$.requestId")
        if kind is Send:
            msgspec.json.decode(data, type=_Shape)
        return msgspec.json.decode(data, type=kind)  # type: ignore[no-any-return]  # one of three
    except msgspec.ValidationError as error:
        message, param = explain(str(error))
        raise BadRequest(request_id or CONNECTION, Refusal("invalid_argument", message, param=param)) from None
    except Refusal as refusal:
        raise BadRequest(CONNECTION, refusal) from None


_ID_RULE = f"The `requestId` must be a string of 1 to {LONGEST_ID} characters that does not begin with `~`."


def is_request_id(value: object) -> bool:
    """Say whether a client may name a request so; a `~` is the server's."""
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_ID and not value.startswith("~")


def request_id_of(data: str) -> str:
    """Whom to answer about a frame that is not read."""
    _, named = _read(data)
    return named.request_id if is_request_id(named.request_id) else CONNECTION


def _read(data: str) -> tuple[str, _Named]:
    """Find what a frame calls itself; give back its text, mended where it holds half a character."""
    try:
        return data, msgspec.json.decode(data, type=_Named)
    except (msgspec.DecodeError, ValueError):
        mended = _mended(data)
    try:
        return mended, msgspec.json.decode(mended, type=_Named)
    except (msgspec.DecodeError, ValueError):
        raise Violation("invalid_frame", "This frame is not a JSON object.") from None


def _mended(text: str) -> str:
    """Put U+FFFD in the place of lone surrogates in a JSON text, as the other socket does, but for megabytes.

    What is looked for is rare, so only that is looked at; a backslash before it may have been escaped itself.
    """
    if text.count("\\ud") + text.count("\\uD") > MOST_BRACKETS:
        return text

    def whole(found: re.Match[str]) -> str:
        begin = found.start()
        while text[begin - 1 : begin] == "\\":
            begin -= 1
        first, second = found[0][:6], found[0][6:]
        if (found.start() - begin) % 2:
            return first + (r"\ufffd" if second else "")
        return found[0] if second else r"\ufffd"

    return _SURROGATES.sub(whole, text)


def question_of(frame: Send, command_id: str) -> MessageSend:
    """Read the last question of a `send` as the command it stands for.

    Raises:
        BadRequest: there is none, or something is wrong with it.
    """
    found = bytes(_last_question(frame))
    if found.count(b"[") + found.count(b"{") + found.count(b"\\u") > MOST_BRACKETS:
        raise BadRequest(frame.request_id, Refusal("frame_too_large", param="$.message.parts"))
    body = frame.body or Body()
    given = {
        b"model": body.model, b"options": body.options, b"projectId": body.project_id, b"ifActive": body.if_active
    }  # fmt: skip
    extra = b"".join(b',"%b":%b' % (name, bytes(value)) for name, value in given.items() if bytes(value))
    head = orjson.dumps({"type": "message.send", "id": command_id, "chatId": frame.id})
    try:
        return cast(MessageSend, decode_client(head[:-1] + b',"message":' + found + extra + b"}"))
    except Refusal as refusal:
        raise BadRequest(frame.request_id, refusal) from None


def ends_with_answer(messages: Sequence[Raw]) -> bool:
    """Say whether the last message is an answer already."""
    return bool(messages) and _role(messages[-1]) == "assistant"


def _last_question(frame: Send) -> Raw:
    found = next((message for message in reversed(frame.messages) if _role(message) == "user"), None)
    if found is None or len(frame.messages) > MOST_MESSAGES:
        why = "holds no message of the user" if found is None else f"holds more than {MOST_MESSAGES:,} messages"
        refusal = Refusal("invalid_argument", f"The field $.messages {why}.", param="$.messages")
        raise BadRequest(frame.request_id, refusal)
    return found


def _role(message: Raw) -> str:
    return msgspec.json.decode(message, type=_Role).role


def start_frame(request_id: str) -> bytes:
    """The answer of this request follows."""
    return orjson.dumps({"type": "start", "requestId": request_id})


def end_frame(request_id: str) -> bytes:
    """This request is over."""
    return orjson.dumps({"type": "end", "requestId": request_id})


def no_active_frame(request_id: str) -> bytes:
    """There is nothing to resume."""
    return orjson.dumps({"type": "no-active", "requestId": request_id})


def error_frame(request_id: str, error: ErrorObject) -> bytes:
    """This request failed: `errorText` for the vendor's class, and beside it the whole error for programs."""
    return orjson.dumps(
        {"type": "error", "requestId": request_id, "errorText": error.message, "error": msgspec.to_builtins(error)}
    )


def event_frame(frame: bytes) -> bytes:
    """Let a frame of the event log ride on a `requestId` of its own."""
    return b'{"requestId":"%b",' % EVENTS.encode() + frame[1:]
