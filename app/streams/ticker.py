"""The ticking of a whole node: that of each partition of the journal, apart from each other.

A partition whose server is away or slow must not hold up the answers of users elsewhere. All of a user is in one
partition, so a socket is flushed by one of these only, once a tick.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.backplane.interface import Journal
from app.clock import Clock
from app.histogram import MOMENTS, Histogram
from app.streams.stream import Stream
from app.streams.ticking import Ticking


@dataclass(frozen=True, slots=True)
class TickStatistics:
    """What the ticks did since the start.

    Attributes:
        ticks: how long each took, in seconds, the journal's write included.
        shown: chunks that readers may see.
        behind: for how many seconds the journal has not taken what it was given, where that is longest.
    """

    ticks: Histogram
    shown: int
    behind: float


class Ticker:
    """Moves the heads of this node's logs.

    Args:
        journal: what must have a chunk before a reader does.
        clock: measures ticks.
        interval: the shortest time between two ticks of a stream, in seconds.
        may_go_alone: whether chunks may be shown that a journal has not taken for `ticking.PATIENCE`: only while nobody
            else can have taken the streams over.
    """

    def __init__(
        self, journal: Journal, clock: Clock, interval: float, may_go_alone: Callable[[], bool] = lambda: True
    ) -> None:
        self._journal = journal
        self._ticks = Histogram(MOMENTS)
        self._all = [Ticking(journal, clock, interval, may_go_alone, self._ticks) for _ in range(journal.partitions)]

    @property
    def behind(self) -> float:
        """For how many seconds the journal has not taken what it was given; 0.0 when it keeps up everywhere."""
        return max(ticking.behind for ticking in self._all)

    def statistics(self) -> TickStatistics:
        """Say what was done since the start."""
        return TickStatistics(self._ticks, sum(ticking.shown for ticking in self._all), self.behind)

    def report_losses(self, on_lost: Callable[[str], None]) -> None:
        """Call a plain function with the id of every stream that turns out to be another node's by now."""
        for ticking in self._all:
            ticking.report_losses(on_lost)

    def touch(self, stream: Stream, *, urgent: bool = False) -> None:
        """Note that a stream's log has grown, or ended; an urgent chunk (the first token, the last) waits for no
        tick.
        """
        self._of(stream).touch(stream, urgent=urgent)

    def write_anew(self, streams: Iterable[Stream]) -> None:
        """Append whole logs once more, and their ends, because the journal lost them."""
        for stream in streams:
            stream.journaled, stream.sealed = 0, False
            self.touch(stream)

    async def settle(self, stream: Stream) -> None:
        """Wait until readers may see everything that was appended to this log so far."""
        await self._of(stream).settle(stream)

    async def run(self) -> None:
        """Tick for ever; owned by the supervisor."""
        async with asyncio.TaskGroup() as group:
            for ticking in self._all:
                group.create_task(ticking.run())

    def _of(self, stream: Stream) -> Ticking:
        return self._all[self._journal.partition(stream.user_id)]
