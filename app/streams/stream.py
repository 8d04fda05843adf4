"""A stream as this node knows it: its log, its status, and who reads it here."""

from collections.abc import Callable
from typing import Protocol

from app.backplane.interface import StreamKey
from app.streams.log import StreamLog
from protocol.codec import encode
from protocol.frames.objects import ActiveStream, StreamStatus
from protocol.frames.server import StreamEnd, StreamStatusFrame
from protocol.lifecycle import STREAM, TERMINAL, advance
from protocol.server import Range


class Reader(Protocol):
    """A connection that follows streams. Its calls are plain functions and must not fail."""

    def touch(self, stream_id: str) -> None:
        """Note that a followed stream has something new."""

    def flush(self) -> None:
        """Write what may be written now."""

    def lose(self, stream_id: str) -> None:
        """Give a stream up that was taken over by another node; only that one knows how it goes on."""


class Stream:
    """One stream on this node, whether it is written here or was read back from the journal.

    Args:
        stream_id, user_id, chat_id, message_id: what it is.
        status: where it stands.
        started_at: Unix time in milliseconds.

    Attributes:
        journaled: the last chunk the journal has confirmed.
        sealed: whether the journal has its end.
        is_ours: whether this node writes it; else it follows what another one writes.
        on_label: called when it has a new label; a plain function.
        is_lost: whether another node has taken it over while this one wrote.
    """

    __slots__ = (
        "chat_id",
        "ended_at",
        "is_lost",
        "is_ours",
        "journaled",
        "label",
        "log",
        "message_id",
        "on_label",
        "readers",
        "sealed",
        "started_at",
        "status",
        "stream_id",
        "user_id",
    )

    def __init__(
        self, stream_id: str, *, user_id: str, chat_id: str, message_id: str, status: StreamStatus, started_at: int
    ) -> None:
        self.stream_id = stream_id
        self.user_id = user_id
        self.chat_id = chat_id
        self.message_id = message_id
        self.status: StreamStatus = status
        self.started_at = started_at
        self.ended_at: int | None = None
        self.log = StreamLog(stream_id)
        self.label: bytes | None = None
        self.readers: set[Reader] = set()
        self.journaled = 0
        self.sealed = False
        self.is_ours = False
        self.is_lost = False
        self.on_label: Callable[[Stream], None] = lambda _stream: None

    def __repr__(self) -> str:
        return f"<Stream {self.stream_id} {self.status} {self.log.head}/{self.log.tail} readers={len(self.readers)}>"

    @property
    def key(self) -> StreamKey:
        """Its name in the journal."""
        return StreamKey(self.user_id, self.stream_id)

    @property
    def head(self) -> int:
        """The last chunk readers may have."""
        return self.log.head

    @property
    def end(self) -> bytes | None:
        """The `stream.end` frame, once the stream has ended."""
        return self.log.end

    @property
    def ended(self) -> bool:
        """Whether the stream is in a terminal state."""
        return self.status in TERMINAL

    def read(self, after: int, limit: int) -> Range:
        """Return the merged range after a position."""
        return self.log.read(after, limit)

    def advance(self, event: str) -> None:
        """Move to the status that follows this event.

        Raises:
            IllegalTransition: it cannot happen now.
        """
        self.status = advance(STREAM, self.status, event)  # type: ignore[assignment]  # the table's states are statuses

    def say(self, label: str) -> None:
        """Tell the readers what the answer is doing, in words for people."""
        self.label = encode(StreamStatusFrame(stream_id=self.stream_id, status=self.status, label=label))
        self.on_label(self)
        self.wake()

    def finish(self, end: StreamEnd, *, now: int) -> None:
        """Close the log with its last frame and send it (guarantee 12).

        Args:
            end: the frame; its status becomes this stream's.
            now: Unix time in milliseconds.
        """
        self.status = end.status
        self.ended_at = now
        self.label = None
        self.log.publish(self.log.tail)
        self.log.finish(encode(end))
        self.wake()
        self.readers.clear()

    def lose(self) -> None:
        """Let the readers go to whoever has it now."""
        self.is_lost = True
        readers = list(self.readers)
        self.readers.clear()
        for reader in readers:
            reader.lose(self.stream_id)

    def wake(self) -> None:
        """Let every reader take what is new."""
        for reader in list(self.readers):
            reader.touch(self.stream_id)
            reader.flush()

    def summary(self) -> ActiveStream:
        """Describe it as `welcome.activeStreams` does."""
        return ActiveStream(
            stream_id=self.stream_id,
            chat_id=self.chat_id,
            message_id=self.message_id,
            status=self.status,
            seq=self.log.head,
            started_at=self.started_at,
        )
