"""The tick: what was appended becomes durable, then visible, at most once every few milliseconds.

The edge that leads counts: the first chunk after a pause goes at once, and whatever follows within the tick goes as
one merged range at its end. One tick serves all streams of a partition: one write to the journal for all of them, then
one flush for each reader, however many of its streams moved. So the cost is per tick, not per token.

Append first, announce second (guarantee 19b): the head of a log moves only after the journal has the range. While
the journal cannot take it, or does not answer, chunks wait; after `PATIENCE` the owner goes on showing them to its own
readers and appends the backlog in order once the journal is back, because a stalled disk must not stop a person's
answer. The end of a stream is written behind its last chunk in the same way, however late that is.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from app.backplane.interface import Journal, JournalConflict, JournalRange, JournalUnavailable
from app.clock import Clock
from app.histogram import Histogram
from app.streams.stream import Reader, Stream

log = logging.getLogger("tidewire.streams")

PATIENCE = 0.25
# How long a journal that failed is left alone.
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0
# Chunks that one tick offers. After an outage there may be a hundred times as many; written at once, they would hold up
# everybody's answers, and each try that fails would take them out of their logs in vain.
MOST_OFFERED = 8_000
# How often chunks are shown while the journal stands still and ticks with it.
ALONE_INTERVAL = 0.016


class Ticking:
    """Moves the heads of this node's logs in one partition of the journal.

    Args:
        journal: what must have a chunk before a reader does.
        clock: measures ticks.
        interval: the shortest time between two ticks, in seconds.
        may_go_alone: whether chunks may be shown that a journal has not taken for `PATIENCE`: only while nobody else
            can have taken the streams over.
        ticks: counts how long each tick took, in seconds, the journal's write included.

    Attributes:
        shown: chunks that readers may see, since the start.
    """

    def __init__(
        self, journal: Journal, clock: Clock, interval: float, may_go_alone: Callable[[], bool], ticks: Histogram
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._interval = interval
        self._may_go_alone = may_go_alone
        self._on_lost: Callable[[str], None] = lambda _stream_id: None
        self._moved: dict[str, Stream] = {}
        self._offered: dict[str, Stream] = {}
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._next_at = 0.0
        self._retry_at, self._pause = 0.0, FIRST_PAUSE
        self._moved_at: float | None = None  # when the first of `_moved` did
        self._offered_since = 0.0  # since when the oldest of `_offered` waits
        self._behind_since: float | None = None
        self._alone: asyncio.TimerHandle | None = None
        self._ticked: asyncio.Future[None] | None = None
        self._ticks = ticks
        self.shown = 0

    @property
    def behind(self) -> float:
        """For how many seconds the journal has not taken what it was given; 0.0 when it keeps up."""
        return 0.0 if self._behind_since is None else self._clock.monotonic() - self._behind_since

    def report_losses(self, on_lost: Callable[[str], None]) -> None:
        """Call a plain function with the id of every stream that turns out to be another node's by now."""
        self._on_lost = on_lost

    def touch(self, stream: Stream, *, urgent: bool = False) -> None:
        """Note that a stream's log has grown, or ended; an urgent chunk (the first token, the last) waits for no
        tick.
        """
        if stream.is_lost:
            return
        self._moved[stream.stream_id] = stream
        if self._moved_at is None:
            self._moved_at = self._clock.monotonic()
        self._arm(0.0 if urgent else self._next_at)

    async def settle(self, stream: Stream) -> None:
        """Wait until readers may see everything that was appended to this log so far."""
        tail = stream.log.tail
        if stream.log.head < tail:
            self.touch(stream, urgent=True)
        while stream.log.head < tail and not stream.is_lost:
            if self._ticked is None:
                self._ticked = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._ticked)

    async def run(self) -> None:
        """Tick for ever; owned by the ticker."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._disarm()
            begun = self._clock.monotonic()
            self._next_at = begun + self._interval
            try:
                await self._tick()
            except Exception:
                log.exception("a tick failed; the next one tries again")
            self._ticks.observe(self._clock.monotonic() - begun)

    def _arm(self, at: float) -> None:
        """Wake the loop at a time, unless it wakes earlier anyway."""
        delay = at - self._clock.monotonic()
        if delay <= 0:
            self._wake.set()
        elif not self._wake.is_set() and (self._timer is None or at < self._timer_at):
            self._disarm()
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake.set)
            self._timer_at = at

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _tick(self) -> None:
        self._take_up()
        tails = {stream_id: stream.log.tail for stream_id, stream in self._offered.items()}
        if self._clock.monotonic() >= self._retry_at:
            await self._offer(self._offered, tails)
        owed = {stream_id: stream for stream_id, stream in self._offered.items() if _is_owed(stream, tails[stream_id])}
        if owed:
            self._moved = owed | self._moved
            self._behind_since = self._offered_since
            self._arm(max(self._next_at, self._next_try(self._behind_since + PATIENCE)))
        else:
            self._caught_up()
        if self.behind < PATIENCE or not self._may_go_alone():
            tails = {stream_id: min(tail, self._offered[stream_id].journaled) for stream_id, tail in tails.items()}
        self._show(self._offered, tails)

    def _take_up(self) -> None:
        """Let this tick have whatever has moved.

        Patience counts from the oldest word that waits, not from the call of the journal or from its failure: a slow
        call, and one that fails after it, would each cost as much again.
        """
        self._offered, self._moved = self._moved, {}
        moved_at, self._moved_at = self._moved_at, None
        since = moved_at if self._behind_since is None else self._behind_since
        self._offered_since = self._clock.monotonic() if since is None else since

    async def _offer(self, streams: Mapping[str, Stream], tails: Mapping[str, int]) -> None:
        """Give the journal what it lacks; readers wait for it no longer than `PATIENCE`."""
        self._alone = asyncio.get_running_loop().call_later(self._patience(), self._go_on_alone)
        try:
            await self._append(streams, tails)
            await self._close_ended(streams)
        except Exception as problem:  # noqa: BLE001 - logged below; a bug in the journal must not end the ticking of all
            self._fall_behind(problem)
        else:
            self._retry_at, self._pause = 0.0, FIRST_PAUSE
        finally:
            self._alone.cancel()

    def _patience(self) -> float:
        """For how many seconds the words of this tick still wait for the journal.

        One that keeps up has a moment in any case: it is not to blame for a loop that stood still.
        """
        left = PATIENCE - (self._clock.monotonic() - self._offered_since)
        return max(left, 0.0 if self._behind_since is not None else ALONE_INTERVAL)

    async def _append(self, streams: Mapping[str, Stream], tails: Mapping[str, int]) -> None:
        ranges = _due(streams, tails)
        heads = {part.key: part.seq for part in ranges}
        try:
            if ranges:
                await self._journal.append(ranges)
        except JournalConflict as conflict:
            # The journal was lost or knows more than we thought: the next tick goes on from where it stands.
            heads |= conflict.heads
            # What is closed takes nothing any more: somebody thought this node dead, and has taken the stream over.
            for key in conflict.closed:
                self._lose(streams[key.stream_id])
        for key, head in heads.items():
            streams[key.stream_id].journaled = head

    def _lose(self, stream: Stream) -> None:
        log.warning("%s was taken over by another node while this one wrote it", stream.stream_id)
        stream.lose()
        self._on_lost(stream.stream_id)

    async def _close_ended(self, streams: Mapping[str, Stream]) -> None:
        for stream in streams.values():
            if stream.end is not None and stream.journaled >= stream.log.tail and _is_owed(stream, 0):
                await self._journal.close_stream(stream.key, stream.end)
                stream.sealed = True

    def _fall_behind(self, problem: Exception) -> None:
        now = self._clock.monotonic()
        self._retry_at, self._pause = now + self._pause, min(LONGEST_PAUSE, self._pause * 2)
        if self._behind_since is None:
            self._behind_since = self._offered_since
            bug = None if isinstance(problem, JournalUnavailable) else problem
            log.error("The journal is behind; answers wait %.0f ms for it: %s", PATIENCE * 1000, problem, exc_info=bug)

    def _go_on_alone(self) -> None:
        """Show what there is while the journal does not answer, and go on doing so until it does."""
        if self._behind_since is None:
            self._behind_since = min(self._offered_since, self._clock.monotonic() - PATIENCE)
            log.error("The journal has not answered for %.0f ms; answers go on without it", PATIENCE * 1000)
        if self._may_go_alone():
            streams = self._offered | self._moved
            self._show(streams, {stream_id: stream.log.tail for stream_id, stream in streams.items()})
        self._alone = asyncio.get_running_loop().call_later(max(self._interval, ALONE_INTERVAL), self._go_on_alone)

    def _caught_up(self) -> None:
        if self.behind >= PATIENCE:
            log.warning("The journal has caught up after %.1f s", self.behind)
        self._behind_since = None

    def _next_try(self, patience_ends: float) -> float:
        """When to tick again although nothing moves: to try the journal, or to lose patience with it."""
        return self._retry_at if self.behind >= PATIENCE else min(self._retry_at, patience_ends)

    def _show(self, streams: Mapping[str, Stream], upto: Mapping[str, int]) -> None:
        """Move the heads and flush each reader once. Nothing here awaits, so no reader can hold up another."""
        readers: dict[Reader, None] = {}
        for stream_id, stream in streams.items():
            if stream.log.head < upto[stream_id] and not stream.is_lost:
                self.shown += upto[stream_id] - stream.log.head
                stream.log.publish(upto[stream_id])
                for reader in stream.readers:
                    reader.touch(stream_id)
                    readers[reader] = None
        for reader in readers:
            reader.flush()
        if self._ticked is not None:
            self._ticked.set_result(None)
            self._ticked = None


def _due(streams: Mapping[str, Stream], tails: Mapping[str, int]) -> list[JournalRange]:
    """What to append now: all that is missing, or as much as one tick may offer; the rest comes first in the next."""
    found, room = [], MOST_OFFERED
    for stream_id, stream in streams.items():
        upto = min(tails[stream_id], stream.journaled + room)
        if stream.journaled < upto:
            found.append(JournalRange(stream.key, stream.journaled, stream.log.raw(stream.journaled, upto)))
            room -= upto - stream.journaled
    return found


def _is_owed(stream: Stream, tail: int) -> bool:
    """Whether the journal lacks chunks of a stream, or its end."""
    if stream.is_lost:
        return False
    return stream.journaled < tail or (stream.end is not None and not stream.sealed)
