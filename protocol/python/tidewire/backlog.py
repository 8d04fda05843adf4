"""What readers have not read yet: one log for all of them, compacted behind their backs."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from protocol.parts.chunks import Chunk
from protocol.parts.coalesce import coalesce

_TAIL = 64


@dataclass(slots=True, eq=False)
class _Reader:
    """How far one reader has come, as an index into the log."""

    at: int = 0


class ChunkLog:
    """The chunks of one answer, and any number of readers at their own pace.

    A reader is an index, not a queue. Every 64 chunks the tail is merged, between the places where readers stand, so
    that the log takes about as much memory as the text in it, however slowly it is read. The server ends an answer
    whose log passes 8 MiB, so this is bounded too.
    """

    __slots__ = ("_changed", "_chunks", "_failure", "_over", "_readers", "_settled", "_sleepers")

    def __init__(self) -> None:
        self._chunks: list[Chunk] = []
        self._settled = 0
        self._readers: list[_Reader] = []
        self._changed = asyncio.Event()
        self._sleepers = 0
        self._over = False
        self._failure: Exception | None = None

    def __len__(self) -> int:
        return len(self._chunks)

    def extend(self, chunks: list[Chunk]) -> None:
        """Take the next chunks."""
        self._chunks += chunks
        if len(self._chunks) - self._settled >= _TAIL:
            self._compact()
        self._wake()

    def end(self, failure: Exception | None = None) -> None:
        """No chunk comes any more; readers end, or raise the failure, once they have read what is there."""
        if not self._over:
            self._over, self._failure = True, failure
            self._wake()

    @property
    def over(self) -> bool:
        """Whether no chunk comes any more."""
        return self._over

    @property
    def failure(self) -> Exception | None:
        """Why the log broke off, if it did."""
        return self._failure

    def all(self) -> list[Chunk]:
        """Everything so far, merged as far as it goes; to read only."""
        return coalesce(self._chunks)

    async def read(self) -> AsyncGenerator[list[Chunk], None]:
        """Everything from the first chunk on, in batches: whatever came since the last one, merged."""
        reader = _Reader()
        self._readers.append(reader)
        try:
            while True:
                if reader.at < len(self._chunks):
                    batch = coalesce(self._chunks[reader.at :])
                    reader.at = len(self._chunks)
                    yield batch
                elif self._over:
                    break
                else:
                    await self._sleep()
        finally:
            self._readers.remove(reader)
        if self._failure is not None:
            raise self._failure

    async def wait_over(self) -> None:
        """Wait until no chunk comes any more."""
        while not self._over:
            await self._sleep()

    async def _sleep(self) -> None:
        self._sleepers += 1
        try:
            await self._changed.wait()
        finally:
            self._sleepers -= 1

    def _wake(self) -> None:
        # Wakes those who wait now; an event that stayed set would spin them.
        if self._sleepers:
            self._changed.set()
            self._changed.clear()

    def _compact(self) -> None:
        # A reader in the middle of a merged chunk would read its first half twice, so nothing merges across one.
        stops = sorted({r.at for r in self._readers if r.at > self._settled} | {len(self._chunks)})
        merged: list[Chunk] = []
        moved: dict[int, int] = {}
        start = self._settled
        for stop in stops:
            merged += coalesce(self._chunks[start:stop])
            moved[stop] = self._settled + len(merged)
            start = stop
        for reader in self._readers:
            reader.at = moved.get(reader.at, reader.at)
        self._chunks[self._settled :] = merged
        self._settled = len(self._chunks)
