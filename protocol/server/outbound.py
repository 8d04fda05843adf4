"""What goes out on one connection, and in which order.

A connection holds positions, never copies of stream text (guarantee 28): a cursor for each stream it follows and one
for the event log. Frames are pulled from the logs when they can be sent, so a slow client costs a number, and what it
missed comes as one merged range. Control frames (`ack`, `error`, `pong`, `goodbye`, …) overtake all of that, which
can never split the order inside a stream, because a chunk frame is made only at the moment it leaves (guarantee 27).
The same makes every ack of a subscription a barrier: the ack is queued before the cursor exists (guarantee 10).
"""

from collections import deque
from collections.abc import Iterator
from typing import Protocol

from protocol.server.watch import UNWATCHED, Watch

# Pongs, errors and warnings never pile up to this; a client that floods and reads nothing gets here in seconds.
CONTROL_BYTES = 128 * 1024


class Range(Protocol):
    """A merged range of a stream, as one frame."""

    @property
    def seq(self) -> int:
        """The number of its last chunk: the reader's next cursor."""

    @property
    def frame(self) -> bytes:
        """The `stream.chunk` frame."""


class StreamLog(Protocol):
    """One stream's log as its readers see it."""

    @property
    def stream_id(self) -> str:
        """The stream's id."""

    @property
    def head(self) -> int:
        """The last chunk readers may have."""

    @property
    def end(self) -> bytes | None:
        """The `stream.end` frame, once nothing can follow the head any more."""

    @property
    def label(self) -> bytes | None:
        """The newest `stream.status` frame, if any."""

    def read(self, after: int, limit: int) -> Range:
        """Return the merged range after a position, of at most `limit` bytes unless one chunk alone is longer."""


class EventLog(Protocol):
    """One user's event log as its readers see it."""

    @property
    def head(self) -> int:
        """The offset of the newest event."""

    def read(self, after: int) -> bytes | None:
        """Return the frame of the event after an offset; None when the log no longer holds it."""

    def reset(self) -> bytes:
        """Return the `events.reset` frame that sends a reader from wherever it is to the head."""


class _Subscription:
    __slots__ = ("cursor", "frames", "label", "log", "missed")

    def __init__(self, log: StreamLog, cursor: int) -> None:
        self.log = log
        self.cursor = cursor
        self.label: bytes | None = None
        # What the client had missed when it came: up to which chunk, and how many frames have gone towards it.
        self.missed = log.head if cursor < log.head else 0
        self.frames = 0


class Outbound:
    """The frames that wait for one connection.

    Args:
        frame_bytes: what one data frame is cut to.
        watch: is told of clients that caught up.
    """

    __slots__ = (
        "_control",
        "_control_bytes",
        "_dirty",
        "_ended",
        "_events",
        "_frame_bytes",
        "_offset",
        "_subscriptions",
        "_watch",
        "_withholds",
        "answers",
    )

    def __init__(self, frame_bytes: int, watch: Watch = UNWATCHED) -> None:
        self._frame_bytes = frame_bytes
        self._watch = watch
        self._control: deque[bytes] = deque()
        self._control_bytes = 0
        self.answers = 0  # of commands, waiting to be sent
        self._subscriptions: dict[str, _Subscription] = {}
        self._dirty: dict[str, None] = {}  # an ordered set: the streams that may have something, in turn
        self._events: EventLog | None = None
        self._offset = 0
        self._ended: list[StreamLog] = []
        self._withholds = False

    def control(self, frame: bytes) -> None:
        """Queue a frame that overtakes all data."""
        self._control.append(frame)
        self._control_bytes += len(frame)

    def answer(self, frame: bytes) -> None:
        """Queue the answer to a command; one may be larger than all the rest, but only so many are let in at once."""
        self._control.append(frame)
        self.answers += 1

    def greet(self, frame: bytes) -> None:
        """Queue the welcome in front of everything (guarantee 1)."""
        self._control.appendleft(frame)

    @property
    def overflows(self) -> bool:
        """Whether more control frames wait than any honest client leaves unread."""
        return self._control_bytes > CONTROL_BYTES

    @property
    def followed(self) -> int:
        """How many streams this connection follows."""
        return len(self._subscriptions)

    def follows(self, stream_id: str) -> bool:
        """Whether this connection follows the stream."""
        return stream_id in self._subscriptions

    def logs(self) -> Iterator[StreamLog]:
        """The logs of all streams this connection follows."""
        return (subscription.log for subscription in self._subscriptions.values())

    def subscribe(self, log: StreamLog, after: int) -> None:
        """Follow a stream after a position; an older subscription of it ends here (guarantee 10)."""
        self._subscriptions[log.stream_id] = _Subscription(log, after)
        self.touch(log.stream_id)

    def unsubscribe(self, stream_id: str) -> StreamLog | None:
        """Stop following a stream; return its log if it was followed."""
        self._dirty.pop(stream_id, None)
        subscription = self._subscriptions.pop(stream_id, None)
        return subscription.log if subscription else None

    def touch(self, stream_id: str) -> None:
        """Note that a followed stream has something new."""
        if stream_id in self._subscriptions:
            self._dirty[stream_id] = None

    def withhold(self, withholds: bool) -> None:
        """Keep back the chunks of answers that are being written, or let them go on from where each cursor stands.

        An answer that has ended is sent whole, since its end comes last (guarantee 12).
        """
        if self._withholds and not withholds:
            self._dirty |= dict.fromkeys(self._subscriptions)
        self._withholds = withholds

    @property
    def has_data(self) -> bool:
        """Whether there may be data to take."""
        return bool(self._dirty) or (self._events is not None and self._offset < self._events.head)

    def follow_events(self, events: EventLog, offset: int) -> None:
        """Send every event after this offset from now on."""
        self._events = events
        self._offset = offset

    def has_events(self, offset: int) -> bool:
        """Whether events are followed and all up to this offset were taken."""
        return self._events is not None and self._offset >= offset

    def take_control(self) -> list[bytes]:
        """Take every waiting control frame."""
        frames = list(self._control)
        self._control.clear()
        self._control_bytes = self.answers = 0
        return frames

    def take_ended(self) -> list[StreamLog]:
        """Take the logs whose last frame was handed out since the last call."""
        ended, self._ended = self._ended, []
        return ended

    def next_data(self, room: int) -> bytes | None:
        """Take the next frame of data, of at most `room` bytes where a frame can be cut; None when nothing waits.

        Events come first: they are small, and a title must not wait behind ten answers. Streams take turns.
        """
        if (event := self._next_event()) is not None:
            return event
        while self._dirty:
            stream_id = next(iter(self._dirty))
            del self._dirty[stream_id]
            if (frame := self._next_of(self._subscriptions[stream_id], min(room, self._frame_bytes))) is not None:
                return frame
        return None

    def _next_event(self) -> bytes | None:
        if self._events is None or self._offset >= self._events.head:
            return None
        frame = self._events.read(self._offset)
        if frame is None:
            frame, self._offset = self._events.reset(), self._events.head
        else:
            self._offset += 1
        return frame

    def _next_of(self, subscription: _Subscription, limit: int) -> bytes | None:
        log = subscription.log
        if subscription.cursor < log.head and (not self._withholds or log.end is not None):
            chunks = log.read(subscription.cursor, limit)
            subscription.cursor = chunks.seq
            if subscription.missed:
                self._count_resume(subscription)
            self._dirty[log.stream_id] = None  # behind the others, for whatever else it has
            return chunks.frame
        if log.end is not None:
            del self._subscriptions[log.stream_id]
            self._ended.append(log)
            return log.end
        if log.label is not None and log.label is not subscription.label:
            subscription.label = log.label
            return log.label
        return None

    def _count_resume(self, subscription: _Subscription) -> None:
        subscription.frames += 1
        if subscription.cursor >= subscription.missed:
            subscription.missed = 0
            self._watch.resumed(subscription.frames)
