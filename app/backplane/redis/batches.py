"""Cuts what one tick appends into script calls: by partition, then by user, and none too long.

Nearly every tick is one short call for each partition. Long are those after an interruption, when logs are sent again
from where the journal stands, or whole; then each call must leave room for everybody else's, on the server and in this
process.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import orjson

from app.backplane.interface import JournalRange, StreamKey
from app.backplane.redis.names import Names

MOST_CHUNKS, MOST_BYTES = 2_000, 512 * 1024
"""In one call; exceeded only by a single chunk."""
MOST_PUBLISHED = 64 * 1024
"""Bytes of chunks in one message. A longer one says only where the heads are, and its readers turn to the journal."""


@dataclass(slots=True)
class Batch:
    """The ranges of one call, all of one partition; those of one stream stand in order."""

    ranges: list[JournalRange] = field(default_factory=list)
    chunks: int = 0
    bytes: int = 0

    def has_room(self, part: JournalRange, size: int) -> bool:
        """Whether a range of this size (bytes) still fits; into an empty batch every one does."""
        fits = self.chunks + len(part.chunks) <= MOST_CHUNKS and self.bytes + size <= MOST_BYTES
        return fits or not self.ranges

    def add(self, part: JournalRange, size: int) -> None:
        """Take a range in."""
        self.ranges.append(part)
        self.chunks += len(part.chunks)
        self.bytes += size


@dataclass(slots=True)
class Call:
    """A batch as `append.lua` takes it: `keys` and `words`; `streams` says whose range is which."""

    streams: list[StreamKey] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    words: list[Any] = field(default_factory=list)


def batches(ranges: Iterable[JournalRange], partition_of: Callable[[str], int]) -> dict[int, list[Batch]]:
    """Deal ranges out to partitions, each in batches that follow each other."""
    found: dict[int, list[Batch]] = {}
    for part in chain.from_iterable(map(_pieces, ranges)):
        cut = found.setdefault(partition_of(part.key.user_id), [Batch()])
        size = sum(map(len, part.chunks))
        if not cut[-1].has_room(part, size):
            cut.append(Batch())
        cut[-1].add(part, size)
    return found


def call(batch: Batch, names: Names, is_heard: Callable[[str], bool]) -> Call:
    """Put a batch into the order in which the script reads it: user by user.

    Args:
        is_heard: whether this node hears the news of a user itself; where nobody else does, nothing is published.
    """
    by_user: dict[str, list[JournalRange]] = {}
    for part in batch.ranges:
        by_user.setdefault(part.key.user_id, []).append(part)
    made = Call()
    for user_id, parts in by_user.items():
        size = sum(len(chunk) for part in parts for chunk in part.chunks)
        made.words += (names.user(user_id), int(is_heard(user_id)), len(parts), int(size <= MOST_PUBLISHED))
        for part in parts:
            made.streams.append(part.key)
            made.keys += (names.log(part.key), names.end(part.key))
            made.words += (orjson.dumps(part.key.stream_id), part.prev, len(part.chunks), *part.chunks)
    return made


def _pieces(part: JournalRange) -> Iterator[JournalRange]:
    """A range in pieces that each fit into a batch."""
    if len(part.chunks) <= MOST_CHUNKS and sum(map(len, part.chunks)) <= MOST_BYTES:
        yield part
        return
    start = size = 0
    for at, chunk in enumerate(part.chunks):
        if at > start and (at - start == MOST_CHUNKS or size + len(chunk) > MOST_BYTES):
            yield _piece(part, start, at)
            start, size = at, 0
        size += len(chunk)
    yield _piece(part, start, len(part.chunks))


def _piece(part: JournalRange, start: int, stop: int) -> JournalRange:
    chunks: Sequence[bytes] = part.chunks[start:stop]
    return JournalRange(part.key, part.prev + start, chunks)
