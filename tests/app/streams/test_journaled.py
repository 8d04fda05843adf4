"""In virtual time: what the journal says of a stream, and that the end stands behind the last chunk."""

import asyncio

from app.backplane.interface import StreamKey
from app.streams.ticker import Ticker
from app.streams.ticking import LONGEST_PAUSE
from tests.app.fakes import MemoryJournal, Noting
from tests.app.streams.ticks import TICK, end, holds, stream_of, write


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
