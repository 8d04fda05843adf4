"""Streams that are written by hand, and the ticker that shows them, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.streams.stream import Stream
from app.streams.ticker import Ticker
from protocol.frames.server import StreamEnd
from tests.app.fakes import MemoryJournal, raw
from tests.virtual import loop_clock

TICK = 0.016


@asynccontextmanager
async def ticking(
    journal: MemoryJournal, interval: float = TICK, may_go_alone: Callable[[], bool] = lambda: True
) -> AsyncIterator[Ticker]:
    ticker = Ticker(journal, loop_clock(), interval, may_go_alone)
    task = asyncio.create_task(ticker.run())
    yield ticker
    assert not task.done(), "the ticker died"
    task.cancel()
    await asyncio.wait([task])


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
