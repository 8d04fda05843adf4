"""Bytes to frames and back: orjson for the JSON, msgspec for the types."""

import re
from functools import cache
from typing import Any, TypeVar

import msgspec
import orjson
from msgspec import inspect

from protocol.errors import Refusal, Violation
from protocol.frames.client import CLIENT_FRAMES, ClientFrame
from protocol.frames.server import SERVER_FRAMES, ServerFrame
from protocol.ids import is_id

# orjson reads 1,024 levels but refuses to write from 255 on; what we store must be writable inside an event.
MAX_DEPTH = 64

_Frame = TypeVar("_Frame", bound=msgspec.Struct)
_CLIENT_TYPES: dict[str, type[ClientFrame]] = {str(f.__struct_config__.tag): f for f in CLIENT_FRAMES}
_SERVER_TYPES: dict[str, type[ServerFrame]] = {str(f.__struct_config__.tag): f for f in SERVER_FRAMES}
# One JSON escape at a time, so that an escaped backslash never lends its second half; a legal pair is one escape.
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[\da-fA-F]{4}|.)", re.DOTALL)
_UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F][\da-fA-F]{2})")
# A sentence about a wrong value quotes the value, which may be as long as a frame.
_MOST_WORDS = 160
_MISSING = re.compile(r"missing required field `(?P<field>[^`]+)`")


class InvalidField(Refusal):
    """A frame of a known type has a bad field: `invalid_argument` for the command with this id.

    Args:
        command_id: the frame's id when it is legal, else None.
    """

    def __init__(self, command_id: str | None, message: str, param: str) -> None:
        super().__init__("invalid_argument", message, param=param)
        self.command_id = command_id


class UnknownType(Refusal):
    """A frame of a type this version does not know; without an id it is ignored and counted (guarantee 6)."""

    def __init__(self, command_id: str | None, kind: str) -> None:
        super().__init__("unknown_type", f"This server does not know the command {kind[:80]!r}.")
        self.command_id = command_id


def decode_client(data: str | bytes) -> ClientFrame:
    """Read one frame from a client.

    Args:
        data: one websocket text message, JSON in UTF-8.

    Raises:
        Violation: `invalid_frame`, when it is not a JSON object with a string `type` (guarantee 2).
        UnknownType: the type is not of this protocol version.
        InvalidField: a field is missing or wrong; names the field.
    """
    fields = _parse(data)
    struct = _CLIENT_TYPES.get(fields["type"])
    command_id = fields["id"] if is_id(fields.get("id")) else None
    if struct is None:
        raise UnknownType(command_id, fields["type"])
    if too_deep(data, fields):
        raise InvalidField(command_id, f"The frame is nested deeper than {MAX_DEPTH} levels.", "$")
    try:
        return _convert(fields, struct, data)
    except msgspec.ValidationError as error:
        raise InvalidField(command_id, *explain(str(error))) from None


def decode_server(data: str | bytes) -> ServerFrame | None:
    """Read one frame from a server; None for a type that a later version of it may have added.

    Raises:
        Violation: `invalid_frame`, when the server does not speak the protocol.
    """
    fields = _parse(data)
    struct = _SERVER_TYPES.get(fields["type"])
    if struct is None:
        return None
    try:
        return _convert(fields, struct, data)
    except msgspec.ValidationError as error:
        raise Violation("invalid_frame", f"The server sent a broken {fields['type']!r} frame: {error}") from None


def read_object(fields: dict[str, Any], struct: type[_Frame]) -> _Frame:
    """Check a parsed JSON object that is no frame, such as the body of a request; `null` counts as absent.

    Raises:
        Refusal: `invalid_argument`, with the field that is missing or wrong.
    """
    try:
        return msgspec.convert(_without_nulls(fields, _type_of(struct)), struct)
    except msgspec.ValidationError as error:
        message, param = explain(str(error))
        raise Refusal("invalid_argument", message, param=param) from None


def encode(frame: ClientFrame | ServerFrame) -> bytes:
    """Write one frame as the UTF-8 bytes of its JSON object, `type` first."""
    return orjson.dumps(msgspec.to_builtins(frame))


def to_json(value: Any) -> Any:
    """Turn a wire object (or a list or dict of them) into plain JSON values, fields in camelCase."""
    return msgspec.to_builtins(value)


def too_deep(data: str | bytes, value: object) -> bool:
    """Say whether parsed JSON is nested deeper than `MAX_DEPTH`; `data` is its text, for a cheap first look."""
    brackets = data.count("{") + data.count("[") if isinstance(data, str) else data.count(b"{") + data.count(b"[")
    return brackets > MAX_DEPTH and _deeper_than(value, MAX_DEPTH)


def _deeper_than(value: object, depth: int) -> bool:
    level: list[object] = [value]
    for _ in range(depth):
        level = [child for node in level for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: object) -> list[object]:
    values = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [child for child in values if isinstance(child, dict | list)]


def _parse(data: str | bytes) -> dict[str, Any]:
    try:
        fields = _loads(data)
    except ValueError:
        raise Violation("invalid_frame", "This frame is not valid JSON.") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("type"), str):
        raise Violation("invalid_frame")
    return fields


def _loads(data: str | bytes) -> Any:
    text = data if isinstance(data, str) else data.decode()
    if "\\u0000" not in text:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            if "\\ud" not in text.lower():
                raise
    return orjson.loads(_storable(text))


def _storable(text: str) -> str:
    """Put U+FFFD in the place of escaped NULs and lone surrogates in a JSON text, as browsers do in plain text.

    No database stores the one and no encoder writes the other, but people paste both and `slice` cuts an emoji in two:
    that must cost a character, not the connection. Ids keep to their pattern, so one that was repaired is refused.
    """
    return _ESCAPE.sub(lambda found: r"\ufffd" if _UNSTORABLE.fullmatch(found[0]) else found[0], text)


def _convert(fields: dict[str, Any], struct: type[_Frame], data: str | bytes) -> _Frame:
    """Check the fields against their types; `null` counts as absent (section 1)."""
    if ("null" in data) if isinstance(data, str) else (b"null" in data):
        fields = _without_nulls(fields, _type_of(struct))
    return msgspec.convert(fields, struct)


@cache
def _type_of(struct: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(struct)


def _without_nulls(value: Any, kind: inspect.Type) -> Any:
    """Leave out the nulls of typed objects; inside free JSON, such as a tool's output, they are values."""
    if isinstance(kind, inspect.StructType) and isinstance(value, dict):
        types = {field.encode_name: field.type for field in kind.fields}
        return {
            name: _without_nulls(v, types[name]) if name in types else v for name, v in value.items() if v is not None
        }
    if isinstance(kind, inspect.ListType) and isinstance(value, list):
        return [_without_nulls(item, kind.item_type) for item in value]
    if isinstance(kind, inspect.UnionType):
        typed = (each for each in kind.types if isinstance(each, inspect.StructType | inspect.ListType))
        return _without_nulls(value, next(typed, kind.types[0]))
    return value


def explain(problem: str) -> tuple[str, str]:
    """Split msgspec's sentence into one for people and the path of the field at fault."""
    what, _, where = problem.rpartition(" - at `")
    what, where = (what, where.removesuffix("`")) if what else (problem, "$")
    if missing := _MISSING.search(what):
        where = f"{where}.{missing['field']}"
        return f"The field {where} is missing.", where
    if "matching regex" in what:
        return f"The field {where} must be an id: 1 to 64 of A-Z, a-z, 0-9, '_' and '-'.", where
    return f"The field {where} is wrong: {what[:1].lower()}{what[1:_MOST_WORDS]}.", where
