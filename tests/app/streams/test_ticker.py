"""In virtual time: a tick is 16 ms, and nothing waits for a real one."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from app.backplane.interface import JournalConflict, JournalRange, StreamKey
from app.streams.stream import Stream
from app.streams.ticker import Ticker
from app.streams.ticking import LONGEST_PAUSE, MOST_OFFERED, PATIENCE
from protocol.frames.server import StreamEnd
from tests.app.fakes import MemoryJournal, Noting, raw
from tests.virtual import loop_clock

TICK = 0.016


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@asynccontextmanager
async def ticking(journal: MemoryJournal) -> AsyncIterator[Ticker]:
    ticker = Ticker(journal, loop_clock(), TICK)
    task = asyncio.create_task(ticker.run())
    yield ticker
    assert not task.done(), "the ticker died"
    task.cancel()
    await asyncio.wait([task])


@pytest.fixture
async def ticker(journal: MemoryJournal) -> AsyncIterator[Ticker]:
    async with ticking(journal) as ticker:
        yield ticker


def now() -> float:
    return asyncio.get_running_loop().time()


def stream_of(name: str = "s", user_id: str = "u") -> Stream:
    return Stream(name, user_id=user_id, chat_id="c", message_id="m", status="streaming", started_at=0)


def write(ticker: Ticker, stream: Stream, count: int = 1, *, urgent: bool = False) -> None:
    for _ in range(count):
        seq = stream.log.tail + 1
        stream.log.append({"type": "text-delta", "id": "t", "delta": f"{seq} "})
        ticker.touch(stream, urgent=urgent)


def end(stream: Stream) -> None:
    frame = StreamEnd(stream_id=stream.stream_id, chat_id="c", message_id="m", seq=stream.log.tail, status="completed")
    stream.finish(frame, now=0)


def holds(journal: MemoryJournal, stream: Stream) -> bool:
    """Whether the journal has exactly what was appended."""
    return journal.logs.get(stream.stream_id, []) == raw(stream.log)


async def test_the_first_chunk_after_a_pause_goes_at_once(ticker: Ticker) -> None:
    stream = stream_of()
    reader = Noting(stream)
    for start in (1.0, 2.0):
        await asyncio.sleep(start - now())
        write(ticker, stream)
        await asyncio.sleep(0.0001)
        assert reader.heads[-1] == stream.log.tail


async def test_whatever_follows_within_a_tick_goes_as_one_at_its_end(ticker: Ticker, journal: MemoryJournal) -> None:
    stream = stream_of()
    reader = Noting(stream)
    for _ in range(39):
        write(ticker, stream)
        await asyncio.sleep(0.002)
    assert reader.heads == [1, 8, 16, 24, 32]
    assert [len(call[0].chunks) for call in journal.calls] == [1, 7, 8, 8, 8]


async def test_one_tick_serves_all_streams_with_one_append_and_one_flush(
    ticker: Ticker, journal: MemoryJournal
) -> None:
    streams = [stream_of(f"s{n}") for n in range(10)]
    flushes = 0

    class Tab:
        def touch(self, stream_id: str) -> None: ...

        def lose(self, stream_id: str) -> None: ...

        def flush(self) -> None:
            nonlocal flushes
            flushes += 1

    tab = Tab()
    for stream in streams:
        stream.readers.add(tab)
        write(ticker, stream)
    await asyncio.sleep(0.001)
    assert (flushes, len(journal.calls), len(journal.calls[0])) == (1, 1, 10)


async def test_an_urgent_chunk_waits_for_no_tick_and_leaves_no_timer_behind(ticker: Ticker) -> None:
    stream = stream_of()
    reader = Noting(stream)
    write(ticker, stream)
    await asyncio.sleep(0.005)
    write(ticker, stream)  # arms a timer for 0.016
    write(ticker, stream, urgent=True)
    await asyncio.sleep(0.001)
    assert stream.head == 3
    write(ticker, stream)  # due at 0.021, and the old timer must not fire at 0.016
    await asyncio.sleep(0.012)
    assert stream.head == 3
    await asyncio.sleep(0.004)
    assert reader.heads == [1, 3, 4]


async def test_settle_waits_until_readers_may_see_everything(ticker: Ticker, journal: MemoryJournal) -> None:
    stream = stream_of()
    write(ticker, stream, 3)
    await asyncio.gather(ticker.settle(stream), ticker.settle(stream))
    assert stream.head == 3
    assert holds(journal, stream)
    before = len(journal.calls)
    await ticker.settle(stream)  # nothing to wait for
    assert len(journal.calls) == before
    await ticker.settle(stream_of("empty"))


async def test_settle_during_a_tick_waits_for_the_next_one(ticker: Ticker, journal: MemoryJournal) -> None:
    stream = stream_of()
    journal.gate = asyncio.Event()
    write(ticker, stream)
    await asyncio.sleep(0.001)
    write(ticker, stream)
    settled = asyncio.create_task(ticker.settle(stream))
    await asyncio.sleep(0.001)
    journal.gate.set()
    await settled
    assert stream.head == 2
    assert holds(journal, stream)


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


async def test_a_journal_that_lost_everything_gets_it_again_before_readers_get_more(
    ticker: Ticker, journal: MemoryJournal
) -> None:
    stream, other = stream_of(), stream_of("other")
    write(ticker, stream, 5)
    await ticker.settle(stream)
    journal.logs.clear()
    journal.gate = asyncio.Event()
    journal.gate.set()
    shown: list[bool] = []

    class Witness(Noting):
        def flush(self) -> None:
            shown.append(len(journal.logs.get(self.stream.stream_id, [])) >= self.stream.head)

    Witness(stream)
    Witness(other)
    write(ticker, stream)
    write(ticker, other)
    await ticker.settle(stream)
    assert holds(journal, stream)
    assert holds(journal, other)
    assert shown
    assert all(shown), "a chunk was shown that the journal lacked"


async def test_a_journal_that_has_the_range_already_is_believed(ticker: Ticker, journal: MemoryJournal) -> None:
    stream = stream_of()
    journal.logs["s"] = [{"type": "text-delta", "id": "t", "delta": "1 "}]
    write(ticker, stream, 3)
    await ticker.settle(stream)
    assert holds(journal, stream)


async def test_g7_a_stream_that_another_node_closed_is_shown_no_further_and_given_up(
    ticker: Ticker, journal: MemoryJournal
) -> None:
    lost: list[str] = []
    ticker.report_losses(lost.append)
    stream, other = stream_of(), stream_of("other")
    reader = Noting(stream)
    write(ticker, stream, 2)
    await ticker.settle(stream)
    await journal.close_stream(StreamKey("u", "s"), b"{}")
    write(ticker, stream, 2)
    write(ticker, other, 1)
    await asyncio.gather(ticker.settle(stream), ticker.settle(other))
    assert (stream.head, reader.lost, lost) == (2, 1, ["s"])
    assert other.head == 1, "what is lost holds up nobody else"
    calls = len(journal.calls)
    write(ticker, stream)
    await ticker.settle(stream)
    await asyncio.sleep(1)
    assert (stream.head, len(journal.calls)) == (2, calls), "what is lost is not offered again"


async def test_g19b_a_node_that_may_have_lost_its_streams_shows_nothing_the_journal_has_not_taken(
    journal: MemoryJournal,
) -> None:
    is_held = True
    ticker = Ticker(journal, loop_clock(), TICK, lambda: is_held)
    task = asyncio.create_task(ticker.run())
    stream = stream_of()
    journal.away = True
    write(ticker, stream, 2)
    await asyncio.sleep(1)
    assert stream.head == 2, "the exception of guarantee 19b"
    is_held = False
    write(ticker, stream, 2)
    await asyncio.sleep(5)
    assert stream.head == 2
    journal.away = False
    await asyncio.sleep(5)
    assert stream.head == 4
    task.cancel()
    await asyncio.wait([task])


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


async def test_g12_the_end_is_journaled_behind_the_last_chunk(ticker: Ticker, journal: MemoryJournal) -> None:
    stream = stream_of()
    journal.away = True
    write(ticker, stream, 3)
    await ticker.settle(stream)
    end(stream)
    ticker.touch(stream, urgent=True)
    await asyncio.sleep(5)
    assert not journal.ends
    journal.away = False
    await asyncio.sleep(LONGEST_PAUSE + TICK)
    assert holds(journal, stream)
    assert journal.ends == {"s": stream.end}
    assert stream.sealed
    calls = len(journal.calls)
    await asyncio.sleep(5)
    assert len(journal.calls) == calls, "nothing is owed any more"


async def test_g12_a_journal_that_lost_everything_is_not_closed_with_a_hole(
    ticker: Ticker, journal: MemoryJournal
) -> None:
    stream = stream_of()
    write(ticker, stream, 5)
    await ticker.settle(stream)
    journal.logs.clear()
    closed_with: list[int] = []
    close = journal.close_stream

    async def close_stream(key: StreamKey, frame: bytes) -> None:
        closed_with.append(len(journal.logs.get(key.stream_id, [])))
        await close(key, frame)

    journal.close_stream = close_stream  # type: ignore[assignment]  # a witness
    write(ticker, stream)
    end(stream)
    ticker.touch(stream, urgent=True)
    await asyncio.sleep(1)
    assert closed_with == [6]


async def test_a_stream_without_chunks_is_closed_in_the_journal_too(ticker: Ticker, journal: MemoryJournal) -> None:
    stream = stream_of()
    end(stream)
    ticker.touch(stream, urgent=True)
    await asyncio.sleep(0.001)
    assert journal.ends == {"s": stream.end}


async def test_without_an_interval_every_turn_of_the_loop_is_a_tick(journal: MemoryJournal) -> None:
    ticker = Ticker(journal, loop_clock(), 0.0)
    task = asyncio.create_task(ticker.run())
    stream = stream_of()
    for seq in range(1, 4):
        write(ticker, stream)
        for _ in range(5):
            await asyncio.sleep(0)
        assert stream.head == seq
    task.cancel()
    await asyncio.wait([task])
