"""Transcripts as steps for a live server.

A transcript names one server's ids, times and words, and a live one has its own. So every name that a server or client
mints becomes a variable (`str_9` is `$str_9`), positions become those the client has reached, and of a frame only what
any server must say is kept. What a transcript's server does by itself, a stage hand brings about: another tab asks the
question that runs already, or renames the chat. How the answer is cut into frames and what it says is the server's;
that it is whole and in order is watched.
"""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_NAMES = frozenset({
    "id", "chatId", "messageId", "userMessageId", "streamId", "commandId", "clientId", "sourceClientId", "connectionId",
    "userId", "epoch", "approvalId", "toolCallId", "parentId",
})  # fmt: skip
# What of an object says the same at every server.
_KEPT: dict[str, tuple[str, ...]] = {
    "welcome": ("type", "id", "protocol", "connectionId", "userId", "capabilities"),
    "ack": ("type", "id", "duplicate"),
    "error": ("type", "id", "fatal"),
    "pong": ("type", "id"),
    "stream.end": ("type", "streamId", "chatId", "messageId", "status"),
}
_RESULT = ("chatId", "userMessageId", "messageId", "streamId", "recovered", "epoch")
_LAST = frozenset({"finish", "abort", "error"})
# Frames of which a server may send more, or fewer.
_LOOSE = frozenset({"ping", "stream.status"})


def why_not(transcript: Json) -> str | None:
    """Why no live server can be driven through a transcript; None when it can."""
    frames = [frame for step in transcript["steps"] for frame in step.values() if isinstance(frame, dict)]
    if {"flow", "limits"} & transcript.get("server", {}).keys():
        return "its server has a window or limits of its own"
    if any(frame.get("type") == "goodbye" for frame in frames):
        return "its server restarts"
    if any("forgetEvents" in frame for frame in frames):
        return "its server has forgotten events"
    if any(frame.get("error", {}).get("code") == "token_expired" for frame in frames):
        return "its token has expired"
    return None


def steps_of(transcript: Json) -> Iterator[Json]:
    """The steps for a live server."""
    yield from _stage(transcript)
    length = "long" if _sends(transcript, "stream.stop") else "steady"
    socket = 0
    for step in transcript["steps"]:
        kind = next(iter(step))
        if kind == "connect":
            socket = step["connect"]
            yield {"connect": socket}
        for live in _live(kind, step[kind], transcript, socket):
            yield live | {"length": length} if kind == "send" else live
    if (end := _end(transcript)) is not None:
        yield {"stored": f"${end['streamId']}"}


def _live(kind: str, body: Any, transcript: Json, socket: int) -> Iterator[Json]:
    match kind:
        case "send" if body["type"] != "pong":
            yield {"send": _sent(body, socket)}
        case "receive":
            yield from _received(body, transcript)
        case "lose":
            yield {"lose": _pattern(body, transcript)}
        case "cut":
            yield {"cut": socket}
        case "close":
            yield {"close": body}
        case "server":
            yield from _renamed(body, transcript)
        case "expect":
            yield from _expected(body, transcript)


def _stage(transcript: Json) -> Iterator[Json]:
    """What has to be there before the client comes: an answer that somebody else asked for, or a chat."""
    if _sends(transcript, "message.send"):
        return
    end = _end(transcript)
    if end is None:
        yield {"stage": "chat", "chat": "$chat_8"}
        return
    waits = {
        "with": {"options": {"tool": "search_chats", "tokens": 60, "pace": 100}},
        "chunk": {"type": "tool-approval-request"},
    }
    asked = {"stage": "answer", "chat": "$chat_8", "stream": f"${end['streamId']}", "answer": f"${end['messageId']}"}
    yield asked | (waits if _sends(transcript, "tool.approval") else {})


def _received(frame: Json, transcript: Json) -> Iterator[Json]:
    if frame["type"] in _LOOSE or _is_title(frame, transcript):
        return
    if frame["type"] != "stream.chunk":
        yield {"receive": _pattern(frame, transcript)}
        return
    kinds = {chunk["type"]: chunk for chunk in frame["chunks"]}
    last = next(iter(_LAST & kinds.keys()), None)
    chunk: Json = {} if last is None else {"chunk": {"type": last}}
    if any("commandId" in step.get("send", {}) for step in transcript["steps"]):
        chunk |= {"mayBeEmpty": True}  # which of the two is first decides: guarantee 15
    if "tool-approval-request" in kinds:
        chunk = {"chunk": _named(kinds["tool-approval-request"])}
    yield {"chunks": f"${frame['streamId']}"} | chunk


def _sent(frame: Json, socket: int) -> Json:
    named: Json = _named({key: value for key, value in frame.items() if key != "token"})
    for position in [named.get("events"), *named.get("streams", ()), named if "after" in named else None]:
        if position is not None and position.get("after", 1) != 0:
            position |= {key: f"@{_before(named, socket)}" for key in ("epoch", "offset", "after") if key in position}
    if named["type"] == "events.resume":
        named |= {"epoch": f"@{socket}", "offset": f"@{socket}"}
    return named


def _before(frame: Json, socket: int) -> int:
    """The socket whose positions a frame names: of a hello, the one before."""
    return socket - 1 if frame["type"] == "hello" else socket


def _pattern(frame: Json, transcript: Json) -> Json:
    kind = frame["type"]
    if kind == "event":
        return _event(frame, transcript)
    kept: Json = _named({key: frame[key] for key in _KEPT[kind] if key in frame})
    if kind == "ack":
        kept["result"] = _named({key: value for key, value in frame["result"].items() if key in _RESULT})
        if frame["result"].get("status") == "stopping":
            kept["result"]["status"] = {"oneOf": ["stopping", "stopped"]}
    elif kind == "error":
        kept["error"] = {"code": frame["error"]["code"], "message": "*"}
    elif kind == "welcome":
        kept |= _greeting(frame)
    return kept


def _greeting(frame: Json) -> Json:
    active = [
        _named({key: each[key] for key in ("streamId", "chatId", "messageId")}) for each in frame["activeStreams"]
    ]
    return {
        "events": {"epoch": f"${frame['events']['epoch']}", "recovered": frame["events"]["recovered"]},
        "activeStreams": active,
        "streams": [{"streamId": f"${each['streamId']}"} for each in frame["streams"]],
        "snapshot": "*" if "snapshot" in frame else None,
        "limits": "*",
    }


def _event(frame: Json, transcript: Json) -> Json:
    data = {key: value for key, value in frame["data"].items() if key in _NAMES}
    chat: Json = {"chatId": frame["data"]["chatId"]}
    if frame["name"] == "chat.updated" and not _sends(transcript, "message.send", "tool.approval"):
        chat["title"] = frame["data"]["chat"]["title"]
    if frame["name"] in ("chat.unseen", "chat.seen"):
        chat["unseen"] = frame["data"]["chat"]["unseen"]
    source = frame.get("sourceClientId")
    said: Json = {"type": "event", "name": frame["name"], "data": _named(data | {"chat": chat})}
    return said if source is None else said | {"sourceClientId": f"${source}"}


def _renamed(action: Json, transcript: Json) -> Iterator[Json]:
    """A stage hand renames the chat where the transcript's server tells of a new title."""
    event = action.get("event", {})
    if event.get("name") == "chat.updated" and _end(transcript) is None:
        yield {"stage": "title", "chat": "$chat_8", "title": event["data"]["chat"]["title"]}


def _is_title(frame: Json, transcript: Json) -> bool:
    """Whether a frame tells of a title that the model found: when, and whether at all, is the server's affair."""
    return frame.get("name") == "chat.updated" and _end(transcript) is not None


def _expected(state: Json, transcript: Json) -> Iterator[Json]:
    if state.get("unseen") == [] and not _sends(transcript, "chat.seen"):
        yield {"fence": True}
        yield {"never": {"type": "event", "name": "chat.unseen"}}
    if state.get("texts") == {}:
        yield {"fence": True}
        yield {"never": {"type": "stream.chunk"}}


def _named(value: Any) -> Any:
    """Put a variable in the place of every name."""
    if isinstance(value, list):
        return [_named(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: f"${inner.removeprefix('$')}" if key in _NAMES and isinstance(inner, str) else _named(inner)
        for key, inner in value.items()
    }


def _sends(transcript: Json, *kinds: str) -> bool:
    return any(step.get("send", {}).get("type") in kinds for step in transcript["steps"])


def _end(transcript: Json) -> Json | None:
    """The end of the transcript's answer; None when it has none."""
    ends: list[Json] = [step["receive"] for step in transcript["steps"] if "receive" in step]
    return next((frame for frame in ends if frame["type"] == "stream.end"), None)
