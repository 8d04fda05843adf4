"""Drives one connection: bytes in, commands out to their handlers, frames back, all through the pure core."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from app.clock import Clock
from app.commands.identity import Proof
from app.commands.reply import Caller, Reply
from app.commands.table import Commands, lane_of
from app.logs import note
from app.realtime.hub import Hub
from app.realtime.signed_in import SignedIn
from app.sockets.greeting import Greeted, Greeting
from app.sockets.lanes import Lane, Lanes
from app.sockets.outlet import Outlet, frame
from app.sockets.traffic import Traffic
from app.sockets.wheel import Wheel
from app.store.errors import StoreUnavailable
from app.store.sessions import Session
from app.streams.registry import Registry
from app.streams.stream import Stream
from app.tasks import Crew
from protocol.errors import Refusal, Violation
from protocol.frames.client import AuthRefresh, ClientFrame, Command, Hello
from protocol.frames.server import Goodbye
from protocol.server import Booking, ServerConnection

log = logging.getLogger("tidewire.sockets")

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Services:
    """What every socket of a node shares, and the counters of what passes over them.

    Args:
        greeting: answers hellos.
        commands: carries out commands.
        hub: knows the users' sockets.
        signed_in: knows what they are signed in with.
        registry: knows the streams.
        wheel: calls sockets when they are due.
        crew: owns commands under way; they outlive their socket, because a command that was accepted is carried out.
        clock: measures.
    """

    __slots__ = ("clock", "commands", "crew", "greeting", "hub", "registry", "signed_in", "traffic", "wheel")

    def __init__(
        self,
        greeting: Greeting,
        commands: Commands,
        hub: Hub,
        signed_in: SignedIn,
        registry: Registry,
        wheel: Wheel,
        crew: Crew,
        clock: Clock,
    ) -> None:
        self.greeting = greeting
        self.commands = commands
        self.hub = hub
        self.signed_in = signed_in
        self.registry = registry
        self.wheel = wheel
        self.crew = crew
        self.clock = clock
        self.traffic = Traffic()


class Socket:
    """One connection of one client.

    Args:
        core: the rules of this connection.
        outlet: where frames are written.
        proof: what the handshake proved of who it is.
        site: the address it comes from; None on loopback.
        services: what it shares with the others.
    """

    __slots__ = (
        "_caller",
        "_close_code",
        "_closed",
        "_core",
        "_lanes",
        "_outlet",
        "_proof",
        "_services",
        "_site",
        "slot",
    )

    def __init__(
        self, core: ServerConnection, outlet: Outlet, proof: Proof | None, site: str | None, services: Services
    ) -> None:
        self.slot: int | None = None  # the wheel's
        self._core = core
        self._outlet = outlet
        self._proof = proof
        self._site = site
        self._services = services
        self._lanes = Lanes()
        self._caller: Caller | None = None
        self._closed = False
        self._close_code = 1006  # until a close frame says otherwise

    async def run(self, receive: Receive) -> None:
        """Serve the connection until it is gone."""
        self._outlet.on_writable(self.flush)
        self._services.wheel.arm(self, self._core.deadline())
        try:
            while (message := await receive())["type"] == "websocket.receive":
                data = message.get("text")
                incoming = self._core.receive(
                    message["bytes"] if data is None else data, self._services.clock.monotonic()
                )
                if incoming is not None:
                    await self._handle(incoming)
                self.flush()
            self._close_code = message.get("code", 1005)
        finally:
            self._leave()

    @property
    def is_stalled(self) -> bool:
        """Whether the kernel takes nothing more for it just now."""
        return not self._outlet.writable

    @property
    def is_full(self) -> bool:
        """Whether its client has yet to confirm as much data as it may be sent at once."""
        return self._core.is_full

    @property
    def close_code(self) -> int:
        """The code it was closed with: ours before the client's, 1006 when nobody named one."""
        return self._close_code if self._core.closing is None else self._core.closing.code

    @property
    def bytes_sent(self) -> int:
        """What was written to it so far."""
        return self._outlet.written

    # What others call: plain functions that do not fail

    def touch(self, stream_id: str) -> None:
        """Note that a followed stream has something new."""
        self._core.touch(stream_id)

    def lose(self, stream_id: str) -> None:  # noqa: ARG002 - any of its streams sends the client on its way
        """Send the client to another socket, because a stream it follows is another node's now.

        This node may have stood still for long, so its other streams may be, too.
        """
        self.refuse(Violation("unavailable"))

    def has_events(self, offset: int) -> bool:
        """Whether every event up to this offset was handed out here; False until the welcome says where they begin."""
        return self._closed or self._core.has_events(offset)

    def watches(self, chat_id: str) -> bool:
        """Whether a person looks at this chat here."""
        return not self._closed and self._core.watches(chat_id, self._services.clock.monotonic())

    def flush(self) -> None:
        """Write what may be written now, in one write; a bug here costs this connection, not its neighbours."""
        if self._closed:
            return
        try:
            self._flush()
        except Exception:
            log.exception("a connection is cut because writing to it failed")
            self._closed = True
            self._outlet.abort()

    def _flush(self) -> None:
        if self._outlet.writable:
            frames = self._core.take(self._services.clock.monotonic())
            if frames:
                self._outlet.write([frame(payload) for payload in frames])
            self._services.wheel.arm(self, self._core.deadline())
            self._detach_ended()
        if self._core.closing is not None:
            self._shut()

    def on_time(self, now: float) -> float:
        """Do what is due; return the next deadline."""
        self._core.expire(now)
        self.flush()
        return self._core.deadline()

    def goodbye(self, frame: Goodbye) -> None:
        """Ask the client to move to another socket."""
        self._core.goodbye(frame)
        self.flush()

    def close(self, code: int, reason: str) -> None:
        """Close the connection, with whatever was written before."""
        self.flush()
        self._outlet.close(code, reason)

    def refuse(self, violation: Violation) -> None:
        """End the connection with an error."""
        self._core.fail(violation.error, violation.close_code)
        self.flush()

    # What comes in

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

    def _end_of(self, session: Session) -> tuple[float | None, int]:
        """When a session ends, in monotonic seconds and in Unix milliseconds."""
        clock, expires_at = self._services.clock, session.expires_at
        if expires_at is None:
            return None, 0
        return clock.monotonic() + (expires_at - clock.now_ms()) / 1000, expires_at

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

    # The end

    def _detach_ended(self) -> None:
        for ended in self._core.take_ended():
            if (stream := self._services.registry.get(ended.stream_id)) is not None:
                stream.readers.discard(self)

    def _shut(self) -> None:
        """Close as the core says; a client that does not even take the close frame is cut."""
        if self._core.closing is None:
            return
        if self._outlet.writable:
            self._outlet.close(*self._core.closing)
        else:
            self._outlet.abort()
        self._closed = True

    def _leave(self) -> None:
        self._closed = True
        self._services.wheel.disarm(self)
        for followed in self._core.close():
            if (stream := self._services.registry.get(followed.stream_id)) is not None:
                stream.readers.discard(self)
        if self._caller is not None:
            self._services.hub.leave(self._caller.user_id, self)
            self._services.signed_in.leave(self._caller.user_id, self)
