"""Both cores of a connection, joined by links with a delay that can be cut; time is a number.

The application behind the server's core is that of the client tests (`tests.protocol.client.peer`); what is new here
is that nothing reaches a client but what `ServerConnection` lets out, in its order and inside its window.
"""

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from protocol.client import Answered, ClientConnection, Close, Connect, Dashboard, Notice, Refreshed, Refused, Send
from protocol.codec import encode
from protocol.errors import Refusal
from protocol.frames.client import Command, EventsResume, Generating, Hello, StreamSubscribe, StreamUnsubscribe
from protocol.frames.server import Event, EventsReset, StreamChunk, StreamEnd
from protocol.limits import FlowLimits, Limits
from protocol.parts.coalesce import coalesce
from protocol.parts.fold import Fold
from protocol.server import ServerConnection
from tests.protocol.client.peer import Log, Peer, World
from tests.protocol.server.world import FakeRange

QUANTUM = 0.05


class LogView:
    """A log of the test's world as the server's core reads it."""

    label = None

    def __init__(self, log: Log) -> None:
        self.log = log
        self.stream_id = log.stream_id

    @property
    def head(self) -> int:
        return self.log.head

    @property
    def end(self) -> bytes | None:
        log = self.log
        if log.status == "streaming":
            return None
        return encode(
            StreamEnd(stream_id=log.stream_id, chat_id=log.chat_id, message_id=log.message_id, seq=log.head,
                      status=log.status)  # type: ignore[arg-type]  # a status of the world is one of the wire
        )  # fmt: skip

    def read(self, after: int, limit: int) -> FakeRange:
        seq = after + 1
        while seq < self.head and len(self._frame(after, seq + 1)) <= limit:
            seq += 1
        return FakeRange(seq, self._frame(after, seq))

    def _frame(self, after: int, seq: int) -> bytes:
        chunks = coalesce(self.log.chunks[after:seq])
        return encode(StreamChunk(stream_id=self.stream_id, prev=after, seq=seq, chunks=chunks))


class EventsView:
    """The world's events as the server's core reads them."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def head(self) -> int:
        return len(self.world.events)

    def read(self, after: int) -> bytes | None:
        return None if after < self.world.trimmed else encode(self.world.events[after])

    def reset(self) -> bytes:
        return encode(EventsReset(epoch=self.world.epoch, offset=self.head, reason="slow_consumer"))


class Served(Peer):
    """One socket of the server, all of whose frames go through the core."""

    def __init__(self, world: World, now: float, flow: FlowLimits) -> None:
        super().__init__(world)
        self.core = ServerConnection(Limits(), now, 0.5, flow)

    def hear(self, data: bytes, now: float) -> None:
        """Let the core judge a frame, and the application answer what it hands over."""
        frame = self.core.receive(data.decode(), now)
        if isinstance(frame, Hello):
            self._greet(frame)
        elif isinstance(frame, Command):
            self._answer(frame)

    def say(self, now: float) -> list[bytes]:
        """What leaves now."""
        for stream_id in self.world.logs:
            self.core.touch(stream_id)
        return self.core.take(now)

    def _greet(self, hello: Hello) -> None:
        welcome = self._welcome(hello)
        self.core.welcome(welcome, None, None)
        self.core.follow_events(EventsView(self.world), self.offset)
        for stream_id, after in self.cursors.items():
            self.core.subscribe(LogView(self.world.logs[stream_id]), after)

    def _answer(self, command: Command) -> None:
        try:
            result, duplicate = self._command(command)
        except Refusal as refusal:
            self.core.refuse(command.id, refusal.error)
            return
        self.core.ack(command.id, result, duplicate=duplicate)
        match command:
            case StreamSubscribe():
                self.core.subscribe(LogView(self.world.logs[command.stream_id]), command.after)
            case StreamUnsubscribe():
                self.core.unsubscribe(command.stream_id)
            case EventsResume():
                self.core.follow_events(EventsView(self.world), self.offset)
            case Generating():
                self.core.subscribe(LogView(self.world.logs[result["streamId"]]), 0)


@dataclass
class Link:
    """One socket: what is under way in both directions, each with the time it arrives."""

    served: Served
    up: deque[tuple[float, bytes]] = field(default_factory=deque)
    down: deque[tuple[float, bytes]] = field(default_factory=deque)


class Joined:
    """A client, its sockets and the servers behind them.

    Args:
        delay: of every frame, each way, in seconds.
        flow: the bounds of the server's flow window.
        cuts: the sockets break just before these frames arrive, counted over the whole run.
    """

    def __init__(self, delay: float, flow: FlowLimits, cuts: tuple[int, ...] = ()) -> None:
        self.world = World()
        self.now = 1000.0
        self.delay = delay
        self.flow = flow
        self.cuts = set(cuts)
        self.frames = 0
        ids = itertools.count(1)
        self.client = ClientConnection("tab_1", lambda: f"cmd_{next(ids)}", lambda: 0.5)
        self.links: dict[int, Link] = {}
        self.dialled: deque[tuple[float, int]] = deque()
        self.folds: dict[str, Fold] = {}
        self.ended: dict[str, StreamEnd] = {}
        self.answers: dict[str, Answered | Refused] = {}
        self.dashboard = Dashboard()
        self.do(self.client.open(self.now))

    def do(self, notices: list[Notice]) -> None:
        """Be the application, then the driver."""
        for notice in notices:
            self._apply(notice)
        for action in self.client.actions():
            match action:
                case Connect():
                    self.dialled.append((self.now + 2 * self.delay, action.link))
                case Send():
                    self.links[action.link].up.append((self.now + self.delay, action.data))
                case Close():
                    self.links.pop(action.link, None)

    def _apply(self, notice: Notice) -> None:
        match notice:
            case StreamChunk():
                assert notice.stream_id not in self.ended, "guarantee 12: a chunk came after the end"
                self.folds.setdefault(notice.stream_id, Fold()).extend(notice.chunks)
            case StreamEnd():
                assert notice.stream_id not in self.ended, "guarantee 12: a stream ended twice"
                self.ended[notice.stream_id] = notice
            case Answered() | Refused():
                assert notice.id not in self.answers, "guarantee 2: a command was answered twice"
                self.answers[notice.id] = notice
            case Refreshed():
                self.dashboard.replace(notice.snapshot)
            case Event():
                self.dashboard.apply(notice)

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.now < end and not until():
            self._connect()
            for number in list(self.links):
                self._serve(number)
                self._deliver(number)
            self.do(self.client.tick(self.now))
            self.now += QUANTUM

    def _connect(self) -> None:
        while self.dialled and self.dialled[0][0] <= self.now:
            _, number = self.dialled.popleft()
            self.links[number] = Link(Served(self.world, self.now, self.flow))
            self.do(self.client.opened(number, self.now))

    def _serve(self, number: int) -> None:
        link = self.links[number]
        link.served.core.expire(self.now)
        while link.up and link.up[0][0] <= self.now and number in self.links:
            if self._is_cut(number):
                return
            link.served.hear(link.up.popleft()[1], self.now)
        link.down += [(self.now + self.delay, frame) for frame in link.served.say(self.now)]
        assert link.served.core.closing is None, "the server found fault with the client"

    def _deliver(self, number: int) -> None:
        link = self.links.get(number)
        while link and link.down and link.down[0][0] <= self.now and number in self.links:
            if self._is_cut(number):
                return
            self.do(self.client.received(number, link.down.popleft()[1], self.now))

    def _is_cut(self, number: int) -> bool:
        self.frames += 1
        if self.frames not in self.cuts:
            return False
        del self.links[number]
        self.do(self.client.closed(number, 1006, self.now))
        return True

    def send(self, command: Any) -> None:
        """Have the client send a command."""
        self.do(self.client.command(command, self.now))
