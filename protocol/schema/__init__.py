"""The frames as JSON Schema, generated from the types that decode them.

One document holds every frame and object under `$defs`. `ClientFrame` and `ServerFrame` are unions told apart by
`type`, a constant in each of their members, so that code generators make discriminated unions of them.

The schema says what to send. A reader is more generous: it takes `null` for absent and ignores fields it does not
know (section 1), so unknown fields are allowed here and `null` is not mentioned.
"""

from collections.abc import Iterable
from typing import Any, get_args

import msgspec

from protocol.frames.client import CLIENT_FRAMES
from protocol.frames.objects import DashboardSnapshot, GenerationResult, Message
from protocol.frames.server import SERVER_FRAMES, EventName
from protocol.limits import Limits

# What no frame names, but results and the history hold.
RESULTS = (GenerationResult, DashboardSnapshot, Message, Limits)


def schema() -> dict[str, Any]:
    """Build the document."""
    types = (*CLIENT_FRAMES, *SERVER_FRAMES, *RESULTS)
    _, components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    definitions = {_name(name): _without_null(body) | {"title": _name(name)} for name, body in components.items()}
    definitions["EventFrame"]["properties"]["name"] = {"anyOf": [_ref("EventName"), {"type": "string"}]}
    definitions["EventName"] = {
        "title": "EventName",
        "description": "The events of this version; a later one may add names, which a client passes over.",
        "enum": list(get_args(EventName)),
    }
    definitions["ClientFrame"] = _union("ClientFrame", "What a client sends.", CLIENT_FRAMES)
    definitions["ServerFrame"] = _union("ServerFrame", "What a server sends.", SERVER_FRAMES)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Frame",
        "description": "One text message of the websocket subprotocol tidewire.v1.",
        "anyOf": [_ref("ClientFrame"), _ref("ServerFrame")],
        "$defs": dict(sorted(definitions.items())),
    }


_FRAMES = frozenset(frame.__name__ for frame in (*CLIENT_FRAMES, *SERVER_FRAMES))


def name_of(frame: type) -> str:
    """The name of a frame's definition."""
    return _name(frame.__name__)


def _name(name: str) -> str:
    """Name a frame's definition so that it hides no global of a browser, as `Error` and `Event` would."""
    return f"{name}Frame" if name in _FRAMES and not name.endswith("Frame") else name


def _union(title: str, description: str, frames: Iterable[type[msgspec.Struct]]) -> dict[str, Any]:
    members = [_ref(_name(frame.__name__)) for frame in frames]
    return {"title": title, "description": description, "oneOf": members}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _without_null(node: Any) -> Any:
    """Take `null` out of a schema: a field that may be null is one that may be left out."""
    if isinstance(node, list):
        return [_without_null(item) for item in node if item != {"type": "null"}]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_null(value) for key, value in node.items() if (key, value) != ("default", None)}
    options = kept.get("anyOf")
    if isinstance(options, list) and len(options) == 1:
        del kept["anyOf"]
        return {**options[0], **kept}
    return kept
