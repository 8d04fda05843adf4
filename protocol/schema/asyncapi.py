"""The wire as an AsyncAPI 3.0 document, generated from the same types as the JSON Schema.

It describes the server: what it receives, what it answers, and what it sends by itself, all on one channel. Where the
types end (order, resume, who may do what), `protocol/README.md` goes on.
"""

from collections.abc import Iterable
from typing import Any

from protocol.frames.client import CLIENT_FRAMES, ClientPing, ClientPong, Command, Hello
from protocol.frames.server import SERVER_FRAMES, Ack, Error, ServerPing, ServerPong, Welcome
from protocol.schema import name_of, schema

Json = dict[str, Any]

VERSION = "3.0.0"
_CHANNEL = {"$ref": "#/channels/socket"}
# What answers a command; everything else is answered by `ack` or `error` (guarantee 2).
_REPLIES: dict[type, tuple[type, ...]] = {Hello: (Welcome, Error), ClientPing: (ServerPong,)}
# What only ever answers; an `error` without an id comes by itself.
_ONLY_REPLIES = (Welcome, Ack, ServerPong)
_SECURITY: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A session or API token, at the handshake."},
    "cookie": {
        "type": "httpApiKey", "in": "cookie", "name": "tidewire_session",
        "description": "A browser's; the handshake needs an allowed Origin. `hello.token` goes before both.",
    },
}  # fmt: skip


def asyncapi() -> Json:
    """Build the document."""
    return {
        "asyncapi": VERSION,
        "id": "urn:tidewire:v1",
        "info": {
            "title": "Tidewire",
            "version": "1",
            "description": "The websocket subprotocol `tidewire.v1`: model tokens, commands and dashboard events of an "
            "AI chat workspace on one socket per tab. Frames are text, one flat JSON object each, told apart by "
            "`type`. Unknown fields are ignored, and `null` counts as absent.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {"node": _server()},
        "channels": {"socket": _socket()},
        "operations": _operations(),
        "components": {
            "messages": _messages(),
            "schemas": _with_references(schema()["$defs"]),
            "securitySchemes": _SECURITY,
        },
    }


def _server() -> Json:
    return {
        "host": "{host}",
        "protocol": "ws",
        "description": "Any node; `wss` behind TLS. A stream or an event log can be read on at every one of them.",
        "variables": {"host": {"default": "127.0.0.1:8000", "description": "Host and port of a server."}},
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY],
    }


def _socket() -> Json:
    subprotocol = {"type": "string", "const": "tidewire.v1"}
    headers = {"type": "object", "properties": {"Sec-WebSocket-Protocol": subprotocol}}
    return {
        "address": "/v1/socket",
        "title": "One socket per tab, for everything",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in map(name_of, _frames())},
        "bindings": {"ws": {"method": "GET", "headers": headers, "bindingVersion": "0.1.0"}},
    }


def _operations() -> Json:
    received = {_tag(frame): _received(frame) for frame in CLIENT_FRAMES if frame is not ClientPong}
    sent = {f"send.{_tag(frame)}": _sent(frame) for frame in SERVER_FRAMES if frame not in _ONLY_REPLIES}
    return received | sent


def _received(frame: type) -> Json:
    replies = _REPLIES.get(frame, (Ack, Error) if issubclass(frame, Command) else ())
    return _operation("receive", frame, replies)


def _sent(frame: type) -> Json:
    return _operation("send", frame, (ClientPong,) if frame is ServerPing else ())


def _operation(action: str, frame: type, replies: Iterable[type]) -> Json:
    answered = [_on_channel(reply) for reply in replies]
    said = {"action": action, "channel": _CHANNEL, "summary": _summary(frame), "messages": [_on_channel(frame)]}
    return said | ({"reply": {"channel": _CHANNEL, "messages": answered}} if answered else {})


def _messages() -> Json:
    return {
        name_of(frame): {
            "name": _tag(frame),
            "title": _tag(frame),
            "summary": _summary(frame),
            "payload": {"$ref": f"#/components/schemas/{name_of(frame)}"},
        }
        for frame in _frames()
    }


def _with_references(node: Any) -> Any:
    """The same schema with its references into the components of this document."""
    if isinstance(node, list):
        return [_with_references(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _with_references(value)
        for key, value in node.items()
    }


def _frames() -> tuple[type, ...]:
    return (*CLIENT_FRAMES, *SERVER_FRAMES)


def _on_channel(frame: type) -> Json:
    return {"$ref": f"#/channels/socket/messages/{name_of(frame)}"}


def _tag(frame: type) -> str:
    return str(frame.__struct_config__.tag)  # type: ignore[attr-defined]  # frames are structs


def _summary(frame: type) -> str:
    return (frame.__doc__ or "").strip().split("\n", 1)[0]
