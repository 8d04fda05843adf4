"""The tick: what was appended becomes durable, then visible, at most once every few milliseconds.

The edge that leads counts: the first chunk after a pause goes at once, and whatever follows within the tick goes as
one merged range at its end. One tick serves all streams of the node: one write to the journal for all of them, then
one flush for each reader, however many of its streams moved. So the cost is per tick, not per token.

Append first, announce second (guarantee 19b): the head of a log moves only after the journal has the range. While
the journal cannot take it, chunks wait; after `PATIENCE` the owner goes on showing them to its own readers and
appends the backlog in order once the journal is back, because a stalled disk must not stop a person's answer.
"""

import asyncio
import logging

from app.backplane.interface import Journal, JournalConflict, JournalRange, JournalUnavailable
from app.clock import Clock
from app.streams.stream import Reader, Stream

log = logging.getLogger("tidewire.streams")

PATIENCE = 0.25


class Ticker:
    """Moves the heads of this node's logs.

    Args:
        journal: what must have a chunk before a reader does.
        clock: measures ticks.
        interval: the shortest time between two ticks, in seconds.
    """

    def __init__(self, journal: Journal, clock: Clock, interval: float) -> None:
        self._journal = journal
        self._clock = clock
        self._interval = interval
        self._moved: dict[str, Stream] = {}
        self._journaled: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._next_at = 0.0
        self._behind_since: float | None = None
        self._ticked: asyncio.Future[None] | None = None

    @property
    def behind(self) -> float:
        """For how many seconds the journal has not taken what it was given; 0.0 when it keeps up."""
        return 0.0 if self._behind_since is None else self._clock.monotonic() - self._behind_since

    def touch(self, stream: Stream, *, urgent: bool = False) -> None:
        """Note that a stream's log has grown; an urgent chunk (the first token, the last chunk) waits for no tick."""
        self._moved[stream.stream_id] = stream
        self._arm(0.0 if urgent else self._next_at)

    async def settle(self, stream: Stream) -> None:
        """Wait until readers may see everything that was appended to this log so far."""
        tail = stream.log.tail
        while stream.log.head < tail:
            self.touch(stream, urgent=True)
            if self._ticked is None:
                self._ticked = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._ticked)

    def forget(self, stream_id: str) -> None:
        """Drop what is kept of a stream whose log is complete."""
        self._journaled.pop(stream_id, None)

    async def run(self) -> None:
        """Tick for ever; owned by the supervisor."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._timer = None
            self._next_at = self._clock.monotonic() + self._interval
            await self._tick()

    def _arm(self, at: float) -> None:
        """Wake the loop at a time, unless it wakes earlier anyway."""
        delay = at - self._clock.monotonic()
        if delay <= 0:
            self._wake.set()
        elif self._timer is None and not self._wake.is_set():
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake.set)

    async def _tick(self) -> None:
        streams, self._moved = self._moved, {}
        tails = {stream_id: stream.log.tail for stream_id, stream in streams.items()}
        if not await self._write(streams, tails):
            self._moved = streams | self._moved  # the journal still lacks them
            self._arm(self._next_at)
        if self._behind_since is None or self.behind >= PATIENCE:
            self._publish(streams, tails)
        if self._ticked is not None:
            self._ticked.set_result(None)
            self._ticked = None

    async def _write(self, streams: dict[str, Stream], tails: dict[str, int]) -> bool:
        """Give the journal what it lacks; say whether it took it."""
        ranges = [
            JournalRange(stream_id, known, stream.log.raw(known, tails[stream_id]))
            for stream_id, stream in streams.items()
            if (known := self._journaled.get(stream_id, 0)) < tails[stream_id]
        ]
        try:
            if ranges:
                await self._journal.append(ranges)
        except JournalConflict as conflict:
            # The journal was lost or knows more than we thought: go on from where it stands.
            self._journaled.update(tails | conflict.heads)
            return not (conflict.heads.keys() - conflict.closed)
        except JournalUnavailable as problem:
            if self._behind_since is None:
                self._behind_since = self._clock.monotonic()
                log.error("The journal is behind; answers go on without it after %.0f ms: %s", PATIENCE * 1000, problem)
            return False
        self._behind_since = None
        self._journaled.update(tails)
        return True

    def _publish(self, streams: dict[str, Stream], tails: dict[str, int]) -> None:
        """Move the heads and flush each reader once. Nothing here awaits, so no reader can hold up another."""
        readers: dict[Reader, None] = {}
        for stream_id, stream in streams.items():
            stream.log.publish(tails[stream_id])
            for reader in stream.readers:
                reader.touch(stream_id)
                readers[reader] = None
        for reader in readers:
            reader.flush()
