"""The server's side of one connection of the vendor's class, without I/O, await or clock.

As with `ServerConnection`, the driver hands in what arrives and what the application decides, takes out what may be
sent, and calls `expire` at `deadline()`. Both return what the application shall do. The class answers no ping of ours,
so the flow window and the heartbeat use the pings of RFC 6455, which every browser answers by itself.
"""

import math
from collections.abc import Callable

from msgspec.structs import replace

from protocol.ai_sdk.frames import (
    CONNECTION,
    Abort,
    BadRequest,
    Resume,
    Send,
    decode,
    end_frame,
    ends_with_answer,
    error_frame,
    no_active_frame,
    question_of,
    request_id_of,
    start_frame,
)
from protocol.ai_sdk.outbound import StockOutbound
from protocol.ai_sdk.requests import SUPERSEDED_WITHIN, Action, Asked, Request, Resumed, Stop
from protocol.ai_sdk.weight import FrameWeight
from protocol.errors import Refusal, Violation
from protocol.flow import FlowWindow
from protocol.frames.client import StreamStop
from protocol.frames.objects import ErrorObject
from protocol.frames.server import Goodbye
from protocol.limits import FlowLimits, Limits
from protocol.server.command_rate import CommandRate
from protocol.server.connection import EXPIRY_GRACE, Close
from protocol.server.heartbeat import Heartbeat
from protocol.server.outbound import EventLog, StreamLog
from protocol.server.watch import UNWATCHED, Watch

# What one write holds where pings cannot be sent: more than the mark above which the socket says when it has drained.
UNCONFIRMED = 128 * 1024


class Ping(bytes):
    """The payload of a ping that must leave at this place among the frames."""


class StockConnection:
    """One websocket of the vendor's class.

    Args:
        limits: every limit and timer.
        now: when the socket was accepted, in monotonic seconds, as every time here.
        ping_phase: 0..1, random: where in its interval the first ping falls.
        new_id: makes command ids.
        detaches: every abort only detaches (`?abort=detach`).
        can_ping: whether pings can be sent; without, nothing bounds what is under way but the socket itself.
        watch: is told of errors.
    """

    def __init__(
        self,
        limits: Limits,
        now: float,
        ping_phase: float,
        new_id: Callable[[], str],
        *,
        detaches: bool = False,
        can_ping: bool = True,
        watch: Watch = UNWATCHED,
    ) -> None:
        self.closing: Close | None = None
        self._limits = limits
        self._new_id = new_id
        self._detaches = detaches
        self._can_ping = can_ping
        self._watch = watch
        self._window = FlowWindow(FlowLimits())
        self._rate = CommandRate(limits, now)
        self._weight = FrameWeight(now)
        self._heartbeat = Heartbeat(limits, self._window, now, ping_phase if can_ping else math.inf)
        self._expires_at = math.inf
        self._is_draining = False
        self._out = StockOutbound()

    # What comes in

    def receive(self, data: str | bytes, now: float) -> list[Action]:
        """Take one websocket message; return what is to be done, in order."""
        if self.closing is not None:
            return []
        try:
            if isinstance(data, bytes):
                self.closing = Close(1003, "binary frames are not part of the protocol")
                return []
            too_soon = self._weight.take(len(data), now)
            if too_soon is None:
                return self._receive(decode(data), now)
            self._error(request_id_of(data), too_soon.error)
        except Violation as violation:
            self.fail(violation.error, violation.close_code)
        except BadRequest as bad:
            self._refuse_undecoded(bad, now)
        return []

    def _receive(self, frame: Send | Resume | Abort, now: float) -> list[Action]:
        if isinstance(frame, Abort):
            return self._abort(frame.request_id, now)
        if not self._admits(frame, now):
            return []
        return self._send(frame) if isinstance(frame, Send) else self._resume(frame)

    def _send(self, frame: Send) -> list[Action]:
        command = question_of(frame, self._new_id())
        halts = [stop for each in self._of_chat(frame.id) if each.stop_at is not None for stop in self._stop(each)]
        if any(each.is_stopped for each in self._of_chat(frame.id)):
            # A page is free to ask again the moment its stop button was pressed; the end may take a while longer.
            command = replace(command, if_active="stop")
        self._out.open(Request(frame.request_id, "send", frame.id, command.id))
        has_answer = ends_with_answer(frame.messages)
        return [*halts, Asked(frame.request_id, command, frame.trigger, frame.message_id, has_answer)]

    def _resume(self, frame: Resume) -> list[Action]:
        for each in self._of_chat(frame.id):
            if each.stop_at is not None:
                self._detach(each)  # superseded
        self._out.open(Request(frame.request_id, "resume", frame.id))
        return [Resumed(frame.request_id, frame.id)]

    def _abort(self, request_id: str, now: float) -> list[Action]:
        request = self._out.requests.get(request_id)
        if request is None or request.is_stopped:
            return []  # it has ended meanwhile
        if self._detaches:
            self._detach(request)
        elif request.kind == "send":
            return self._stop(request)
        elif request.stop_at is None:
            request.stop_at = now + SUPERSEDED_WITHIN
        return []

    def _stop(self, request: Request) -> list[Action]:
        """Stop what a request is about; it goes on to the end of its answer, as every other reader does."""
        request.stop_at, request.is_stopped = None, True
        if request.log is not None:
            return [Stop(StreamStop(id=self._new_id(), stream_id=request.log.stream_id))]
        if request.kind == "send":
            return [Stop(StreamStop(id=self._new_id(), command_id=request.command_id))]
        return []  # it is stopped when it is known

    def _admits(self, frame: Send | Resume, now: float) -> bool:
        if (too_soon := self._rate.take(now)) is not None:
            self._error(frame.request_id, too_soon.error)
            return False
        if frame.request_id in self._out.requests:
            why = "This `requestId` is in use; every request needs one of its own."
            raise BadRequest(CONNECTION, Refusal("invalid_argument", why, param="$.requestId"))
        if len(self._out.requests) >= self._limits.streams_per_connection:
            raise BadRequest(frame.request_id, Refusal("quota_exceeded", "Too many requests are open here."))
        if sum(each.log is None for each in self._out.requests.values()) >= self._limits.commands_in_flight:
            raise BadRequest(frame.request_id, Refusal("too_many_in_flight"))
        return True

    def _refuse_undecoded(self, bad: BadRequest, now: float) -> None:
        try:
            # Those that were let in and then found wrong have paid already; that they pay twice harms nobody.
            self._error(bad.request_id, (self._rate.take(now) or bad).error)
        except Violation as violation:
            self.fail(violation.error, violation.close_code)

    def ponged(self, payload: bytes, now: float) -> None:
        """Take the answer to a ping."""
        self._heartbeat.ponged(payload.decode(errors="replace"), now)

    # What the application decides

    def renew(self, expires_at: float | None) -> None:
        """Note until when the authentication is good."""
        self._expires_at = math.inf if expires_at is None else expires_at

    def follow(self, request_id: str, log: StreamLog) -> list[Action] | None:
        """Begin to send an answer, from its start; None when its request is gone, else what is to be done."""
        request = self._out.requests.get(request_id)
        if request is None:
            return None
        self._control(start_frame(request_id))
        self._out.follow(request, log)
        return self._stop(request) if request.is_stopped else []

    def finish(self, request_id: str) -> None:
        """End a request that there is nothing to send for."""
        if self._out.close(request_id):
            self._control(start_frame(request_id))
            self._control(end_frame(request_id))

    def nothing(self, request_id: str) -> None:
        """Say that there is nothing to resume."""
        if self._out.close(request_id):
            self._control(no_active_frame(request_id))

    def refuse(self, request_id: str, error: ErrorObject) -> None:
        """Say that a request failed."""
        if self._out.close(request_id):
            self._error(request_id, error)

    def fail(self, error: ErrorObject, close_code: int) -> None:
        """End the connection; the reason says why, because that is what the vendor's class shows."""
        if self.closing is None:
            self._error(CONNECTION, error)
            self.closing = Close(close_code, f"{error.code}: {error.message}".encode()[:120].decode(errors="ignore"))

    def goodbye(self, _frame: Goodbye) -> None:
        """Close as soon as no request is open: the class opens another socket for its next one (guarantee 30)."""
        self._is_draining = True

    def follows(self, stream_id: str) -> bool:
        """Whether a request here follows this stream."""
        return any(log.stream_id == stream_id for log in self._out.logs())

    def touch(self, stream_id: str) -> None:
        """Note that a stream has something new."""
        self._out.touch(stream_id)

    def follow_events(self, events: EventLog, offset: int) -> None:
        """Send every event after this offset."""
        self._out.follow_events(events, offset)

    def has_events(self, offset: int) -> bool:
        """Whether all events up to this offset were handed out, or none are wanted."""
        return self._out.has_events(offset)

    def watches(self, _chat_id: str, _now: float) -> bool:
        """The class does not say what a page shows, and whoever says nothing shows nothing (guarantee 26)."""
        return False

    def unread(self) -> list[tuple[str, str]]:
        """The chat and the stream of each request whose end was not sent."""
        return [(each.chat_id, each.log.stream_id) for each in self._out.requests.values() if each.log is not None]

    def halt(self) -> list[Action]:
        """Note that the socket is gone: an abort that still waited for a second resume is a stop."""
        return [stop for each in self._out.requests.values() if each.stop_at is not None for stop in self._stop(each)]

    def close(self) -> list[StreamLog]:
        """Return the logs that were followed."""
        return list(self._out.logs())

    # What goes out

    def take(self, now: float) -> list[bytes]:
        """Take every frame that may be sent now; a `Ping` among them is the payload of one."""
        frames = self._out.take_control()
        if self.closing is not None:
            return frames
        taken = 0
        while (room := self._room(taken)) and (data := self._out.next_data(min(room, self._limits.outbound_bytes))):
            if self._can_ping and self._window.wants_ping:
                frames.append(self._ping(now))
            frames += data
            size = sum(map(len, data))
            taken += size
            self._window.sent(size)
        if self._can_ping and not self._window.room and self._window.wants_ping:
            frames.append(self._ping(now))
        if self._is_draining and not self._out.requests:
            self.closing = Close(1012, "draining")
        return frames

    def take_ended(self) -> list[StreamLog]:
        """Take the logs that nothing here follows any more."""
        return self._out.take_ended()

    @property
    def is_full(self) -> bool:
        """Whether the client has yet to confirm as much data as it may be sent at once."""
        return self._can_ping and self._window.room == 0

    def _room(self, taken: int) -> int:
        """How much more data may leave in this write."""
        return self._window.room if self._can_ping else max(0, UNCONFIRMED - taken)

    # Time

    def deadline(self) -> float:
        """When `expire` must be called next."""
        if self.closing is not None:
            return math.inf
        stops = [each.stop_at for each in self._out.requests.values() if each.stop_at is not None]
        return min([self._heartbeat.deadline(), self._expires_at + EXPIRY_GRACE, *stops])

    def expire(self, now: float) -> list[Action]:
        """Do what is due; return what the application shall do."""
        if self.closing is not None:
            return []
        if now >= self._expires_at + EXPIRY_GRACE:
            self.fail(Refusal("token_expired").error, 4401)  # guarantee 33
        elif self._heartbeat.is_missed(now):
            self.fail(Refusal("heartbeat_timeout").error, 4508)
        elif self._heartbeat.is_due(now):
            self._out.control(self._ping(now))
        due = [each for each in self._out.requests.values() if each.stop_at is not None and now >= each.stop_at]
        return [stop for each in due for stop in self._stop(each)]

    # Inside

    def _ping(self, now: float) -> Ping:
        return Ping(self._heartbeat.ping(now).encode())

    def _detach(self, request: Request) -> None:
        self._out.close(request.request_id)
        self._control(end_frame(request.request_id))

    def _of_chat(self, chat_id: str) -> list[Request]:
        return [each for each in self._out.requests.values() if each.chat_id == chat_id]

    def _error(self, request_id: str, error: ErrorObject) -> None:
        self._watch.error(error.code)
        self._control(error_frame(request_id, error))

    def _control(self, frame: bytes) -> None:
        if self.closing is None:
            self._out.control(frame)
            if self._out.overflows:
                self.closing = Close(4508, "slow_consumer")
