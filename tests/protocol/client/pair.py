"""A client core and its servers, joined by links that can be slow, lossy and cut; time is a number."""

import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

from protocol.client import (
    Answered,
    ClientConnection,
    Close,
    Connect,
    Dashboard,
    Lost,
    Notice,
    Refreshed,
    Refused,
    Send,
)
from protocol.codec import decode_server, encode
from protocol.frames.client import MessageSend
from protocol.frames.objects import Question
from protocol.frames.server import Event, ServerFrame, StreamChunk, StreamEnd
from protocol.parts.fold import Fold
from tests.protocol.client.peer import Peer, World


class Link:
    """One socket: what is under way in both directions."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.up: deque[bytes] = deque()
        self.down: deque[bytes] = deque()


class Pair:
    """The core under test, the application above it and the server below it."""

    def __init__(self, *, random: Callable[[], float] = lambda: 0.5, **options: Any) -> None:
        self.world = World()
        self.cut: Callable[[int, int], int] = lambda _at, head: head
        numbers = itertools.count(1)
        self.core = ClientConnection("tab_1", lambda: f"cmd_{next(numbers)}", random, **options)
        self.now = 1000.0
        self.links: dict[int, Link] = {}
        self.connecting: list[int] = []
        self.closed: list[tuple[int, int]] = []
        self.notices: list[Notice] = []
        self.folds: dict[str, Fold] = {}
        self.ended: dict[str, StreamEnd] = {}
        self.dashboard = Dashboard()

    def take(self, notices: list[Notice]) -> list[Notice]:
        """What an application does: fold, keep the dashboard; then the driver acts."""
        for notice in notices:
            match notice:
                case StreamChunk():
                    assert notice.stream_id not in self.ended, "a chunk came after the end"
                    self.folds.setdefault(notice.stream_id, Fold()).extend(notice.chunks)
                case StreamEnd():
                    assert notice.stream_id not in self.ended, "a stream ended twice"
                    self.ended[notice.stream_id] = notice
                case Refreshed():
                    self.dashboard.replace(notice.snapshot)
                case Event():
                    self.dashboard.apply(notice)
        self.notices += notices
        for action in self.core.actions():
            match action:
                case Connect():
                    self.connecting.append(action.link)
                case Send():
                    self.links[action.link].up.append(action.data)
                case Close():
                    self.links.pop(action.link, None)
                    self.connecting = [n for n in self.connecting if n != action.link]
                    self.closed.append((action.link, action.code))
        return notices

    def accept(self) -> None:
        """Every connect that is under way succeeds."""
        for number in self.connecting:
            self.links[number] = Link(Peer(self.world, lambda at, head: self.cut(at, head)))
        waiting, self.connecting = self.connecting, []
        for number in waiting:
            self.take(self.core.opened(number, self.now))

    def up(self, number: int) -> None:
        """The server reads one frame."""
        link = self.links[number]
        link.down += link.peer.receive(link.up.popleft())

    def down(self, number: int) -> list[Notice]:
        """The client reads one frame."""
        return self.take(self.core.received(number, self.links[number].down.popleft(), self.now))

    def send(self, number: int, frame: ServerFrame) -> list[Notice]:
        """The server says something of its own, and the client reads it now."""
        return self.take(self.core.received(number, encode(frame), self.now))

    def break_link(self, number: int, code: int = 1006) -> list[Notice]:
        """A socket dies with everything that was under way on it."""
        self.links.pop(number, None)
        self.connecting = [n for n in self.connecting if n != number]
        return self.take(self.core.closed(number, code, self.now))

    def settle(self) -> None:
        """Let everything that can happen now happen."""
        busy = True
        while busy:
            busy = bool(self.connecting)
            self.accept()
            for number, link in list(self.links.items()):
                link.down += link.peer.pump()
                while link.up and number in self.links:
                    self.up(number)
                    busy = True
                while link.down and number in self.links:
                    self.down(number)
                    busy = True

    def wait(self, seconds: float) -> list[Notice]:
        """Time passes."""
        self.now += seconds
        return self.take(self.core.tick(self.now))

    def wait_until_due(self) -> list[Notice]:
        """Time passes until the core wants to be woken."""
        due = self.core.deadline(self.now)
        assert due is not None, "the core waits for nothing"
        return self.wait(max(0.0, due - self.now))

    def heal(self) -> None:
        """Lose every socket once more, then let everything arrive: what a faulty link swallowed comes now."""
        for number in [*self.links, *self.connecting]:
            self.break_link(number)
        for _ in range(40):
            if self.core.state == "ready":
                break
            self.wait_until_due()
            self.settle()
        self.settle()

    def do(self, notices: list[Notice]) -> list[Notice]:
        """Hand in an intent's notices."""
        return self.take(notices)

    def answers(self) -> dict[str, Answered | Refused]:
        """Every answer so far, by command id."""
        return {notice.id: notice for notice in self.notices if isinstance(notice, Answered | Refused)}

    def lost(self) -> list[Lost]:
        """The streams that were lost so far."""
        return [notice for notice in self.notices if isinstance(notice, Lost)]

    def connected(self) -> "Pair":
        """Open and greet."""
        self.take(self.core.open(self.now))
        self.settle()
        assert self.core.state == "ready"
        return self

    @property
    def main(self) -> int:
        """The newest socket."""
        return max(self.links)

    def heard(self, number: int | None = None) -> list[Any]:
        """What the server of a socket received."""
        return self.links[self.main if number is None else number].peer.received


def read(frames: list[bytes]) -> list[ServerFrame | None]:
    """Frames as structs."""
    return [decode_server(frame) for frame in frames]


def send(command: str = "send_1") -> MessageSend:
    """A question, as a command."""
    return MessageSend(id=command, chat_id="chat_9", message=Question(id="q_1", role="user", parts=[]))


def following(stream_id: str = "str_1") -> Pair:
    """A client that follows a stream of two words."""
    pair = Pair()
    pair.world.log(stream_id).say("one ", "two ")
    pair.do(pair.core.subscribe(stream_id, 0, pair.now))
    return pair.connected()
