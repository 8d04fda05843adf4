"""The server's side of one connection as a core without I/O, await or clock.

The driver hands in what arrives (`receive`) and what the application decides (`welcome`, `ack`, `refuse`,
`subscribe`, …), takes out what may be sent now (`take`), arms one timer for `deadline()` and calls `expire` when it
is due. When `closing` is set it sends what `take` still gives and closes with that code. Every time is in monotonic
seconds.
"""

import math
from typing import Any, NamedTuple

from protocol.codec import InvalidField, UnknownType, decode_client, encode
from protocol.errors import Refusal, Violation
from protocol.flow import FlowWindow
from protocol.frames.client import ClientFrame, ClientPing, ClientPong, Command, Hello, PresenceUpdate
from protocol.frames.objects import ErrorObject
from protocol.frames.server import Ack, AuthExpiring, Error, Goodbye, ServerPing, ServerPong, Welcome
from protocol.lifecycle import SERVER_CONNECTION, advance
from protocol.limits import FlowLimits, Limits
from protocol.server.command_rate import CommandRate
from protocol.server.heartbeat import Heartbeat
from protocol.server.outbound import EventLog, Outbound, StreamLog
from protocol.server.presence import STATUS, Presence
from protocol.server.watch import UNWATCHED, Watch

EXPIRY_WARNING = 60.0
EXPIRY_GRACE = 30.0  # guarantee 33
UNANSWERED = 10.0  # guarantee 26, whatever the heartbeat's patience: who has not answered so long shows nothing


class Close(NamedTuple):
    """How the connection must be closed."""

    code: int
    reason: str


class ServerConnection:
    """One websocket as the server sees it.

    Args:
        limits: every limit and timer.
        now: when the socket was accepted.
        ping_phase: 0..1, random: where in its interval the first ping falls.
        flow: the flow window's bounds.
        watch: is told of errors, and of clients that caught up.
    """

    def __init__(
        self,
        limits: Limits,
        now: float,
        ping_phase: float,
        flow: FlowLimits | None = None,
        watch: Watch = UNWATCHED,
    ) -> None:
        self.state = "accepted"
        self.closing: Close | None = None
        self.ignored = 0
        self.in_flight = 0
        self._limits = limits
        self._flow = flow or FlowLimits()
        self._window = FlowWindow(self._flow)
        self._watch = watch
        self._out = Outbound(limits.outbound_bytes, watch)
        self._presence = Presence()
        self._wants_status = False
        self._rate = CommandRate(limits, now)
        self._heartbeat = Heartbeat(limits, self._window, now, ping_phase)
        self._booked = 0
        self._hello_by = now + limits.hello_timeout_ms / 1000
        self._expires_at: float | None = None
        self._expires_at_ms = 0
        self._warned = False

    # What comes in

    def receive(self, data: str | bytes, now: float) -> ClientFrame | None:
        """Take one websocket message; return the frame the application has to handle, if there is one.

        Pings, pongs, what the screen shows and everything that breaks a rule are dealt with here. Once `closing` is
        set, the rest is dropped.
        """
        if self.closing is not None:
            return None
        try:
            return self._receive(data, now)
        except Violation as violation:
            self.fail(violation.error, violation.close_code)
        return None

    def _receive(self, data: str | bytes, now: float) -> ClientFrame | None:
        if isinstance(data, bytes):
            self.closing = Close(1003, "binary frames are not part of the protocol")
            return None
        if self.state == "accepted":
            return self._greet(data)
        try:
            frame = decode_client(data)
        except (InvalidField, UnknownType) as refusal:
            self._refuse_undecoded(refusal, now)
            return None
        if isinstance(frame, ClientPong):
            self._heartbeat.ponged(frame.id, now)
            return None
        if isinstance(frame, ClientPing):
            self._control(encode(ServerPong(id=frame.id)))
            return None
        if isinstance(frame, PresenceUpdate):
            self._presence.update(frame)
            self._out.withhold(self._wants_status and self._presence.is_hidden)
            return None
        if isinstance(frame, Hello):
            raise Violation("duplicate_hello")
        return self._admit(frame, now) if isinstance(frame, Command) else frame

    def _greet(self, data: str) -> Hello | None:
        if len(data.encode(errors="surrogatepass")) > self._limits.hello_bytes:
            self.closing = Close(1009, "the first frame is larger than a hello can be")
            return None
        try:
            frame = decode_client(data)
        except UnknownType:
            raise Violation("hello_required") from None
        except InvalidField as refusal:
            raise Violation("invalid_frame", str(refusal), param=refusal.error.param) from None
        if not isinstance(frame, Hello):
            raise Violation("hello_required")
        self.state = advance(SERVER_CONNECTION, self.state, "hello")
        return frame

    def _admit(self, frame: Command, now: float) -> Command | None:
        """Let a command in, within its rate and the number in flight."""
        if (too_soon := self._rate.take(now)) is not None:
            self._answer_refusal(frame.id, too_soon.error)
            return None
        # An answer that nobody read yet still counts: so no client makes us hold more than so many of them.
        if self.in_flight + self._out.answers >= self._limits.commands_in_flight:
            self._answer_refusal(frame.id, Refusal("too_many_in_flight", retry_after_ms=100).error)
            return None
        self.in_flight += 1
        return frame

    def _refuse_undecoded(self, refusal: InvalidField | UnknownType, now: float) -> None:
        if isinstance(refusal, UnknownType) and refusal.command_id is None:
            self.ignored += 1
        else:
            self._answer_refusal(refusal.command_id, (self._rate.take(now) or refusal).error)

    # What the application decides

    def welcome(self, frame: Welcome, granted: int | None, expires_at: float | None, expires_at_ms: int = 0) -> None:
        """Answer the hello.

        Args:
            frame: the welcome; its `flow` is filled in by the caller from `window_for`.
            granted: `hello.flow.windowBytes`.
            expires_at: when the authentication ends; None if it does not.
            expires_at_ms: the same as Unix time, for the warning.
        """
        self.state = advance(SERVER_CONNECTION, self.state, "welcome")
        self._window = self._heartbeat.window = FlowWindow(self._flow, granted)
        self._wants_status = STATUS in frame.capabilities
        self.renew(expires_at, expires_at_ms)
        if self.closing is None:
            self._out.greet(encode(frame))

    def window_for(self, granted: int | None) -> int:
        """How many bytes of data may be under way at first, given what the client asked for."""
        return FlowWindow(self._flow, granted).size

    def renew(self, expires_at: float | None, expires_at_ms: int) -> None:
        """Note until when the authentication is good."""
        self._expires_at, self._expires_at_ms, self._warned = expires_at, expires_at_ms, False

    def ack(self, command_id: str, result: dict[str, Any], *, duplicate: bool = False) -> None:
        """Answer a command that was carried out."""
        self.in_flight -= 1
        if self.closing is None:
            self._out.answer(encode(Ack(id=command_id, result=result, duplicate=duplicate)))

    def refuse(self, command_id: str, error: ErrorObject) -> None:
        """Answer a command that was not."""
        self.in_flight -= 1
        self._answer_refusal(command_id, error)

    def fail(self, error: ErrorObject, close_code: int) -> None:
        """End the connection with a fatal error."""
        if self.closing is None:
            if self.state == "greeting":
                self._out.take_control()  # answers that wait for the welcome: the error stands in its place
            self._error(Error(error=error, fatal=True))
            self.closing = Close(close_code, error.code)

    def goodbye(self, frame: Goodbye) -> None:
        """Ask the client to move to another socket; commands under way are still answered (guarantee 30)."""
        if self.state in ("ready", "draining"):
            self.state = advance(SERVER_CONNECTION, self.state, "goodbye")
            self._control(encode(frame))

    def follows(self, stream_id: str) -> bool:
        """Whether this stream is followed here."""
        return self._out.follows(stream_id)

    def book(self) -> bool:
        """Keep a place for one more stream, until `unbook`; say whether there was one."""
        has_place = self._out.followed + self._booked < self._limits.streams_per_connection
        self._booked += has_place
        return has_place

    def unbook(self) -> None:
        """Give up a place that was kept; call it after the `subscribe` it was kept for."""
        self._booked -= 1

    def subscribe(self, log: StreamLog, after: int) -> None:
        """Follow a stream; call it after the ack or welcome that announces it (guarantee 10)."""
        self._out.subscribe(log, after)

    def unsubscribe(self, stream_id: str) -> StreamLog | None:
        """Stop following a stream; return its log if it was followed."""
        return self._out.unsubscribe(stream_id)

    def touch(self, stream_id: str) -> None:
        """Note that a followed stream has something new."""
        self._out.touch(stream_id)

    def follow_events(self, events: EventLog, offset: int) -> None:
        """Send every event after this offset; call it after the ack or welcome that names the offset."""
        self._out.follow_events(events, offset)

    def has_events(self, offset: int) -> bool:
        """Whether events are followed and all up to this offset were handed out."""
        return self._out.has_events(offset)

    def close(self) -> list[StreamLog]:
        """Note that the socket is gone; return the logs that were followed."""
        self.state = advance(SERVER_CONNECTION, self.state, "close")
        return list(self._out.logs())

    # What goes out

    def take(self, now: float) -> list[bytes]:
        """Take every frame that may be sent now, in order: control first, then data as far as the window is open."""
        if self.state == "greeting" and self.closing is None:
            return []  # the welcome is the first frame (guarantee 1)
        frames = self._out.take_control()
        if self.state not in ("ready", "draining") or self.closing is not None or self._is_held(now):
            return frames
        while (room := self._window.room) and (data := self._out.next_data(room)) is not None:
            if self._window.wants_ping:
                frames.append(self._ping(now))
            frames.append(data)
            self._window.sent(len(data))
            if self._presence.is_hidden:
                self._presence.sent(now)
        if not self._window.room and self._window.wants_ping:
            # The last pong confirmed nothing of what fills the window, and no data can bring the next ping along.
            frames.append(self._ping(now))
        return frames

    def take_ended(self) -> list[StreamLog]:
        """Take the logs whose `stream.end` was handed out since the last call."""
        return self._out.take_ended()

    # What it tells of itself

    def watches(self, chat_id: str, now: float) -> bool:
        """Whether a person looks at this chat here (guarantee 26)."""
        if self.state not in ("ready", "draining") or self.closing is not None:
            return False
        pinged_at = self._window.pinged_at
        is_there = pinged_at is None or now - pinged_at < UNANSWERED
        return is_there and self._presence.shows(chat_id)

    @property
    def is_full(self) -> bool:
        """Whether the client has yet to confirm as much data as it may be sent at once."""
        return self._window.room == 0

    # Time

    def deadline(self) -> float:
        """When `expire` must be called next."""
        if self.state == "accepted" and self.closing is None:
            return self._hello_by
        if self.state in ("greeting", "closed") or self.closing is not None:
            return math.inf  # the application has the hello, or nothing is left to wait for
        times = [self._heartbeat.deadline()]
        if self._presence.held_until is not None and self._out.has_data and self._window.room:
            times.append(self._presence.held_until)
        if self._expires_at is not None:
            times.append(self._expires_at + (EXPIRY_GRACE if self._warned else -EXPIRY_WARNING))
        return min(times)

    def expire(self, now: float) -> None:
        """Do what is due."""
        if self.closing is not None or self.state == "closed":
            return
        if self.state in ("ready", "draining"):
            self._expire_heartbeat(now)
            self._expire_authentication(now)
        elif self.state == "accepted" and now >= self._hello_by:
            self.fail(Refusal("hello_timeout").error, 4504)

    def _expire_heartbeat(self, now: float) -> None:
        if self._heartbeat.is_missed(now):
            self.fail(Refusal("heartbeat_timeout").error, 4508)
        elif self._heartbeat.is_due(now):
            self._control(self._ping(now))

    def _expire_authentication(self, now: float) -> None:
        if self._expires_at is None:
            return
        if now >= self._expires_at + EXPIRY_GRACE:
            self.fail(Refusal("token_expired").error, 4401)
        elif now >= self._expires_at - EXPIRY_WARNING and not self._warned:
            self._warned = True
            self._control(encode(AuthExpiring(expires_at=self._expires_at_ms)))

    # Inside

    def _is_held(self, now: float) -> bool:
        """Whether data waits because nobody looks; not on a connection that is about to go."""
        return self.state == "ready" and self._presence.holds(now)

    def _ping(self, now: float) -> bytes:
        return encode(ServerPing(id=self._heartbeat.ping(now)))

    def _answer_refusal(self, command_id: str | None, error: ErrorObject) -> None:
        self._error(Error(id=command_id, error=error))

    def _error(self, frame: Error) -> None:
        if self.closing is None:
            self._watch.error(frame.error.code)
            self._control(encode(frame))

    def _control(self, frame: bytes) -> None:
        if self.closing is not None:
            return  # nothing follows a fatal error
        self._out.control(frame)
        if self._out.overflows:
            self.closing = Close(4508, "slow_consumer")
