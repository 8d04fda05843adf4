"""The journal of a single process: files in the data folder.

One write a tick appends the ranges of all streams to the youngest segment, and returns when the kernel has it: from
then on the chunks survive the death of this process. Every start reads the segments back and begins a new one, so
nothing is ever written behind a torn tail. The lock on the data folder (`folder.py`) keeps a second process out.

The write happens on the event loop: into the page cache it is shorter than the way to a thread, and nothing can come
between the write and the index. The price: a disk that stalls (not one that refuses) stalls the whole process. So here
guarantee 19b's exception, going on while the journal has not confirmed, is for writes that fail.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from app.backplane.index import Index, Place
from app.backplane.interface import Held, JournalConflict, JournalRange, JournalUnavailable, StreamKey
from app.backplane.records import (
    decode_chunks,
    decode_end,
    encode_chunks,
    encode_end,
    encode_gone,
    key_of,
    name_of,
)
from app.backplane.replay import Recovered, Replay
from app.backplane.segments import SEGMENT_BYTES, Segments, make_folder, path_of, read_records
from app.backplane.syncing import Syncing
from app.clock import Clock
from protocol.parts.chunks import Chunk

log = logging.getLogger("tidewire.journal")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the journal holds: streams, segments, their bytes; and how often a sync failed since the start."""

    streams: int
    segments: int
    bytes: int
    sync_failures: int


class LocalJournal:
    """A `Journal` in a folder of its own.

    Args:
        folder: made when missing; nobody else may write here.
        clock: stamps the ends of streams.
        retention_ms: how long a log and its end stay after the end (guarantee 12).
        segment_bytes: a new segment begins after this many.
        sync_interval: the shortest time between two syncs to the disk, in seconds.
    """

    partitions = 1

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        retention_ms: int,
        segment_bytes: int = SEGMENT_BYTES,
        sync_interval: float = 1.0,
    ) -> None:
        self.recovered = Recovered()
        self._folder = folder
        self._clock = clock
        self._retention_ms = retention_ms
        self._segment_bytes = segment_bytes
        self._sync_interval = sync_interval
        self._index = Index()
        self._segments: Segments | None = None
        self._syncing = Syncing(sync_interval)

    def __repr__(self) -> str:
        return f"<LocalJournal {self._folder} {self.statistics()}>"

    def statistics(self) -> Statistics:
        """What the journal holds."""
        segments = self._segments
        return Statistics(
            streams=len(self._index.entries),
            segments=segments.count if segments else 0,
            bytes=segments.total if segments else 0,
            sync_failures=self._syncing.failures,
        )

    def partition(self, user_id: str) -> int:  # noqa: ARG002 - whoever it is
        """The only one."""
        return 0

    async def open(self) -> None:
        """Read back what earlier processes left; `recovered` says what that was.

        Raises:
            JournalUnavailable: the folder cannot be made, or something in it belongs to another user.
        """
        try:
            make_folder(self._folder)
            found = await asyncio.to_thread(Replay, self._folder)
        except OSError as problem:
            raise self._unavailable("opened", problem) from problem
        self._index, self.recovered = found.index, found.recovered
        if self.recovered.torn_bytes or self.recovered.damaged_bytes:
            log.warning("%s", self.recovered)
        self._syncing = Syncing(self._sync_interval)
        self._syncing.start()
        self._segments = Segments(
            self._folder, found.sizes, found.next_number, self._segment_bytes, self._syncing.touch
        )

    async def close(self) -> None:
        """Sync and let go of the files."""
        segments, self._segments = self._segments, None
        if segments is not None:
            segments.rest()
            await self._syncing.close()

    async def append(self, ranges: Sequence[JournalRange]) -> None:
        """Store the ranges of one tick with one write."""
        taken, refused, closed = self._index.choose(ranges)
        if taken:
            names = [name_of(part.key) for part in taken]
            records = [encode_chunks(name, part.prev, part.chunks) for name, part in zip(names, taken, strict=True)]
            segment, offset = self._write(b"".join(records))
            for name, part, record in zip(names, taken, records, strict=True):
                self._index.add(name, part.prev, len(part.chunks), segment, offset)
                offset += len(record)
        if refused:
            raise JournalConflict(refused, closed)

    async def read(self, key: StreamKey, after: int = 0) -> list[Chunk]:
        """The chunks that follow seq `after`, from the files."""
        entry = self._index.entries.get(name_of(key))
        if entry is None:
            return []
        skip, places = entry.after(after)
        return (await self._in_thread("read", lambda: self._chunks_at(places)))[skip:]

    async def claim(self, key: StreamKey) -> None:
        """Nobody else writes into this folder."""

    async def close_stream(self, key: StreamKey, end: bytes) -> None:
        """Store the end of a stream."""
        name = name_of(key)
        entry = self._index.entries.get(name)
        if entry is not None and entry.ended_at_ms is not None:
            return
        head, now_ms = entry.head if entry else 0, self._clock.now_ms()
        segment, offset = self._write(encode_end(name, head, now_ms, end))
        self._index.close(name, head, now_ms, segment, offset)

    async def end_of(self, key: StreamKey) -> bytes | None:
        """The `stream.end` frame of a closed stream, from its file."""
        entry = self._index.entries.get(name_of(key))
        if entry is None or entry.ended_at_ms is None:
            return None
        place = entry.end
        return await self._in_thread("read", lambda: decode_end(next(self._data_at([place])))[1])

    async def held(self, key: StreamKey) -> Held | None:
        """How far one stream is stored, and whether it ended."""
        entry = self._index.entries.get(name_of(key))
        return None if entry is None else Held(entry.head, entry.ended_at_ms)

    async def held_of(self, keys: Iterable[StreamKey]) -> dict[StreamKey, Held]:
        """How far streams are stored, and whether they ended."""
        found = {key: await self.held(key) for key in keys}
        return {key: held for key, held in found.items() if held is not None}

    async def streams(self) -> dict[StreamKey, Held]:
        """Everything that is held."""
        return {key_of(name): held for name, held in self._index.held().items()}

    async def retire(self, now_ms: int) -> None:
        """Forget the streams whose retention is over, and delete the segments that no stream needs any more.

        Raises:
            JournalUnavailable: a file cannot be deleted, or there is no room to write down what was forgotten. The
                next call tries again.
        """
        segments = self._opened()
        self._index.expire(now_ms - self._retention_ms)
        free = self._free(segments)
        if stray := self._index.stray(free):
            segment, _ = self._write(encode_gone(stray))
            self._index.forget(stray, segment)
            await self._syncing.flush()  # or a power cut could undo the writing and not the deleting
        if free:
            await self._in_thread("deleted", lambda: segments.delete(free))
            segments.drop(free)
            self._index.drop(free)

    def _free(self, segments: Segments) -> set[int]:
        """The full segments that no stream needs; the youngest is made a full one when it is such."""
        pinned = self._index.pinned()
        free = segments.full.keys() - pinned
        youngest = segments.youngest
        if youngest is None or youngest in pinned or self._index.stray(free | {youngest}):
            return free  # with a stray, all that the youngest says would have to be written again
        segments.rest()
        return free | {youngest}

    def _write(self, data: bytes) -> tuple[int, int]:
        """Append to the youngest segment; return its number and where the data begins."""
        try:
            return self._opened().write(data)
        except OSError as problem:
            raise self._unavailable("written", problem) from problem

    async def _in_thread(self, verb: str, work: Callable[[], T]) -> T:
        """Let a thread work on the files: old segments may have left the page cache."""
        self._opened()
        try:
            return await asyncio.to_thread(work)
        except (OSError, ValueError) as problem:
            raise self._unavailable(verb, problem) from problem

    def _chunks_at(self, places: Sequence[Place]) -> list[Chunk]:
        return [chunk for data in self._data_at(places) for chunk in decode_chunks(data)]

    def _data_at(self, places: Sequence[Place]) -> Iterator[bytes]:
        """The data of these records, opening each segment once."""
        for segment, group in groupby(places, lambda place: place >> 32):
            starts = [place & 0xFFFFFFFF for place in group]
            for _, data in read_records(path_of(self._folder, segment), starts):
                yield data

    def _opened(self) -> Segments:
        if self._segments is None:
            raise JournalUnavailable(f"The journal in {self._folder} is not open.")
        return self._segments

    def _unavailable(self, verb: str, problem: Exception) -> JournalUnavailable:
        words = problem.strerror if isinstance(problem, OSError) else str(problem)
        return JournalUnavailable(f"The journal in {self._folder} cannot be {verb}: {words}.")
