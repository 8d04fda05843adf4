"""What a client is in the middle of, whatever socket carries it: commands, streams, events.

A session knows nothing of opening and closing sockets. It is told when one greeted it or was lost, reads the frames
of the one that counts, and leaves what it has to say in two lists: `notices` for the application, and commands in the
outbox.
"""

from collections.abc import Callable

import msgspec

from protocol.client.events import EventLog
from protocol.client.notices import Answered, Connected, Lost, Notice, Refreshed, Refused, Reset, Subscribed, Warned
from protocol.client.outbox import Outbox, Waiting
from protocol.client.streams import Streams, Subscription
from protocol.frames.client import DashboardGet, EventsResume, Generating, StreamSubscribe, StreamUnsubscribe
from protocol.frames.objects import DashboardSnapshot, ErrorObject, GenerationResult, StreamStatus, WireObject
from protocol.frames.server import Ack, Error, Event, EventsInfo, EventsReset, StreamChunk, StreamEnd, Welcome

# Refusals that say "not now" about the connection, before anybody looked at the command.
_NOT_NOW = frozenset({"rate_limited", "too_many_in_flight", "draining"})
# How long a command is tried again, from its first refusal where the server cannot say what helps. Longer waits are the
# application's to decide on: a person would wonder what became of the click.
_PATIENCE = 5.0
_PAUSE = 0.5


class _StreamHead(WireObject, frozen=True, kw_only=True):
    """The result of `stream.subscribe`."""

    chat_id: str
    message_id: str
    status: StreamStatus
    seq: int


class Session:
    """The memory of one client.

    Args:
        mint: a fresh command id each time it is called.
        dashboard: whether the client keeps a dashboard and so wants a snapshot whenever events were missed.
    """

    def __init__(self, mint: Callable[[], str], *, dashboard: bool) -> None:
        self._mint = mint
        self._dashboard = dashboard
        self.outbox = Outbox()
        self.streams = Streams()
        self.events = EventLog()
        self.notices: list[Notice] = []

    def subscribe(self, stream_id: str, after: int, *, ready: bool) -> None:
        """Follow a stream; nothing happens when it is followed already."""
        if stream_id in self.streams:
            return
        found = self.streams.follow(stream_id, after)
        if ready:
            self._ask(found)

    def unsubscribe(self, stream_id: str, *, ready: bool) -> None:
        """Follow a stream no longer; it runs on."""
        if stream_id not in self.streams:
            return
        self.streams.forget(stream_id)
        if ready:
            self.outbox.add(StreamUnsubscribe(id=self._mint(), stream_id=stream_id), "unsubscribe")

    def lost(self, link: int) -> None:
        """A socket is gone; the next welcome takes everything up again."""
        self.outbox.lost(link)

    def welcome(self, frame: Welcome, asked: dict[str, int], *, moved: bool) -> None:
        """Take up everything on the socket that said welcome.

        Args:
            asked: the positions its `hello` named. While the old socket still spoke they may have been passed, and
            then the
                answer to them does not fit any more.
        """
        self.notices.append(Connected(frame, moved))
        for entry in self.outbox.refreshes():
            expires = {} if frame.auth.expires_at is None else {"expiresAt": frame.auth.expires_at}
            self.notices.append(Answered(entry.frame.id, expires))
        self.outbox.forget_own()
        self.streams.drop()
        self._welcome_events(frame)
        self._welcome_streams(frame, asked)

    def _welcome_events(self, frame: Welcome) -> None:
        events = frame.events
        if events.recovered and self.events.epoch == events.epoch:
            self.events.recovered()
        elif frame.snapshot is not None:
            self._adopt(frame.snapshot)
        else:
            self._reset(events.epoch, events.offset, "epoch_changed", known=self.events.epoch is not None)

    def _welcome_streams(self, frame: Welcome, asked: dict[str, int]) -> None:
        answers = {answer.stream_id: answer for answer in frame.streams}
        for each in self.streams:
            answer = answers.get(each.stream_id)
            if answer is None or asked.get(each.stream_id) != each.last:
                self._ask(each)
            elif answer.error is None:
                each.confirm()
            elif answer.error.retryable:
                self._ask(each)
            else:
                self._lose(each, answer.error)
        for stream_id in asked:
            if stream_id not in self.streams:
                self.outbox.add(StreamUnsubscribe(id=self._mint(), stream_id=stream_id), "unsubscribe")

    def ack(self, frame: Ack, *, counted: bool) -> None:
        """A command was carried out."""
        entry = self.outbox.answered(frame.id)
        if entry is None:
            return
        if entry.purpose == "application":
            self.notices.append(Answered(frame.id, frame.result, frame.duplicate))
            if isinstance(entry.frame, Generating) and entry.frame.subscribe:
                self._generating(msgspec.convert(frame.result, GenerationResult).stream_id, counted=counted)
        elif entry.purpose == "subscribe":
            self._subscribed(entry, msgspec.convert(frame.result, _StreamHead))
        elif entry.purpose == "resume":
            self._resumed(msgspec.convert(frame.result, EventsInfo))
        elif entry.purpose == "snapshot":
            self._adopt(msgspec.convert(frame.result, DashboardSnapshot))

    def error(self, frame: Error, now: float, *, leaving: int | None) -> None:
        """A command was refused, or the server warns.

        Args:
            leaving: the socket it came over, if that is about to be replaced by another or was.
        """
        entry = None if frame.id is None else self.outbox.answered(frame.id)
        if entry is None:
            if frame.id is None:
                self.notices.append(Warned(frame.error))
        elif entry.purpose == "application":
            self._refused(entry, frame.error, now, leaving)
        elif entry.purpose == "subscribe":
            self._subscribe_refused(entry, frame.error, now)
        elif entry.purpose in ("resume", "snapshot") and not self._put_off(entry, frame.error, now):
            self.notices.append(Warned(frame.error))
            if entry.purpose == "resume":
                self._reset(self.events.epoch or "", self.events.last, "trimmed")

    def chunk(self, frame: StreamChunk) -> None:
        """Chunks of a stream: applied, dropped, or a sign that some are missing."""
        step = self.streams.chunk(frame)
        if step == "apply":
            self.notices.append(frame)
        elif step == "gap":
            self._ask_again(frame.stream_id)

    def end(self, frame: StreamEnd) -> None:
        """The end of a stream; it must be where we are."""
        step = self.streams.end(frame)
        if step == "apply":
            self.notices.append(frame)
        elif step == "gap":
            self._ask_again(frame.stream_id)

    def event(self, frame: Event) -> None:
        """A change of the dashboard: applied, dropped, or a sign that some are missing."""
        step = self.events.event(frame.offset)
        if step == "apply":
            self.notices.append(frame)
        elif step == "gap":
            position = self.events.position
            if position is not None:
                self._resume(position.epoch, position.offset)

    def reset(self, frame: EventsReset) -> None:
        """The server cannot send the events we lack."""
        self._reset(frame.epoch, frame.offset, frame.reason)

    def _ask(self, found: Subscription) -> None:
        command = StreamSubscribe(id=self._mint(), stream_id=found.stream_id, after=found.last)
        found.ask(command.id)
        self.outbox.add(command, "subscribe")

    def _ask_again(self, stream_id: str) -> None:
        found = self.streams.get(stream_id)
        if found is not None:
            self._ask(found)

    def _generating(self, stream_id: str, *, counted: bool) -> None:
        """The ack of a generating command subscribes its socket from 0, whatever we know of the stream already."""
        found = self.streams.follow(stream_id, 0)
        if counted and found.last == 0:
            found.confirm()
        else:
            self._ask(found)

    def _subscribed(self, entry: Waiting, head: _StreamHead) -> None:
        assert isinstance(entry.frame, StreamSubscribe)  # noqa: S101 - the purpose says so
        found = self.streams.get(entry.frame.stream_id)
        if found is None or found.asked_by != entry.frame.id:
            return
        found.confirm()
        self.notices.append(Subscribed(found.stream_id, head.chat_id, head.message_id, head.status, head.seq))

    def _subscribe_refused(self, entry: Waiting, error: ErrorObject, now: float) -> None:
        assert isinstance(entry.frame, StreamSubscribe)  # noqa: S101 - the purpose says so
        found = self.streams.get(entry.frame.stream_id)
        if found is None or found.asked_by != entry.frame.id or self._put_off(entry, error, now):
            return
        self._lose(found, error)

    def _lose(self, found: Subscription, error: ErrorObject) -> None:
        self.streams.forget(found.stream_id)
        self.notices.append(Lost(found.stream_id, error))

    def _refused(self, entry: Waiting, error: ErrorObject, now: float, leaving: int | None) -> None:
        wait = _wait(error)
        if error.code == "draining" and leaving is not None:
            self.outbox.keep_for_another(entry, leaving)
            return
        if self._passes(entry, error, now + wait, now) and self.outbox.hold(entry, now + wait):
            return
        self.notices.append(Refused(entry.frame.id, error))

    def _passes(self, entry: Waiting, error: ErrorObject, then: float, now: float) -> bool:
        """Whether a refusal is about a moment that will have passed by then.

        A command that was overtaken is not tried again: an older title must not replace a newer one.
        """
        if error.code in _NOT_NOW:
            return then - now <= _PATIENCE
        if error.code != "unavailable" or self.outbox.is_overtaken(entry):
            return False
        if entry.patient_until is None:
            entry.patient_until = now + _PATIENCE
        return then <= entry.patient_until

    def _put_off(self, entry: Waiting, error: ErrorObject, now: float) -> bool:
        return error.retryable and self.outbox.hold(entry, now + _wait(error))

    def _resume(self, epoch: str, offset: int) -> None:
        self.outbox.add(EventsResume(id=self._mint(), epoch=epoch, offset=offset), "resume")

    def _resumed(self, answer: EventsInfo) -> None:
        if self.events.state != "resuming":
            return
        if answer.recovered and answer.epoch == self.events.epoch:
            self.events.recovered()
        else:
            self._reset(answer.epoch, answer.offset, "trimmed")

    def _reset(self, epoch: str, offset: int, reason: str, *, known: bool = True) -> None:
        if known:
            self.notices.append(Reset(epoch, offset, reason))
        if self._dashboard:
            self.events.forget()
            self.outbox.add(DashboardGet(id=self._mint()), "snapshot")
        else:
            self.events.adopt(epoch, offset)

    def _adopt(self, snapshot: DashboardSnapshot) -> None:
        self.notices.append(Refreshed(snapshot))
        if self.events.adopt(snapshot.epoch, snapshot.offset):
            self._resume(snapshot.epoch, snapshot.offset)


def _wait(error: ErrorObject) -> float:
    """Seconds to wait before asking again."""
    return _PAUSE if error.retry_after_ms is None else error.retry_after_ms / 1000
