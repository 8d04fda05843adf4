"""In virtual time: how long readers wait for a journal that is away, slow or broken (guarantee 19b)."""

import asyncio
import logging
from collections.abc import Sequence

import pytest

from app.backplane.interface import JournalConflict, JournalRange, StreamKey
from app.streams.ticker import Ticker
from app.streams.ticking import LONGEST_PAUSE, MOST_OFFERED, PATIENCE
from tests.app.fakes import MemoryJournal, Noting
from tests.app.streams.ticks import TICK, holds, stream_of, ticking, write


async def test_g19b_nothing_is_shown_before_the_journal_has_it(ticker: Ticker, journal: MemoryJournal) -> None:
    stream = stream_of()
    reader = Noting(stream)
    journal.gate = asyncio.Event()
    write(ticker, stream)
    await asyncio.sleep(PATIENCE - 0.01)
    assert (stream.head, reader.heads) == (0, [])
    journal.gate.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0.001)
    assert reader.heads == [1]
    assert ticker.behind == 0.0


async def test_g19b_a_journal_that_is_away_is_waited_for_and_no_longer_than_patience(
    ticker: Ticker, journal: MemoryJournal, caplog: pytest.LogCaptureFixture
) -> None:
    stream = stream_of()
    reader = Noting(stream)
    journal.away = True
    write(ticker, stream)
    await asyncio.sleep(PATIENCE - 0.01)
    assert reader.heads == []
    await asyncio.sleep(0.02)
    assert reader.heads == [1]
    assert ticker.behind == pytest.approx(PATIENCE + 0.01)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]  # said once, not with every try


async def test_g19b_the_backlog_follows_in_order_once_the_journal_is_back(
    ticker: Ticker, journal: MemoryJournal
) -> None:
    streams = [stream_of("a"), stream_of("b")]
    readers = [Noting(stream) for stream in streams]
    journal.away = True
    for _ in range(500):
        for stream in streams:
            write(ticker, stream)
        await asyncio.sleep(0.02)
    assert [reader.heads[-1] for reader in readers] == [500, 500]
    assert len(journal.calls) < 40, "a journal that is away is tried again and again with a growing backlog"
    journal.away = False
    await asyncio.sleep(LONGEST_PAUSE + TICK)
    assert all(holds(journal, stream) for stream in streams)
    assert ticker.behind == 0.0
    journal.calls.clear()
    write(ticker, streams[0])
    await asyncio.sleep(TICK)
    assert holds(journal, streams[0])


async def test_g19b_a_long_backlog_is_offered_piece_by_piece_and_nobody_is_left_out(
    ticker: Ticker, journal: MemoryJournal
) -> None:
    streams = [stream_of(name) for name in "abc"]
    journal.away = True
    for stream in streams:
        write(ticker, stream, MOST_OFFERED)
    await asyncio.sleep(5)
    journal.away = False
    await asyncio.sleep(LONGEST_PAUSE)
    for _ in range(5):
        write(ticker, streams[0])  # what is quick does not push itself before those who wait
        await asyncio.sleep(TICK)
    assert all(holds(journal, stream) for stream in streams)
    assert max(sum(len(part.chunks) for part in call) for call in journal.calls) == MOST_OFFERED
    assert ticker.behind == 0.0


async def test_g19b_while_the_journal_is_away_no_chunk_waits_longer_than_a_tick(
    ticker: Ticker, journal: MemoryJournal
) -> None:
    stream = stream_of()
    journal.away = True
    write(ticker, stream)
    await asyncio.sleep(5)  # the next try is up to a second away
    for _ in range(50):
        write(ticker, stream)
        await asyncio.sleep(0.005)
        write(ticker, stream)
        await asyncio.sleep(TICK)
        assert stream.head == stream.log.tail


async def test_g19b_a_short_hiccup_is_over_before_anybody_loses_patience(
    ticker: Ticker, journal: MemoryJournal
) -> None:
    stream = stream_of()
    journal.away = True
    write(ticker, stream)
    await asyncio.sleep(0.01)
    journal.away = False
    await asyncio.sleep(0.03)
    assert stream.head == 1
    assert holds(journal, stream)


async def test_g19b_a_journal_that_does_not_answer_holds_up_nobody_for_longer_than_patience(
    ticker: Ticker, journal: MemoryJournal
) -> None:
    stream, other = stream_of("a"), stream_of("b")
    readers = Noting(stream), Noting(other)
    journal.gate = asyncio.Event()
    write(ticker, stream)
    await asyncio.sleep(PATIENCE + 0.001)
    assert readers[0].heads == [1]
    for seq in range(1, 50):
        write(ticker, other)
        await asyncio.sleep(0.02)
        assert other.head == seq
    await asyncio.wait_for(ticker.settle(other), 0.1)
    assert ticker.behind > 0.9
    assert len(journal.calls) == 1, "an append is under way: a second one would break the order"
    journal.gate.set()
    await asyncio.sleep(0.1)
    assert holds(journal, stream)
    assert holds(journal, other)
    assert ticker.behind == 0.0


async def test_g19b_a_journal_that_fails_late_is_waited_for_no_longer_than_patience(
    ticker: Ticker, journal: MemoryJournal
) -> None:
    stream = stream_of()
    journal.gate, journal.away = asyncio.Event(), True
    write(ticker, stream)
    await asyncio.sleep(0.2)
    journal.gate.set()
    await asyncio.sleep(PATIENCE - 0.2 + 0.001)
    assert stream.head == 1


async def test_g19b_what_comes_while_the_journal_is_slow_waits_no_longer_than_patience(
    ticker: Ticker, journal: MemoryJournal
) -> None:
    stream, other = stream_of("a"), stream_of("b")
    journal.gate = first = asyncio.Event()
    write(ticker, stream)
    await asyncio.sleep(0.02)
    write(ticker, other)
    await asyncio.sleep(0.2)
    journal.gate = asyncio.Event()  # the next one hangs
    first.set()
    await asyncio.sleep(PATIENCE - 0.2 + 0.001)
    assert (stream.head, other.head) == (1, 1)


async def test_a_journal_is_not_blamed_for_a_loop_that_stood_still(
    ticker: Ticker, journal: MemoryJournal, caplog: pytest.LogCaptureFixture
) -> None:
    stream, other = stream_of("a"), stream_of("b")
    journal.gate = first = asyncio.Event()
    write(ticker, stream)
    await asyncio.sleep(0.01)
    write(ticker, other)
    await asyncio.sleep(PATIENCE - 0.012)
    journal.gate = second = asyncio.Event()
    first.set()
    await asyncio.sleep(0.015)  # the second call has had a moment, though what it brings has waited longer
    assert other.head == 0
    second.set()
    await asyncio.sleep(0.001)
    assert other.head == 1
    assert holds(journal, other)
    assert not caplog.records


class HalfJournal(MemoryJournal):
    """A journal in two parts, of which the one that has the user "away" does not answer before `gate`."""

    partitions = 2

    def partition(self, user_id: str) -> int:
        return int(user_id == "away")

    async def append(self, ranges: Sequence[JournalRange]) -> None:
        if self.gate is not None and any(part.key.user_id == "away" for part in ranges):
            await self.gate.wait()
        gate, self.gate = self.gate, None
        await super().append(ranges)
        self.gate = gate


async def test_g19b_a_part_of_the_journal_that_does_not_answer_holds_up_nobody_elsewhere() -> None:
    journal = HalfJournal()
    journal.gate = asyncio.Event()
    async with ticking(journal) as ticker:
        away, here = stream_of("away", "away"), stream_of("here", "here")
        write(ticker, away)
        for seq in range(1, 20):
            write(ticker, here)
            await asyncio.sleep(TICK + 0.001)
            assert (here.head, holds(journal, here)) == (seq, True), "what is shown here is in the journal"
        assert away.head == 1, "the exception is for those whom it concerns"
        assert ticker.behind > 0.3
        journal.gate.set()
        await asyncio.sleep(0.1)
        assert holds(journal, away)
        assert ticker.behind == 0.0


async def test_settle_ends_though_the_journal_is_away_and_does_not_spin(ticker: Ticker, journal: MemoryJournal) -> None:
    stream = stream_of()
    journal.away = True
    write(ticker, stream, 2)
    await asyncio.wait_for(ticker.settle(stream), PATIENCE + 0.05)
    assert stream.head == 2
    assert len(journal.calls) < 10


async def test_g19b_a_node_that_may_have_lost_its_streams_shows_nothing_the_journal_has_not_taken(
    journal: MemoryJournal,
) -> None:
    may_go_alone = True
    stream = stream_of()
    journal.away = True
    async with ticking(journal, may_go_alone=lambda: may_go_alone) as ticker:
        write(ticker, stream, 2)
        await asyncio.sleep(1)
        assert stream.head == 2, "the exception of guarantee 19b"
        may_go_alone = False
        write(ticker, stream, 2)
        await asyncio.sleep(5)
        assert stream.head == 2
        journal.away = False
        await asyncio.sleep(5)
        assert stream.head == 4


async def test_a_bug_in_the_journal_does_not_end_the_ticking(
    ticker: Ticker, journal: MemoryJournal, caplog: pytest.LogCaptureFixture
) -> None:
    stream = stream_of()
    journal.fails_with = RuntimeError("a bug")
    write(ticker, stream)
    await asyncio.wait_for(ticker.settle(stream), 1)
    journal.fails_with = None
    await asyncio.sleep(LONGEST_PAUSE)
    assert holds(journal, stream)
    assert caplog.records[0].exc_info is not None


async def test_a_journal_that_refuses_without_end_is_waited_for_like_one_that_is_away(
    ticker: Ticker, journal: MemoryJournal
) -> None:
    journal.fails_with = JournalConflict({StreamKey("u", "s"): 0})
    stream = stream_of()
    write(ticker, stream)
    await asyncio.wait_for(ticker.settle(stream), PATIENCE + 0.1)
