"""The journal in Redis: a list of chunks for each stream, which every node can read.

One script call a tick and partition appends the ranges of all streams there and publishes them to the other nodes in
the same step, so that nobody is told of what is not stored (`append.lua`). Every key expires by itself: a log that is
written is kept alive by its owner, a closed one stays for the retention.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, TypeVar

import orjson

from app.backplane.interface import Held, JournalConflict, JournalRange, JournalUnavailable, StreamKey
from app.backplane.redis.batches import Batch, batches, call
from app.backplane.redis.scripts import APPEND, CLOSE, REFRESH
from app.backplane.redis.servers import Servers, ServerUnavailable
from app.backplane.redis.words import sender_of
from app.clock import Clock
from protocol.parts.chunks import Chunk

T = TypeVar("T")

LIFETIME = 24 * 3600
"""Seconds that the log of a stream lives when nobody writes it and nobody seals it: longer than any outage that
somebody looks into, so that a start after it still finds what was shown."""
REFRESH_EVERY_MS = 600_000
PAGE = 4_000
"""Chunks that are read at once: a long log must hold up neither the server nor this process."""


class RedisJournal:
    """A `Journal` that all nodes share.

    Args:
        servers: where it is.
        node: this node, the sender of what is published.
        clock: stamps the ends of streams.
        retention_ms: how long a log and its end stay after the end (guarantee 12).
    """

    def __init__(self, servers: Servers, node: str, clock: Clock, *, retention_ms: int) -> None:
        self._servers = servers
        self._names = servers.names
        self._signed = (servers.publish, sender_of(node))
        self._clock = clock
        self._retention_ms = retention_ms
        self._is_open = False
        self._alive: dict[StreamKey, int] = {}  # what this node writes -> when its lifetime began anew (Unix ms)

    def __repr__(self) -> str:
        return f"<RedisJournal {self._servers!r} writes={len(self._alive)}>"

    async def open(self) -> None:
        """Find every partition.

        Raises:
            JournalUnavailable: one of them cannot be used.
        """
        self._is_open = True
        self._servers.open()
        try:
            for partition in range(self._servers.partitions):
                await _available(self._servers.command(partition, "PING", again=True))
        except JournalUnavailable:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the connections."""
        if self._is_open:
            self._is_open = False
            await self._servers.close()

    async def append(self, ranges: Sequence[JournalRange]) -> None:
        """Store and publish the ranges of one tick: one script call for each partition."""
        refused: dict[StreamKey, int] = {}
        closed: set[StreamKey] = set()
        by_partition = batches(ranges, self._names.partition)
        await _together(self._append(partition, cut, refused, closed) for partition, cut in by_partition.items())
        if refused:
            raise JournalConflict(refused, frozenset(closed))

    async def read(self, key: StreamKey, after: int = 0) -> list[Chunk]:
        """The chunks that follow seq `after`, page by page: a log only grows, so the pages fit together."""
        chunks: list[Chunk] = []
        while True:
            start = after + len(chunks)
            page = await self._look_up(key, "LRANGE", self._names.log(key), start, start + PAGE - 1)
            chunks += orjson.loads(b"[" + b",".join(page) + b"]")
            if len(page) < PAGE:
                return chunks

    async def close_stream(self, key: StreamKey, end: bytes) -> None:
        """Store and publish the end of a stream."""
        about = (self._names.user(key.user_id), orjson.dumps(key.stream_id), end)
        times = (self._clock.now_ms(), self._retention_ms)
        keys = (self._names.log(key), self._names.end(key))
        partition = self._names.partition(key.user_id)
        await _available(self._servers.run(partition, CLOSE, keys, (*self._signed, *about, *times)))
        self._alive.pop(key, None)

    async def end_of(self, key: StreamKey) -> bytes | None:
        """The `stream.end` frame of a closed stream."""
        stored: bytes | None = await self._look_up(key, "GET", self._names.end(key))
        return None if stored is None else stored.partition(b" ")[2]

    async def held(self, key: StreamKey) -> Held | None:
        """How far one stream is stored, and whether it ended."""
        look = (("LLEN", self._names.log(key)), ("GET", self._names.end(key)))
        partition = self._names.partition(key.user_id)
        head, end = await _available(self._servers.commands(partition, look, again=True))
        if head == 0 and end is None:
            return None
        return Held(head, None if end is None else int(end.partition(b" ")[0]))

    async def streams(self) -> dict[StreamKey, Held]:
        """Everything that is held, by whichever node; looks at every key of the servers."""
        keys = {
            self._names.stream_of(partition, name)
            for partition in range(self._servers.partitions)
            for kind in ("log", "end")
            for name in await self._scan(partition, kind)
        }
        found = {key: await self.held(key) for key in keys}
        return {key: held for key, held in found.items() if held is not None}

    async def retire(self, now_ms: int) -> None:
        """Keep alive the logs of streams that this node writes; what is closed expires by itself."""
        due: dict[int, list[StreamKey]] = {}
        for key, since in self._alive.items():
            if now_ms - since >= REFRESH_EVERY_MS:
                due.setdefault(self._names.partition(key.user_id), []).append(key)
        for partition, keys in due.items():
            names = [name for key in keys for name in (self._names.log(key), self._names.end(key))]
            alive = await _available(self._servers.run(partition, REFRESH, names, [LIFETIME]))
            for key, is_alive in zip(keys, alive, strict=True):
                self._alive.pop(key, None)  # lost, or closed by another node: the next append takes it in again
                if is_alive:
                    self._alive[key] = now_ms

    async def _append(
        self, partition: int, cut: Iterable[Batch], refused: dict[StreamKey, int], closed: set[StreamKey]
    ) -> None:
        """Append to one partition, batch after batch, and note what was refused."""
        now_ms = self._clock.now_ms()
        for batch in cut:
            made = call(batch, self._names)
            for key in made.streams:
                self._alive.setdefault(key, now_ms)
            words = (*self._signed, LIFETIME, *made.words)
            for number, head, is_closed in await self._servers.run(partition, APPEND, made.keys, words):
                key = made.streams[number - 1]
                refused[key] = head
                if is_closed:
                    closed.add(key)
                    self._alive.pop(key, None)

    async def _look_up(self, key: StreamKey, *words: Any) -> Any:
        return await _available(self._servers.command(self._names.partition(key.user_id), *words, again=True))

    async def _scan(self, partition: int, kind: str) -> list[bytes]:
        """The names of all logs or ends of a partition."""
        tag = self._names.tag(partition) + kind
        pattern = "".join(f"\\{letter}" if letter in "*?[]\\" else letter for letter in tag) + ":*"
        names: list[bytes] = []
        cursor: Any = 0
        while True:
            scan = self._servers.command(partition, "SCAN", cursor, "MATCH", pattern, "COUNT", 1_000, again=True)
            cursor, page = await _available(scan)
            names += page
            if int(cursor) == 0:
                return names


async def _available(work: Awaitable[T]) -> T:
    """What a call of a server gives; its failure is the journal's."""
    try:
        return await work
    except ServerUnavailable as problem:
        raise JournalUnavailable(str(problem)) from problem


async def _together(works: Iterable[Awaitable[Any]]) -> None:
    """Wait for calls of several partitions, then fail if one has: the others are done all the same."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, ServerUnavailable):
            raise JournalUnavailable(str(outcome)) from outcome
        if isinstance(outcome, BaseException):
            raise outcome
