"""The smallest owner of a stream, and the smallest node that follows it: what the backplane must be good enough for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from app.backplane.broker import Concerns
from app.backplane.interface import Journal, JournalConflict, JournalUnavailable, StreamKey
from app.backplane.news import Appended, AppendedRange, News
from app.backplane.redis.broker import RedisBroker
from app.backplane.redis.connecting import backplane
from app.backplane.redis.journal import RedisJournal
from app.clock import Clock
from protocol.parts.chunks import Chunk
from tests.contract.broker import Notes
from tests.contract.journal import RETENTION_MS, key, part

A = key("str_a")
"""The stream they are about."""
SOON = 30.0
"""Faults last some seconds; nothing is measured by it."""


class Owner:
    """Writes one stream, and appends what the journal lacks, from where it stands."""

    def __init__(self, key: StreamKey, journal: Journal) -> None:
        self.key = key
        self.tail = 0
        self.journaled = 0
        self.refusals = 0
        self.failures: list[str] = []
        self._journal = journal

    async def write(self, count: int = 1) -> None:
        """Write chunks and offer them once, whatever comes of it."""
        self.tail += count
        await self.offer()

    async def offer(self) -> None:
        """Append what is owed, once."""
        owed = part(self.key.stream_id, self.journaled, self.tail - self.journaled)
        try:
            await self._journal.append([owed])
        except JournalConflict as conflict:
            self.refusals += 1
            self.journaled = conflict.heads[self.key]
        except JournalUnavailable as problem:
            self.failures.append(str(problem))
        else:
            self.journaled = self.tail

    async def settle(self) -> None:
        """Append until the journal has everything."""
        async with asyncio.timeout(SOON):
            while self.journaled < self.tail:
                await self.offer()
                await asyncio.sleep(0.01)

    async def write_for(self, seconds: float, every: float = 0.02) -> None:
        """Write chunk after chunk for a while."""
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            await self.write()
            await asyncio.sleep(every)


class Follower(Notes):
    """Follows one stream of another node: applies what fits, and reads the journal where something is missing."""

    def __init__(self, key: StreamKey, journal: Journal) -> None:
        super().__init__()
        self.key = key
        self.log: list[Chunk] = []
        self.repairs = 0
        self._journal = journal
        self._broken = asyncio.Event()
        self._repairing = asyncio.create_task(self._repair())

    async def close(self) -> None:
        """Follow no more."""
        self._repairing.cancel()
        await asyncio.wait([self._repairing])

    async def has(self, count: int) -> None:
        """Wait until so many chunks are there."""
        await self.until(lambda: len(self.log) >= count, within=SOON)

    def hear(self, user_id: str, news: News) -> None:
        """Apply what follows what is there."""
        if isinstance(news, Appended) and user_id == self.key.user_id:
            for told in news.ranges:
                if told.stream_id == self.key.stream_id:
                    self._apply(told)
        super().hear(user_id, news)

    def miss(self, concerns: Concerns, *, wiped: bool) -> None:
        """Look what was missed."""
        if concerns(self.key.user_id):
            self._broken.set()
        super().miss(concerns, wiped=wiped)

    def _apply(self, told: AppendedRange) -> None:
        if told.seq <= len(self.log):
            return
        if told.prev > len(self.log) or told.chunks is None:
            self._broken.set()
            return
        self.log += told.chunks[len(self.log) - told.prev :]

    async def _repair(self) -> None:
        while True:
            await self._broken.wait()
            self._broken.clear()
            try:
                missed = await self._journal.read(self.key, head := len(self.log))
            except JournalUnavailable:
                self._broken.set()
                await asyncio.sleep(0.05)
                continue
            self.repairs += 1
            self.log += missed[len(self.log) - head :]  # some may have been heard meanwhile
            self.changed()


class Writing(NamedTuple):
    """The node that writes."""

    journal: RedisJournal
    broker: RedisBroker
    notes: Notes
    owner: Owner


class Following(NamedTuple):
    """The node that follows."""

    journal: RedisJournal
    broker: RedisBroker
    notes: Follower


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[Writing]:
    """A node that writes stream A."""
    journal, broker = backplane(url, "writer", Clock(), retention_ms=RETENTION_MS)
    notes = Notes()
    await journal.open()
    await broker.open(notes)
    try:
        yield Writing(journal, broker, notes, Owner(A, journal))
    finally:
        await broker.close()
        await journal.close()


@asynccontextmanager
async def following(url: str) -> AsyncIterator[Following]:
    """A node that follows stream A."""
    journal, broker = backplane(url, "follower", Clock(), retention_ms=RETENTION_MS)
    notes = Follower(A, journal)
    await journal.open()
    await broker.open(notes)
    assert await broker.subscribe(A.user_id)
    try:
        yield Following(journal, broker, notes)
    finally:
        await notes.close()
        await broker.close()
        await journal.close()
