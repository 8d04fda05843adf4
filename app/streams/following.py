"""Feeds the streams that other nodes write: from what the backplane tells, and from the journal what it missed.

Theory of operation. The owner appends a range to the journal, and the backplane tells every node that has sockets of
its user. A node that follows the stream adds a range that begins at its tail. Anything else is a gap, whatever the
cause: a message that was lost or overtaken, a node that stood still, a Redis that was away. A gap is read from the
journal, from the tail on. So is a stream that somebody asks for here for the first time: it is all gap. What is told
while the journal is read waits for nobody; if it does not fit yet, the journal is read once more.

The last message may be lost, too, and then nothing shows a gap. So every two seconds the tails are compared with the
journal.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.backplane.interface import Journal, JournalUnavailable, StreamKey
from app.streams.stream import Reader, Stream
from app.tasks import Crew
from protocol.codec import decode_server
from protocol.frames.server import StreamEnd, StreamStatusFrame
from protocol.parts.chunks import Chunk

COMPARE_EVERY = 2.0

log = logging.getLogger("tidewire.streams")


@dataclass(slots=True)
class _Reading:
    """The reading of one stream's journal; `again`: something was told meanwhile that did not fit."""

    task: "asyncio.Task[JournalUnavailable | None]"
    again: bool = True


class Following:
    """Brings streams of other nodes to this one's readers, whole and in order.

    Args:
        journal: what was appended, whoever did.
        streams: lists the streams this node knows.
        find: finds one of them.
        now_ms: Unix time in milliseconds.
    """

    def __init__(
        self,
        journal: Journal,
        streams: Callable[[], Iterable[Stream]],
        find: Callable[[str], Stream | None],
        now_ms: Callable[[], int],
    ) -> None:
        self._journal = journal
        self._streams = streams
        self._find = find
        self._now_ms = now_ms
        self._readings: dict[str, _Reading] = {}
        self._crew = Crew("following")
        self.repaired = 0

    async def close(self) -> None:
        """Give up what is under way."""
        await self._crew.close()

    async def join(self, stream: Stream) -> None:
        """Bring a stream up to its head.

        Raises:
            JournalUnavailable: the journal cannot be read now.
        """
        problem = await asyncio.shield(self._reading_of(stream).task)  # others may wait for it, too
        if problem is not None:
            raise problem

    def is_reading(self, stream: Stream) -> bool:
        """Whether the journal of a stream is being read."""
        return stream.stream_id in self._readings

    # What the backplane tells; plain functions that do not fail

    def told_range(self, stream_id: str, prev: int, chunks: Sequence[Chunk]) -> Iterable[Reader]:
        """Take a range; return the readers who have something to take now, to be flushed once for all their streams."""
        stream = self._followed(stream_id)
        if stream is None or prev + len(chunks) <= stream.log.tail:
            return ()
        if prev > stream.log.tail:
            self.repair(stream)
            return ()
        return self._apply(stream, chunks[stream.log.tail - prev :])

    def told_growth(self, stream_id: str, seq: int) -> None:
        """Hear that a stream has grown by more than could be sent along."""
        stream = self._followed(stream_id)
        if stream is not None and seq > stream.log.tail:
            self.repair(stream)

    def told_label(self, stream_id: str, frame: bytes) -> None:
        """Take a `stream.status` frame."""
        stream, status = self._followed(stream_id), decode_server(frame)
        if stream is not None and isinstance(status, StreamStatusFrame):
            if stream.status == "streaming" and status.status == "stopping":
                stream.advance("stop")
            stream.label = frame
            stream.wake()

    def told_end(self, stream_id: str, frame: bytes) -> None:
        """Take a `stream.end` frame."""
        stream = self._followed(stream_id)
        if stream is not None and not self._finish(stream, frame):
            self.repair(stream)

    def repair(self, stream: Stream) -> None:
        """Read from the journal what is missing, in the background."""
        self.repaired += 1
        self._reading_of(stream)

    def repair_all(self, concerns: Callable[[str], bool]) -> None:
        """Read what may be missing of these users' streams, because nobody knows what was lost."""
        for stream in list(self._streams()):
            if self._is_followed(stream) and concerns(stream.user_id):
                self.repair(stream)

    async def check(self) -> None:
        """Compare every tail with the journal; a round of the node.

        Raises:
            JournalUnavailable: a part of the journal cannot be read; what is in the others was compared all the same.
        """
        followed: dict[int, dict[StreamKey, Stream]] = {}
        for stream in self._streams():
            if self._is_followed(stream):
                followed.setdefault(self._journal.partition(stream.user_id), {})[stream.key] = stream
        for outcome in await asyncio.gather(*map(self._compare, followed.values()), return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _compare(self, followed: Mapping[StreamKey, Stream]) -> None:
        for key, held in (await self._journal.held_of(followed)).items():
            stream = followed[key]
            if held.head > stream.log.tail or held.ended_at_ms is not None:
                self.repair(stream)

    def _reading_of(self, stream: Stream) -> "_Reading":
        """Begin to read a stream's journal, or have it read once more by whoever does so already."""
        reading = self._readings.get(stream.stream_id)
        if reading is not None:
            reading.again = True
            return reading
        task = self._crew.start(self._read(stream), name=f"reading {stream.stream_id}")
        reading = self._readings[stream.stream_id] = _Reading(task)
        return reading

    async def _read(self, stream: Stream) -> JournalUnavailable | None:
        reading = self._readings[stream.stream_id]  # the task begins after it was put there
        try:
            while reading.again and self._is_followed(stream):
                reading.again = False
                await self._read_once(stream)
        except JournalUnavailable as problem:
            log.warning("%s is behind until the journal can be read: %s", stream.stream_id, problem)
            return problem
        finally:
            del self._readings[stream.stream_id]
        return None

    async def _read_once(self, stream: Stream) -> None:
        # The end first: a log that has one when it is read is whole.
        end = await self._journal.end_of(stream.key)
        tail = stream.log.tail
        missing = await self._journal.read(stream.key, tail)
        if not self._is_followed(stream):
            return
        for reader in self._apply(stream, missing[stream.log.tail - tail :]):
            reader.flush()
        if end is not None and not self._finish(stream, end):
            # Its owner died while the journal was behind (guarantee 19b). No hole is ever sent: nobody gets an end.
            log.error("%s ended beyond what the journal holds of it", stream.stream_id)

    def _followed(self, stream_id: str) -> Stream | None:
        stream = self._find(stream_id)
        return stream if stream is not None and self._is_followed(stream) else None

    @staticmethod
    def _is_followed(stream: Stream) -> bool:
        return not stream.is_ours and not stream.ended

    def _apply(self, stream: Stream, chunks: Sequence[Chunk]) -> Iterable[Reader]:
        if not chunks:
            return ()
        if stream.status == "queued":
            stream.advance("start")
        stream.journaled = stream.log.extend(chunks)
        stream.log.publish(stream.log.tail)
        stream.label = None
        readers = list(stream.readers)
        for reader in readers:
            reader.touch(stream.stream_id)
        return readers

    def _finish(self, stream: Stream, frame: bytes) -> bool:
        """End a stream, if all of it has come."""
        end = decode_server(frame)
        if not isinstance(end, StreamEnd) or end.seq != stream.log.tail:
            return False
        stream.sealed = True
        stream.finish(end, now=self._now_ms())
        return True
