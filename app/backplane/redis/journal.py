"""The journal in Redis: a list of chunks for each stream, which every node can read.

One script call a tick and partition appends the ranges of all streams there and publishes them to the other nodes in
the same step, so that nobody is told of what is not stored (`append.lua`). Every key expires by itself: a log that is
written is kept alive by its owner, a closed one stays for the retention.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

import orjson

from app.backplane.interface import Held, JournalConflict, JournalRange, JournalUnavailable, StreamKey
from app.backplane.redis.batches import Batch, batches, call
from app.backplane.redis.checking import complaint, warning
from app.backplane.redis.scripts import APPEND, CLAIM, CLOSE, HELD, REFRESH
from app.backplane.redis.servers import Servers, ServerUnavailable
from app.backplane.redis.words import sender_of
from app.clock import Clock
from protocol.parts.chunks import Chunk

log = logging.getLogger("tidewire.journal")

T = TypeVar("T")

LIFETIME = 24 * 3600
"""Seconds that the log of a stream lives when nobody writes it and nobody seals it: longer than any outage that
somebody looks into, so that a start after it still finds what was shown."""
REFRESH_EVERY_MS = 600_000
PAGE = 4_000
"""Chunks that are read at once: a long log must hold up neither the server nor this process."""
LOOKED_AT = 500
"""Streams that are looked at by one call, for the same reason."""


class RedisJournal:
    """A `Journal` that all nodes share.

    Args:
        servers: where it is.
        node: this node, the sender of what is published.
        clock: stamps the ends of streams.
        retention_ms: how long a log and its end stay after the end (guarantee 12).
        is_heard: whether this node hears the news of a user, its own included. Should that be wrong, because the server
            dropped a link that looks healthy here, another node may get a range only with the next one, as a gap.
    """

    def __init__(
        self, servers: Servers, node: str, clock: Clock, *, retention_ms: int, is_heard: Callable[[str], bool]
    ) -> None:
        self._servers = servers
        self._names = servers.names
        self._signed = (servers.publish, sender_of(node))
        self._clock = clock
        self._retention_ms = retention_ms
        self._is_heard = is_heard
        self._is_open = False
        self._alive: dict[StreamKey, int] = {}  # what this node writes -> when its lifetime began anew (Unix ms)

    def __repr__(self) -> str:
        return f"<RedisJournal {self._servers!r} writes={len(self._alive)}>"

    @property
    def partitions(self) -> int:
        """How many there are; each is on one server."""
        return self._names.partitions

    def partition(self, user_id: str) -> int:
        """Where everything of a user is."""
        return self._names.partition(user_id)

    async def open(self) -> None:
        """Find every partition, and look whether its server will do.

        Raises:
            JournalUnavailable: one of them cannot be used.
        """
        self._is_open = True
        self._servers.open()
        try:
            for partition in range(self._servers.partitions):
                await self._check(partition)
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

    async def claim(self, key: StreamKey) -> None:
        """Let nobody else append to a stream, or close it."""
        _, sender = self._signed
        partition = self._names.partition(key.user_id)
        await _available(self._servers.run(partition, CLAIM, [self._names.end(key)], [sender, LIFETIME]))
        self._alive.setdefault(key, self._clock.now_ms())

    async def close_stream(self, key: StreamKey, end: bytes) -> None:
        """Store and publish the end of a stream."""
        about = (self._names.user(key.user_id), orjson.dumps(key.stream_id), end)
        times = (self._clock.now_ms(), self._retention_ms)
        partition = self._names.partition(key.user_id)
        await _available(self._servers.run(partition, CLOSE, self._both([key]), (*self._signed, *about, *times)))
        self._alive.pop(key, None)

    async def end_of(self, key: StreamKey) -> bytes | None:
        """The `stream.end` frame of a closed stream."""
        end = _end(await self._look_up(key, "GET", self._names.end(key)))
        return None if end is None else end[1]

    async def held(self, key: StreamKey) -> Held | None:
        """How far one stream is stored, and whether it ended."""
        return (await self.held_of([key])).get(key)

    async def held_of(self, keys: Iterable[StreamKey]) -> dict[StreamKey, Held]:
        """How far streams are stored: one call for each partition."""
        found: dict[StreamKey, Held] = {}
        await _together(self._look_at(partition, some, found) for partition, some in self._by_partition(keys).items())
        return found

    async def streams(self) -> dict[StreamKey, Held]:
        """Everything that is held, by whichever node; looks at every key of the servers."""
        keys = {
            self._names.stream_of(partition, name)
            for partition in range(self._servers.partitions)
            for kind in ("log", "end")
            for name in await self._scan(partition, kind)
        }
        return await self.held_of(keys)

    async def retire(self, now_ms: int) -> None:
        """Keep alive the logs of streams that this node writes; what is closed expires by itself."""
        due = [key for key, since in self._alive.items() if now_ms - since >= REFRESH_EVERY_MS]
        await _together(self._refresh(partition, keys, now_ms) for partition, keys in self._by_partition(due).items())

    async def _refresh(self, partition: int, keys: Sequence[StreamKey], now_ms: int) -> None:
        """Let logs of one partition begin their lifetime anew."""
        alive = await self._servers.run(partition, REFRESH, self._both(keys), [LIFETIME])
        for key, is_alive in zip(keys, alive, strict=True):
            self._alive.pop(key, None)  # lost, or closed by another node: the next append takes it in again
            if is_alive:
                self._alive[key] = now_ms

    async def _check(self, partition: int) -> None:
        info = await _available(self._servers.command(partition, "INFO", again=True))
        if wrong := complaint(info, is_sharded=self._servers.is_sharded):
            raise JournalUnavailable(f"{self._servers.name(partition)} cannot be used: {wrong}.")
        if harm := warning(info):
            log.warning("%s: %s", self._servers.name(partition), harm)

    async def _append(
        self, partition: int, cut: Iterable[Batch], refused: dict[StreamKey, int], closed: set[StreamKey]
    ) -> None:
        """Append to one partition, batch after batch, and note what was refused."""
        now_ms = self._clock.now_ms()
        for batch in cut:
            made = call(batch, self._names, self._is_heard)
            for key in made.streams:
                self._alive.setdefault(key, now_ms)
            words = (*self._signed, LIFETIME, *made.words)
            for number, head, is_closed in await self._servers.run(partition, APPEND, made.keys, words):
                key = made.streams[number - 1]
                refused[key] = head
                if is_closed:
                    closed.add(key)
                    self._alive.pop(key, None)

    async def _look_at(self, partition: int, keys: Sequence[StreamKey], found: dict[StreamKey, Held]) -> None:
        """Note how far the streams of one partition are stored."""
        for start in range(0, len(keys), LOOKED_AT):
            some = keys[start : start + LOOKED_AT]
            stored = await self._servers.run(partition, HELD, self._both(some), [])
            for key, head, ending in zip(some, stored[::2], stored[1::2], strict=True):
                end = _end(ending)
                if head or end:
                    found[key] = Held(head, end[0] if end else None)

    def _by_partition(self, keys: Iterable[StreamKey]) -> dict[int, list[StreamKey]]:
        found: dict[int, list[StreamKey]] = {}
        for key in keys:
            found.setdefault(self._names.partition(key.user_id), []).append(key)
        return found

    def _both(self, keys: Iterable[StreamKey]) -> list[bytes]:
        """The log and the end of each stream."""
        return [name for key in keys for name in (self._names.log(key), self._names.end(key))]

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


def _end(stored: bytes | None) -> tuple[int, bytes] | None:
    """When a stream ended (Unix ms) and its frame; None when it has not."""
    if not stored or stored.startswith(b"claim "):
        return None
    ended_at, _, frame = stored.partition(b" ")
    return int(ended_at), frame


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
