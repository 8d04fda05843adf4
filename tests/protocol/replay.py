"""Replays transcripts (`protocol/vectors/README.md`) through one core, playing the other side from the script."""

import math
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec
import orjson

from app.realtime.feed import Feed
from app.store.events import StoredEvent
from app.streams.log import StreamLog
from protocol.client import ClientConnection, Close, Connect, Dashboard, Notice, Refreshed, Send
from protocol.codec import encode
from protocol.codes import ERRORS
from protocol.frames.client import (
    CLIENT_FRAMES,
    ClientFrame,
    EventsResume,
    Generating,
    Hello,
    PresenceUpdate,
    StreamSubscribe,
)
from protocol.frames.objects import ErrorObject
from protocol.frames.server import SERVER_FRAMES, Event, Goodbye, StreamChunk, StreamEnd, StreamStatusFrame, Welcome
from protocol.limits import FlowLimits, Limits
from protocol.parts.fold import Fold
from protocol.server import ServerConnection

Json = dict[str, Any]
_VARIABLE = re.compile(r"\$[a-z]\w*")
_CLIENT = {frame.__struct_config__.tag: frame for frame in CLIENT_FRAMES}
_SERVER = {frame.__struct_config__.tag: frame for frame in SERVER_FRAMES}


class Names:
    """The values of a transcript's variables, such as `$hello`: bound where they first appear."""

    def __init__(self) -> None:
        self.bound: dict[str, Any] = {}

    def fill(self, pattern: Any) -> Any:
        """Put values in the place of variables; one that is not bound yet gets its own name."""
        if isinstance(pattern, dict):
            return {key: self.fill(value) for key, value in pattern.items()}
        if isinstance(pattern, list):
            return [self.fill(item) for item in pattern]
        if isinstance(pattern, str) and _VARIABLE.fullmatch(pattern):
            return self.bound.setdefault(pattern, pattern[1:])
        return pattern

    def match(self, pattern: Any, value: Any) -> None:
        """Check that a value is what the pattern says, and bind what is new in it."""
        if isinstance(pattern, str) and _VARIABLE.fullmatch(pattern):
            assert self.bound.setdefault(pattern, value) == value, f"{pattern} has two values"
        elif isinstance(pattern, dict) and isinstance(value, dict):
            assert pattern.keys() == value.keys(), f"{value} has other fields than {pattern}"
            for key, inner in pattern.items():
                self.match(inner, value[key])
        elif isinstance(pattern, list) and isinstance(value, list):
            assert len(pattern) == len(value), f"{value} has another length than {pattern}"
            for inner, item in zip(pattern, value, strict=True):
                self.match(inner, item)
        else:
            assert value == pattern


def frame_of(table: dict[Any, Any], frame: Json) -> Any:
    """A frame as its struct."""
    return msgspec.convert(frame, table[frame["type"]])


class ScriptedLog:
    """A stream of the transcript's server."""

    def __init__(self, stream_id: str) -> None:
        self.stream_id = stream_id
        self.log = StreamLog(stream_id)
        self.label: bytes | None = None

    @property
    def head(self) -> int:
        return self.log.head

    @property
    def end(self) -> bytes | None:
        return self.log.end

    def read(self, after: int, limit: int) -> Any:
        return self.log.read(after, limit)


class ServerReplay:
    """A `ServerConnection` for each socket; the client and the application come from the script."""

    def __init__(self, transcript: Json) -> None:
        settings = transcript.get("server", {})
        self.flow = FlowLimits(**settings.get("flow", {}))
        self.limits = msgspec.convert(settings.get("limits", {}), Limits)
        self.names = Names()
        self.now = 0.0
        self.cores: dict[int, ServerConnection] = {}
        self.queues: dict[int, deque[bytes]] = {}
        self.commands: dict[str, ClientFrame] = {}
        self.logs: dict[str, ScriptedLog] = {}
        self.feed = Feed(settings.get("epoch", "e7"), settings.get("offset", 0))

    def run(self, steps: list[Json]) -> None:
        for step in steps:
            kind = next(iter(step))
            getattr(self, f"on_{kind}")(step[kind], step.get("socket", max(self.cores, default=1)))
        left = {number: list(queue) for number, queue in self.queues.items() if queue}
        assert not left, f"the server also sent {left}"

    def on_connect(self, number: int, _socket: int) -> None:
        self.cores[number] = ServerConnection(self.limits, self.now, 0.5, self.flow)
        self.queues[number] = deque()

    def on_send(self, pattern: Json, socket: int) -> None:
        frame = self.cores[socket].receive(orjson.dumps(self.names.fill(pattern)).decode(), self.now)
        if frame is not None and hasattr(frame, "id"):
            self.commands[frame.id] = frame
        self._take(socket)

    def on_receive(self, pattern: Json, socket: int) -> None:
        if not self.queues[socket]:
            self._decide(self.names.fill(pattern), self.cores[socket])
            self._take(socket)
        assert self.queues[socket], f"the server did not send {pattern}"
        self.names.match(pattern, orjson.loads(self.queues[socket].popleft()))

    def on_lose(self, pattern: Json, socket: int) -> None:
        """The network swallows what the server sent."""
        self.on_receive(pattern, socket)

    def on_wait(self, seconds: float, _socket: int) -> None:
        until = self.now + seconds
        while (due := min((core.deadline() for core in self.cores.values()), default=math.inf)) <= until:
            self.now = max(self.now, due)
            for core in self.cores.values():
                core.expire(self.now)
            self._take_all()
        self.now = until

    def on_close(self, code: int, socket: int) -> None:
        closing = self.cores[socket].closing
        assert closing is None or closing.code == code
        assert closing is not None or code in (1000, 1012), "only these closes are not the core's"
        self.on_cut(code, socket)

    def on_cut(self, _code: int, socket: int) -> None:
        self.cores.pop(socket).close()
        del self.queues[socket]

    def on_client(self, _action: Json, _socket: int) -> None:
        """What the client's application wants shows in what it sends."""

    on_expect = on_client

    def on_server(self, action: Json, _socket: int) -> None:
        """Something happens behind the sockets."""
        match action:
            case {"append": {"streamId": stream_id, "chunks": chunks}}:
                log = self._log(stream_id)
                log.log.publish(log.log.extend(chunks))
            case {"end": frame}:
                self._log(frame["streamId"]).log.finish(encode(frame_of(_SERVER, frame)))
            case {"status": frame}:
                self._log(frame["streamId"]).label = encode(frame_of(_SERVER, frame))
            case {"event": event}:
                data = orjson.dumps(event["data"]).decode()
                source = event.get("sourceClientId")
                stored = StoredEvent(self.feed.head + 1, event["name"], event["time"], source, data)
                assert self.feed.follow([stored])
            case {"forgetEvents": offset}:
                self.feed.skip_to(offset)
            case _:
                raise AssertionError(f"no server does {action}")
        for core in self.cores.values():
            for stream_id in self.logs:
                core.touch(stream_id)
        self._take_all()

    def _log(self, stream_id: str) -> ScriptedLog:
        return self.logs.setdefault(stream_id, ScriptedLog(stream_id))

    def _take(self, socket: int) -> None:
        self.queues[socket] += self.cores[socket].take(self.now)

    def _take_all(self) -> None:
        for socket in self.cores:
            self._take(socket)

    def _decide(self, frame: Json, core: ServerConnection) -> None:
        """Answer as the transcript's application does, then follow what the answer announces."""
        match frame:
            case {"type": "welcome"}:
                hello = self.commands[frame["id"]]
                assert isinstance(hello, Hello)
                self._welcome(core, hello, frame_of(_SERVER, frame))
            case {"type": "ack", "id": command_id, "result": result}:
                core.ack(command_id, result, duplicate=frame.get("duplicate", False))
                self._follow(core, self.commands[command_id], result)
            case {"type": "error", "id": command_id, "error": error}:
                core.refuse(command_id, msgspec.convert(error, ErrorObject))
            case {"type": "error", "error": error, "fatal": True}:
                core.fail(msgspec.convert(error, ErrorObject), ERRORS[error["code"]].close or 4500)
            case {"type": "goodbye"}:
                goodbye = frame_of(_SERVER, frame)
                assert isinstance(goodbye, Goodbye)
                core.goodbye(goodbye)

    def _welcome(self, core: ServerConnection, hello: Hello, frame: Welcome) -> None:
        core.welcome(frame, hello.flow.window_bytes if hello.flow else None, None)
        recovered = hello.events is not None and frame.events.recovered
        core.follow_events(self.feed, hello.events.offset if hello.events and recovered else frame.events.offset)
        for asked, answer in zip(hello.streams, frame.streams, strict=True):
            if answer.error is None:
                core.subscribe(self._log(asked.stream_id), asked.after)

    def _follow(self, core: ServerConnection, command: ClientFrame, result: Json) -> None:
        match command:
            case StreamSubscribe():
                core.subscribe(self._log(command.stream_id), command.after)
            case EventsResume():
                core.follow_events(self.feed, command.offset if result["recovered"] else result["offset"])
            case Generating(subscribe=True):
                core.subscribe(self._log(result["streamId"]), 0)


class ClientReplay:
    """A `ClientConnection`; the server and the network come from the script."""

    def __init__(self, transcript: Json) -> None:
        settings = transcript.get("client", {})
        self.names = Names()
        self.now = 0.0
        self._ids = iter(range(1, 10_000))
        self.core = ClientConnection(
            settings.get("clientId", "tab_k3"),
            lambda: f"minted_{next(self._ids)}",
            lambda: 0.5,
            token=settings.get("token"),
            dashboard=settings.get("dashboard", True),
            capabilities=tuple(settings.get("capabilities", ())),
        )
        self.dialled: deque[int] = deque()
        self.closed: dict[int, int] = {}
        self.sent: dict[int, deque[bytes]] = {}
        self.socket = 0
        self.folds: dict[str, Fold] = {}
        self.heard: list[Notice] = []
        self.dashboard = Dashboard()

    def run(self, steps: list[Json]) -> None:
        for step in steps:
            kind = next(iter(step))
            getattr(self, f"on_{kind}")(step[kind], step.get("socket", self.socket))
        left = {number: list(frames) for number, frames in self.sent.items() if frames}
        assert not left, f"the client also sent {left}"

    def on_connect(self, number: int, _socket: int) -> None:
        assert self.dialled, "the client did not connect"
        assert self.dialled.popleft() == number
        self.socket = number
        self.sent[number] = deque()
        self._do(self.core.opened(number, self.now))

    def on_send(self, pattern: Json, socket: int) -> None:
        assert self.sent[socket], f"the client did not send {pattern}"
        self.names.match(pattern, orjson.loads(self.sent[socket].popleft()))

    def on_receive(self, pattern: Json, socket: int) -> None:
        text = orjson.dumps(self.names.fill(pattern)).decode()
        self._do(self.core.received(socket, text, self.now))

    def on_lose(self, _pattern: Json, _socket: int) -> None:
        """Nothing comes."""

    def on_wait(self, seconds: float, _socket: int) -> None:
        until = self.now + seconds
        while (due := self.core.deadline(self.now)) is not None and due <= until:
            self.now = max(self.now, due)
            self._do(self.core.tick(self.now))
        self.now = until

    def on_close(self, code: int, socket: int) -> None:
        if self.closed.pop(socket, None) is None:
            self._do(self.core.closed(socket, code, self.now))
        self.sent.pop(socket, None)

    on_cut = on_close

    def on_client(self, action: Json, _socket: int) -> None:
        """The application wants something."""
        match action:
            case {"open": True}:
                self._do(self.core.open(self.now))
            case {"command": frame}:
                self._do(self.core.command(frame_of(_CLIENT, frame), self.now))
            case {"subscribe": {"streamId": stream_id, "after": after}}:
                self._do(self.core.subscribe(stream_id, after, self.now))
            case {"presence": frame}:
                presence = frame_of(_CLIENT, frame)
                assert isinstance(presence, PresenceUpdate)
                self._do(self.core.presence(presence))
            case {"foreground": True}:
                self._do(self.core.foreground(self.now))
            case _:
                raise AssertionError(f"no client does {action}")

    def on_server(self, _action: Json, _socket: int) -> None:
        """What happens behind the sockets shows in what they send."""

    def on_expect(self, expected: Json, _socket: int) -> None:
        found = dict(self._found(expected))
        assert found == expected

    def _found(self, expected: Json) -> Iterator[tuple[str, Any]]:
        ends = {notice.stream_id: notice.status for notice in self.heard if isinstance(notice, StreamEnd)}
        values: dict[str, Any] = {
            "state": self.core.state,
            "texts": {stream_id: _text(fold) for stream_id, fold in self.folds.items()},
            "ended": ends,
            "events": [notice.offset for notice in self.heard if isinstance(notice, Event)],
            "chats": {chat.chat_id: chat.title for chat in self.dashboard.chats},
            "unseen": [chat.chat_id for chat in self.dashboard.chats if chat.unseen],
            "notices": [type(notice).__name__ for notice in self.heard if not isinstance(notice, _FRAMES)],
        }
        return ((name, values[name]) for name in expected)

    def _do(self, notices: list[Notice]) -> None:
        for notice in notices:
            match notice:
                case StreamChunk():
                    self.folds.setdefault(notice.stream_id, Fold()).extend(notice.chunks)
                case Refreshed():
                    self.dashboard.replace(notice.snapshot)
                case Event():
                    self.dashboard.apply(notice)
        self.heard += notices
        for action in self.core.actions():
            match action:
                case Connect():
                    self.dialled.append(action.link)
                case Send():
                    self.sent[action.link].append(action.data)
                case Close():
                    self.closed[action.link] = action.code


_FRAMES = (StreamChunk, StreamStatusFrame, StreamEnd, Event)


def _text(fold: Fold) -> str:
    """The text of an answer."""
    return "".join(part["text"] for part in fold.message()["parts"] if part["type"] == "text")
