"""The frames of the AI SDK's own socket, read and written. Field names are the vendor's.

A `send` carries the whole history, which may be megabytes, and only its last question counts. So messages stay bytes
until that one is found, and it is read as the `message.send` it stands for: one set of rules, one set of sentences.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

import msgspec
import orjson
from msgspec import Meta, Raw, Struct

from protocol.codec import UnknownType, decode_client, explain, storable
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
# More than any history that fits the frame has; a list of a million nothings is refused before it costs anything.
MOST_MESSAGES = 20_000

RequestId = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
Trigger = Literal["submit-message", "regenerate-message"]
# What of a request's `body` is ours; the vendor lets a page put anything there.
_OPTIONS = ("model", "options", "projectId", "ifActive")


class StockFrame(Struct, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """A frame of the vendor's class."""

    request_id: RequestId


class Send(StockFrame, frozen=True, kw_only=True, tag="send"):
    """Ask a question, or have its answer written again; `id` is the chat."""

    id: Id
    trigger: Trigger
    messages: list[Raw]
    message_id: str | None = None
    body: dict[str, Raw] | None = None


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
    role: Any = None


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
    text, named = _read(data)
    if not isinstance(named.type, str):
        raise Violation("invalid_frame")
    request_id = named.request_id if is_request_id(named.request_id) else None
    kind = _KINDS.get(named.type)
    if kind is None:
        raise BadRequest(request_id or CONNECTION, UnknownType(None, named.type))
    try:
        if request_id is None:
            raise Refusal("invalid_argument", _ID_RULE, param="$.requestId")
        return msgspec.json.decode(text, type=kind)  # type: ignore[no-any-return]  # one of three
    except msgspec.ValidationError as error:
        message, param = explain(str(error))
        raise BadRequest(request_id or CONNECTION, Refusal("invalid_argument", message, param=param)) from None
    except Refusal as refusal:
        raise BadRequest(CONNECTION, refusal) from None


_ID_RULE = f"The `requestId` must be a string of 1 to {LONGEST_ID} characters that does not begin with `~`."


def is_request_id(value: object) -> bool:
    """Say whether a client may name a request so; a `~` is the server's."""
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_ID and not value.startswith("~")


def _read(data: str) -> tuple[str, _Named]:
    """Find what a frame calls itself; a text with NULs or halves of characters is repaired, as everywhere."""
    text = storable(data) if "\\u0000" in data or "\\ud" in data or "\\uD" in data else data
    try:
        return text, msgspec.json.decode(text, type=_Named)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise Violation("invalid_frame", "This frame is not a JSON object.") from None


def question_of(frame: Send, command_id: str) -> MessageSend:
    """Read the last question of a `send` as the command it stands for.

    Raises:
        BadRequest: there is none, or something is wrong with it.
    """
    found = None if len(frame.messages) > MOST_MESSAGES else _last_question(frame.messages)
    if found is None:
        why = "holds too many messages" if frame.messages[MOST_MESSAGES:] else "holds no message of the user"
        raise BadRequest(
            frame.request_id, Refusal("invalid_argument", f"The field $.messages {why}.", param="$.messages")
        )
    given = [(name, (frame.body or {})[name]) for name in _OPTIONS if name in (frame.body or {})]
    extra = b"".join(b',"%b":%b' % (name.encode(), bytes(value)) for name, value in given)
    head = orjson.dumps({"type": "message.send", "id": command_id, "chatId": frame.id})
    try:
        return cast(MessageSend, decode_client(head[:-1] + b',"message":' + bytes(found) + extra + b"}"))
    except Refusal as refusal:
        raise BadRequest(frame.request_id, refusal) from None


def ends_with_answer(messages: Sequence[Raw]) -> bool:
    """Say whether the last message is an answer already."""
    return bool(messages) and _role(messages[-1]) == "assistant"


def _last_question(messages: Sequence[Raw]) -> Raw | None:
    return next((message for message in reversed(messages) if _role(message) == "user"), None)


def _role(message: Raw) -> object:
    try:
        return msgspec.json.decode(message, type=_Role).role
    except msgspec.DecodeError:
        return None  # not an object


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
