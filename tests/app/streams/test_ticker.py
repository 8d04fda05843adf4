"""In virtual time: when what is written is shown; a tick is 16 ms, and nothing waits for a real one."""

import asyncio

from app.streams.ticker import Ticker
from tests.app.fakes import MemoryJournal, Noting
from tests.app.streams.ticks import holds, now, stream_of, ticking, write


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


async def test_without_an_interval_every_turn_of_the_loop_is_a_tick(journal: MemoryJournal) -> None:
    stream = stream_of()
    async with ticking(journal, interval=0.0) as ticker:
        for seq in range(1, 4):
            write(ticker, stream)
            for _ in range(5):
                await asyncio.sleep(0)
            assert stream.head == seq
