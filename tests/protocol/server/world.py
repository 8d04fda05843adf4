"""Logs of a few lines, and a connection with its clock: what tests of the server side are written in."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from protocol.limits import FlowLimits, Limits
from protocol.server import ServerConnection
from tests.protocol.wire import welcome

Json = dict[str, Any]


class FakeRange(NamedTuple):
    """A merged range of a fake log."""

    seq: int
    frame: bytes


class FakeLog:
    """Chunks of one text part; counts what is asked of it."""

    def __init__(self, stream_id: str = "str_1", words: int = 0) -> None:
        self.stream_id = stream_id
        self.texts: list[str] = []
        self.end: bytes | None = None
        self.label: bytes | None = None
        self.reads: list[int] = []
        for n in range(words):
            self.say(f"{n} ")

    @property
    def head(self) -> int:
        return len(self.texts)

    def say(self, text: str) -> None:
        self.texts.append(text)

    def status(self, label: str) -> None:
        self.label = orjson.dumps({"type": "stream.status", "streamId": self.stream_id, "label": label})

    def finish(self) -> None:
        self.end = orjson.dumps({"type": "stream.end", "streamId": self.stream_id, "seq": self.head})

    def read(self, after: int, limit: int) -> FakeRange:
        assert 0 <= after < self.head, "the reader asks for what is not there"
        self.reads.append(limit)
        seq, frame = after + 1, self._frame(after, after + 1)
        while seq < self.head and len(longer := self._frame(after, seq + 1)) <= limit:
            seq, frame = seq + 1, longer
        return FakeRange(seq, frame)

    def _frame(self, after: int, seq: int) -> bytes:
        chunk = {"type": "text-delta", "id": "t", "delta": "".join(self.texts[after:seq])}
        return orjson.dumps(
            {"type": "stream.chunk", "streamId": self.stream_id, "prev": after, "seq": seq, "chunks": [chunk]}
        )


class FakeEvents:
    """A user's event log that holds its newest events only."""

    def __init__(self, head: int = 0, keeps: int = 1_000_000) -> None:
        self.head = head
        self.keeps = keeps
        self.size = 0

    def add(self, count: int = 1, size: int = 0) -> None:
        self.head += count
        self.size = max(self.size, size)

    def read(self, after: int) -> bytes | None:
        if after < self.head - self.keeps:
            return None
        return orjson.dumps(
            {"type": "event", "offset": after + 1, "name": "chat.updated", "time": 1, "data": {"x": "y" * self.size}}
        )

    def reset(self) -> bytes:
        return orjson.dumps({"type": "events.reset", "epoch": "e", "offset": self.head, "reason": "slow_consumer"})


@dataclass
class Wire:
    """A connection, the time, and everything it ever sent, decoded."""

    core: ServerConnection
    now: float = 100.0
    sent: list[Json] = field(default_factory=list)

    def receive(self, frame: Json | str | bytes) -> Any:
        """The client sends something; what the application has to handle comes back."""
        text = orjson.dumps(frame).decode() if isinstance(frame, dict) else frame
        return self.core.receive(text, self.now)

    def take(self) -> list[Json]:
        """What leaves now."""
        frames = [orjson.loads(frame) for frame in self.core.take(self.now)]
        self.sent += frames
        return frames

    def ask(self, frame: Json | str | bytes) -> list[Json]:
        """Send something and take what leaves."""
        self.receive(frame)
        return self.take()

    def pong(self) -> bool:
        """Answer the newest ping, if there is any."""
        ping = next((frame["id"] for frame in reversed(self.sent) if frame["type"] == "ping"), None)
        if ping is not None:
            self.receive({"type": "pong", "id": ping})
        return ping is not None

    def wait(self, seconds: float) -> list[Json]:
        """Let time pass, waking the core whenever it asks for it."""
        until, woken = self.now + seconds, len(self.sent)
        while self.core.closing is None and (due := self.core.deadline()) <= until:
            self.now = max(self.now, due)
            self.core.expire(self.now)
            self.take()
        self.now = until
        return self.sent[woken:]

    def greet(self, **fields: Any) -> "Wire":
        """Say hello and be welcomed."""
        hello = self.receive({"type": "hello", "id": "h", "clientId": "tab", **fields})
        assert hello is not None
        granted = hello.flow.window_bytes if hello.flow else None
        self.core.welcome(welcome("h", capabilities=hello.capabilities), granted, None)
        assert [frame["type"] for frame in self.take()] == ["welcome"]
        return self


def wire(*, phase: float = 0.5, flow: FlowLimits | None = None, **limits: int) -> Wire:
    """A connection that was accepted just now."""
    return Wire(ServerConnection(Limits(**limits), 100.0, phase, flow))


def ready(
    *, phase: float = 0.5, flow: FlowLimits | None = None, capabilities: tuple[str, ...] = (), **limits: int
) -> Wire:
    """A connection that was welcomed."""
    return wire(phase=phase, flow=flow, **limits).greet(capabilities=list(capabilities))


def shows(chat_id: str | None, visibility: str = "visible") -> Json:
    """What a tab says of its screen."""
    return {"type": "presence.update", "visibility": visibility, "chatId": chat_id}


def types(frames: list[Json]) -> list[str]:
    """The types of frames, in order."""
    return [frame["type"] for frame in frames]


def code(frame: Json) -> str:
    """The code of an `error` frame."""
    found: str = frame["error"]["code"]
    return found


def fatal(connection: Wire, close: int) -> str:
    """The one fatal error that was sent; checks the close code that follows."""
    assert connection.core.closing is not None
    assert connection.core.closing.code == close
    *_, last = connection.sent or connection.take()
    assert last["type"] == "error"
    assert last["fatal"] is True
    return code(last)
