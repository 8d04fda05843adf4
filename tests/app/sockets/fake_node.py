"""A node whose every part but the sockets and their wheel is a stand-in; for virtual time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, cast

from app.auth.admission import Admission
from app.auth.peer import networks
from app.commands.reply import Caller, Reply
from app.commands.table import Commands
from app.realtime.feed import Feed
from app.realtime.hub import Hub
from app.realtime.signed_in import SignedIn
from app.sockets.addresses import Addresses
from app.sockets.endpoint import Sockets
from app.sockets.greeting import PROTOCOL, Greeted, Greeting
from app.sockets.line import Services
from app.sockets.wheel import Wheel
from app.store.events import StoredEvent
from app.store.queries import Queries
from app.store.sessions import Session
from app.streams.registry import Registry
from app.streams.stream import Stream
from app.tasks import Crew
from protocol.errors import Refusal
from protocol.frames.client import Flow, Hello
from protocol.frames.server import AuthInfo, EventsInfo, Heartbeat, StreamEnd, Welcome
from protocol.limits import Limits
from tests.virtual import NOON, loop_clock, run_virtual

Handler = Callable[[Caller, Any], Awaitable[Reply]]
LIMITS = Limits()


class Node:
    """What a socket needs around it; tests change how hellos and commands are answered."""

    def __init__(self) -> None:
        self.clock = loop_clock()
        self.wheel = Wheel(self.clock)
        self.crew = Crew("commands")
        self.feed = Feed("e", 0)
        self.stream = Stream("s", user_id="u", chat_id="c", message_id="m", status="streaming", started_at=0)
        self.streams: dict[str, Stream] = {"s": self.stream}
        self.sockets_of_user: set[object] = set()
        self.expires_in = 10 * 24 * 3_600.0
        self.greets_with: Exception | None = None
        self.greeting_takes = 0.0
        self.resumes: list[tuple[Stream, int]] = []
        self.handler: Handler = self.echo
        self.signed_in = SignedIn(cast(Queries, self))
        services = Services(
            cast(Greeting, self),
            cast(Commands, self),
            cast(Hub, self),
            self.signed_in,
            cast(Registry, self),
            self.wheel,
            self.crew,
            self.clock,
        )
        self.addresses = Addresses(2, self.clock)
        admission = Admission((), True, networks(["127.0.0.0/8"]))
        self.sockets = Sockets(services, LIMITS, admission, self.addresses, lambda: 0.5)

    # What the services do

    async def greet(self, hello: Hello, _proof: object, _site: object, socket: object, _window: object) -> Greeted:
        await asyncio.sleep(self.greeting_takes)
        if self.greets_with is not None:
            raise self.greets_with
        self.sockets_of_user.add(socket)
        welcome = Welcome(
            id=hello.id,
            protocol=PROTOCOL,
            connection_id="con",
            user_id="u",
            node="n",
            server_time=0,
            capabilities=list(hello.capabilities),
            heartbeat=Heartbeat(interval_ms=1, timeout_ms=1),
            flow=Flow(window_bytes=1),
            limits={},
            auth=AuthInfo(method="bearer"),
            events=EventsInfo(epoch="e", offset=self.feed.head, recovered=False),
            active_streams=[],
            streams=[],
        )
        session = Session("ses", "u", "guest", self.expires_at())
        return Greeted(welcome, session, self.feed, self.feed.head, self.resumes)

    async def renewed(self, user_id: str, token: str) -> Session:
        if token == "foreign":
            raise Refusal("permission_denied")
        return Session(token, user_id, "account", None if token == "endless" else self.expires_at())

    def expires_at(self) -> int:
        return int((NOON + asyncio.get_running_loop().time() + self.expires_in) * 1000)

    async def run(self, caller: Caller, command: Any) -> Reply:
        return await self.handler(caller, command)

    async def counted(self, _command: Any, work: Awaitable[Reply]) -> Reply:
        return await work

    async def echo(self, _caller: Caller, command: Any) -> Reply:
        return Reply({"type": type(command).__name__})

    def leave(self, _user_id: str, socket: object) -> None:
        self.sockets_of_user.discard(socket)

    def get(self, stream_id: str) -> Stream | None:
        return self.streams.get(stream_id)

    # What a test does

    def write(self, count: int = 1) -> None:
        log = self.stream.log
        for _ in range(count):
            log.append({"type": "text-delta", "id": "t", "delta": "x"})
        log.publish(log.tail)
        self.stream.wake()

    def end(self) -> None:
        end = StreamEnd(stream_id="s", chat_id="c", message_id="m", seq=self.stream.log.tail, status="completed")
        self.stream.finish(end, now=0)

    def tell(self) -> None:
        self.feed.follow([StoredEvent(self.feed.head + 1, "chat.updated", 0, None, "{}")])
        for socket in self.sockets_of_user:
            cast(Any, socket).flush()


@asynccontextmanager
async def running() -> AsyncIterator[Node]:
    node = Node()
    turning = asyncio.create_task(node.wheel.run())
    yield node
    assert not turning.done(), "the wheel stands still"
    turning.cancel()
    await node.crew.close()
    assert not node.sockets_of_user, "a socket is still in the hub"
    assert not node.signed_in._sockets, "a socket is still signed in"
    assert not node.stream.readers, "a socket is still a reader"
    assert len(node.sockets) == 0
    assert not node.addresses._open, "a socket still counts for its address"
    assert not any(node.wheel._slots.values()), "a socket is still on the wheel"


def virtual(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test in virtual time."""

    def run() -> None:
        run_virtual(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run
