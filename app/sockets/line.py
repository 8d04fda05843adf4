"""What every connection of a client does, whichever frames it speaks: it is read, written, timed and closed."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from app.clock import Clock
from app.commands.identity import Proof
from app.commands.reply import Caller
from app.commands.table import Commands
from app.realtime.hub import Hub
from app.realtime.signed_in import SignedIn
from app.sockets.greeting import Greeting
from app.sockets.lanes import Lanes
from app.sockets.outlet import Outlet, frame
from app.sockets.traffic import Traffic
from app.sockets.wheel import Wheel
from app.store.sessions import Session
from app.streams.registry import Registry
from app.tasks import Crew
from protocol.errors import Violation
from protocol.frames.objects import ErrorObject
from protocol.frames.server import Goodbye
from protocol.server import Close, StreamLog

log = logging.getLogger("tidewire.sockets")

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Core(Protocol):
    """The rules of one connection, as far as they are the same for every kind of frames."""

    closing: Close | None

    @property
    def is_full(self) -> bool:
        """Whether the client has yet to confirm as much data as it may be sent at once."""

    def take(self, now: float) -> list[bytes]:
        """Take every frame that may be sent now."""

    def take_ended(self) -> list[StreamLog]:
        """Take the logs that are not followed any more."""

    def touch(self, stream_id: str) -> None:
        """Note that a followed stream has something new."""

    def has_events(self, offset: int) -> bool:
        """Whether all events up to this offset were handed out."""

    def watches(self, chat_id: str, now: float) -> bool:
        """Whether a person looks at this chat here."""

    def goodbye(self, frame: Goodbye) -> None:
        """Ask the client to move to another socket."""

    def fail(self, error: ErrorObject, close_code: int) -> None:
        """End the connection with a fatal error."""

    def deadline(self) -> float:
        """When something is due next."""

    def close(self) -> list[StreamLog]:
        """Note that the socket is gone; return the logs that were followed."""


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


class Line:
    """One connection of one client; what comes in, and what is due, is for those who know its frames.

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
        "_lanes",
        "_line_core",
        "_outlet",
        "_proof",
        "_services",
        "_site",
        "slot",
    )

    def __init__(self, core: Core, outlet: Outlet, proof: Proof | None, site: str | None, services: Services) -> None:
        self.slot: int | None = None  # the wheel's
        self._line_core = core
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
        self._services.wheel.arm(self, self._line_core.deadline())
        try:
            await self._open()
            while (message := await receive())["type"] == "websocket.receive":
                data = message.get("text")
                await self._take_in(message["bytes"] if data is None else data, self._services.clock.monotonic())
                self.flush()
            self._close_code = message.get("code", 1005)
        finally:
            self._leave()

    async def _open(self) -> None:
        """Do what comes before the first frame."""

    async def _take_in(self, data: str | bytes, now: float) -> None:
        """Take one message."""
        raise NotImplementedError

    def _expire(self, now: float) -> None:
        """Do what is due."""
        raise NotImplementedError

    @property
    def is_stalled(self) -> bool:
        """Whether the kernel takes nothing more for it just now."""
        return not self._outlet.writable

    @property
    def is_full(self) -> bool:
        """Whether its client has yet to confirm as much data as it may be sent at once."""
        return self._line_core.is_full

    @property
    def close_code(self) -> int:
        """The code it was closed with: ours before the client's, 1006 when nobody named one."""
        return self._close_code if self._line_core.closing is None else self._line_core.closing.code

    @property
    def bytes_sent(self) -> int:
        """What was written to it so far."""
        return self._outlet.written

    # What others call: plain functions that do not fail

    def touch(self, stream_id: str) -> None:
        """Note that a followed stream has something new."""
        self._line_core.touch(stream_id)

    def lose(self, stream_id: str) -> None:  # noqa: ARG002 - any of its streams sends the client on its way
        """Send the client to another socket, because a stream it follows is another node's now.

        This node may have stood still for long, so its other streams may be, too.
        """
        self.refuse(Violation("unavailable"))

    def has_events(self, offset: int) -> bool:
        """Whether every event up to this offset was handed out here; False until the welcome says where they begin."""
        return self._closed or self._line_core.has_events(offset)

    def watches(self, chat_id: str) -> bool:
        """Whether a person looks at this chat here."""
        return not self._closed and self._line_core.watches(chat_id, self._services.clock.monotonic())

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
            frames = self._line_core.take(self._services.clock.monotonic())
            if frames:
                self._write(frames)
            self._services.wheel.arm(self, self._line_core.deadline())
            self._detach_ended()
        if self._line_core.closing is not None:
            self._shut()

    def _write(self, frames: list[bytes]) -> None:
        self._outlet.write([frame(payload) for payload in frames])

    def on_time(self, now: float) -> float:
        """Do what is due; return the next deadline."""
        self._expire(now)
        self.flush()
        return self._line_core.deadline()

    def goodbye(self, frame: Goodbye) -> None:
        """Ask the client to move to another socket."""
        self._line_core.goodbye(frame)
        self.flush()

    def close(self, code: int, reason: str) -> None:
        """Close the connection, with whatever was written before."""
        self.flush()
        self._outlet.close(code, reason)

    def refuse(self, violation: Violation) -> None:
        """End the connection with an error."""
        self._line_core.fail(violation.error, violation.close_code)
        self.flush()

    def _end_of(self, session: Session) -> tuple[float | None, int]:
        """When a session ends, in monotonic seconds and in Unix milliseconds."""
        clock, expires_at = self._services.clock, session.expires_at
        if expires_at is None:
            return None, 0
        return clock.monotonic() + (expires_at - clock.now_ms()) / 1000, expires_at

    # The end

    def _detach_ended(self) -> None:
        for ended in self._line_core.take_ended():
            if (stream := self._services.registry.get(ended.stream_id)) is not None:
                stream.readers.discard(self)

    def _shut(self) -> None:
        """Close as the core says; a client that does not even take the close frame is cut."""
        if self._line_core.closing is None:
            return
        if self._outlet.writable:
            self._outlet.close(*self._line_core.closing)
        else:
            self._outlet.abort()
        self._closed = True

    def _leave(self) -> None:
        self._closed = True
        self._services.wheel.disarm(self)
        for followed in self._line_core.close():
            if (stream := self._services.registry.get(followed.stream_id)) is not None:
                stream.readers.discard(self)
        if self._caller is not None:
            self._services.hub.leave(self._caller.user_id, self)
            self._services.signed_in.leave(self._caller.user_id, self)
