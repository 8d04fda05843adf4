"""Where every stream of the journal stands in its segments; plain tables, no file is touched here.

The chunks themselves stay in the files (and in the node's memory while a stream runs). A range costs 16 bytes here,
so ten minutes of a busy server are a few megabytes.

A segment can be deleted when no stream that still counts has a record in it. A stream counts until it is forgotten:
10 minutes after its end. Segments go in any order, so a forgotten stream may lose the segment that says so (its
`END`) while an older one, held by a long answer, still has its chunks; a restart would take it for an unfinished
answer. Then a `GONE` record in a younger segment takes over. `stray` finds these streams.
"""

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from app.backplane.interface import Held, JournalRange, StreamKey
from app.backplane.records import name_of

Place = int
"""Segment number and offset in one: `number << 32 | offset`."""


def place_of(segment: int, offset: int) -> Place:
    """The place of a record that begins at `offset` of a segment."""
    return segment << 32 | offset


@dataclass(slots=True)
class Entry:
    """One stream: its ranges in order, and its end."""

    head: int = 0
    ended_at_ms: int | None = None
    end: Place = 0
    segments: list[int] = field(default_factory=list)
    prevs: "array[int]" = field(default_factory=lambda: array("Q"))
    places: "array[int]" = field(default_factory=lambda: array("Q"))

    def touch(self, segment: int) -> None:
        """Remember that a segment holds a record of this stream; segments only rise."""
        if self.segments[-1:] != [segment]:
            self.segments.append(segment)

    def after(self, seq: int) -> tuple[int, Sequence[Place]]:
        """The places of the ranges that hold what follows `seq`, and how many chunks of the first come before that."""
        if seq >= self.head:
            return 0, ()
        first = bisect_right(self.prevs, max(seq, 0)) - 1
        return max(seq, 0) - self.prevs[first], self.places[first:]


class Index:
    """All streams of a journal, those that count and what is left in the files of those that do not."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._remains: dict[str, list[int]] = {}  # forgotten stream -> segments with records of it
        self._words: dict[str, int] = {}  # forgotten stream -> the segment whose END or GONE says that it is over

    def held(self) -> dict[str, Held]:
        """Every stream that counts."""
        return {name: Held(entry.head, entry.ended_at_ms) for name, entry in self.entries.items()}

    def choose(
        self, ranges: Iterable[JournalRange]
    ) -> tuple[list[JournalRange], dict[StreamKey, int], frozenset[StreamKey]]:
        """Which ranges follow what is stored; of the refused streams the heads, and those that are closed."""
        taken: list[JournalRange] = []
        heads: dict[StreamKey, int] = {}
        refused: dict[StreamKey, int] = {}
        closed: set[StreamKey] = set()
        for part in ranges:
            entry = self.entries.get(name_of(part.key))
            over = entry is not None and entry.ended_at_ms is not None
            head = heads.get(part.key, entry.head if entry else 0)
            if part.seq <= head:
                continue
            if part.prev == head and not over:
                taken.append(part)
                heads[part.key] = part.seq
                continue
            refused[part.key] = head
            if over:
                closed.add(part.key)
        return taken, refused, frozenset(closed)

    def add(self, name: str, prev: int, count: int, segment: int, offset: int) -> None:
        """Take in a range. One that does not follow its stream's head is left out.

        Those come up only when files are read back: the rest of a forgotten stream whose beginning is deleted, or
        what stands behind damage. A log is kept up to a hole, never across one.
        """
        entry = self.entries.get(name)
        if entry is None:
            if prev:
                return
            entry = self.entries[name] = Entry()
        if prev != entry.head or entry.ended_at_ms is not None:
            return
        entry.prevs.append(prev)
        entry.places.append(place_of(segment, offset))
        entry.head = prev + count
        entry.touch(segment)

    def close(self, name: str, head: int, ended_at_ms: int, segment: int, offset: int) -> None:
        """Take in an end. One that ends more than is there belongs to a log with a hole, which is forgotten."""
        entry = self.entries.get(name) or Entry()
        if entry.ended_at_ms is not None:
            return
        self.entries[name] = entry
        entry.touch(segment)
        if head != entry.head:
            self.forget([name], segment)
            return
        entry.ended_at_ms, entry.end = ended_at_ms, place_of(segment, offset)

    def forget(self, names: Iterable[str], segment: int) -> None:
        """Let streams no longer count; a record in this segment says so."""
        for name in names:
            entry = self.entries.pop(name, None)
            self._words[name] = segment
            if entry is not None:
                self._remains[name] = entry.segments

    def expire(self, before_ms: int) -> None:
        """Forget the streams that ended at `before_ms` (Unix ms) or earlier."""
        for name, entry in list(self.entries.items()):
            if entry.ended_at_ms is not None and entry.ended_at_ms <= before_ms:
                self.forget([name], entry.end >> 32)

    def pinned(self) -> set[int]:
        """The segments that hold a record of a stream that counts."""
        return {segment for entry in self.entries.values() for segment in entry.segments}

    def stray(self, segments: Collection[int]) -> list[str]:
        """The forgotten streams that would look unfinished if these segments were deleted."""
        return [
            name
            for name, left in self._remains.items()
            if self._words.get(name) in segments and any(segment not in segments for segment in left)
        ]

    def drop(self, segments: Collection[int]) -> None:
        """These segments are deleted."""
        rests = {name: [number for number in left if number not in segments] for name, left in self._remains.items()}
        self._remains = {name: rest for name, rest in rests.items() if rest}
        self._words = {name: segment for name, segment in self._words.items() if name in self._remains}
