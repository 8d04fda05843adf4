"""Drives one connection that speaks `tidewire.v1`: commands to their handlers, answers back, through the core."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from app.commands.identity import Proof
from app.commands.reply import Caller, Reply
from app.commands.table import lane_of
from app.logs import note
from app.sockets.greeting import Greeted
from app.sockets.lanes import Lane
from app.sockets.line import Line, Services
from app.sockets.outlet import Outlet
from app.store.errors import StoreUnavailable
from app.streams.stream import Stream
from protocol.errors import Refusal, Violation
from protocol.frames.client import AuthRefresh, ClientFrame, Command, Hello
from protocol.server import Booking, ServerConnection

log = logging.getLogger("tidewire.sockets")

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Socket(Line):
    """One connection that speaks `tidewire.v1`.

    Args:
        core: the rules of this connection.
        outlet: where frames are written.
        proof: what the handshake proved of who it is.
        site: the address it comes from; None on loopback.
        services: what it shares with the others.
    """

    __slots__ = ("_core",)

    def __init__(
        self, core: ServerConnection, outlet: Outlet, proof: Proof | None, site: str | None, services: Services
    ) -> None:
        super().__init__(core, outlet, proof, site, services)
        self._core = core

    async def _take_in(self, data: str | bytes, now: float) -> None:
        incoming = self._core.receive(data, now)
        if incoming is not None:
            await self._handle(incoming)

    def _expire(self, now: float) -> None:
        self._core.expire(now)

    async def _handle(self, incoming: ClientFrame) -> None:
        if isinstance(incoming, Hello):
            await self._greet(incoming)
        elif isinstance(incoming, Command) and self._caller is not None:
            booking = Booking(self._core)
            caller = replace(self._caller, may_follow=booking.take)
            if isinstance(incoming, AuthRefresh):
                work = self._services.commands.counted(incoming, self._renew(caller, incoming))
            else:
                # The place in the lane is taken here, in the order of arrival, not when the task comes to run.
                work = self._run(caller, incoming, self._lanes.enter(lane_of(incoming)))
            self._services.crew.start(self._carry_out(incoming, work, booking), name=type(incoming).__name__)

    async def _greet(self, hello: Hello) -> None:
        try:
            greeted = await self._services.greeting.greet(hello, self._proof, self._site, self, self._core)
        except Violation as violation:
            self.refuse(violation)
        except StoreUnavailable:
            self.refuse(Violation("unavailable"))
        except Exception:
            log.exception("a hello failed")
            self.refuse(Violation("internal"))
        else:
            note(user=greeted.session.user_id, connection=greeted.welcome.connection_id)
            capabilities = frozenset(greeted.welcome.capabilities)
            self._caller = Caller(greeted.session.user_id, hello.client_id, capabilities=capabilities)
            self._services.signed_in.enter(greeted.session, self)
            self._welcome(hello, greeted)

    def _welcome(self, hello: Hello, greeted: Greeted) -> None:
        """Queue the welcome, then follow: nothing it announces can come before it (guarantees 1 and 10)."""
        self._core.welcome(
            greeted.welcome, hello.flow.window_bytes if hello.flow else None, *self._end_of(greeted.session)
        )
        self._core.follow_events(greeted.feed, greeted.offset)
        for stream, after in greeted.streams:
            self._follow(stream, after)

    async def _carry_out(self, command: Command, work: Awaitable[Reply], booking: Booking) -> None:
        """Answer one command, exactly once (guarantee 2)."""
        try:
            reply = await work
        except Refusal as refusal:
            self._core.refuse(command.id, refusal.error)
        except StoreUnavailable as problem:
            log.warning("%s is refused: %s", type(command).__name__, problem)
            self._core.refuse(command.id, Refusal("unavailable").error)
        except Exception:
            log.exception("%s failed", type(command).__name__)
            self._core.refuse(command.id, Refusal("internal").error)
        else:
            self._answer(command, reply)
        booking.release()
        self.flush()

    async def _run(self, caller: Caller, command: Command, lane: Lane) -> Reply:
        async with lane:
            return await self._services.commands.run(caller, command)

    async def _renew(self, caller: Caller, command: AuthRefresh) -> Reply:
        """Go on with a fresh token of the same user."""
        session = await self._services.greeting.renewed(caller.user_id, command.token)
        self._core.renew(*self._end_of(session))
        if not self._closed:
            self._services.signed_in.enter(session, self)
        return Reply({} if session.expires_at is None else {"expiresAt": session.expires_at})

    def _answer(self, command: Command, reply: Reply) -> None:
        self._core.ack(command.id, reply.result, duplicate=reply.duplicate)
        if reply.unsubscribe is not None:
            self._unfollow(reply.unsubscribe)
        if reply.subscribe is not None:
            self._follow(*reply.subscribe)
        if reply.events is not None:
            self._core.follow_events(*reply.events)

    def _follow(self, stream: Stream, after: int) -> None:
        if not self._closed:
            self._core.subscribe(stream, after)
            stream.readers.add(self)

    def _unfollow(self, stream_id: str) -> None:
        self._core.unsubscribe(stream_id)
        if (stream := self._services.registry.get(stream_id)) is not None:
            stream.readers.discard(self)
