"""Bar: through Redis, one node to another: at most 0.1 commands a token, p50 within 2 ms, and 40,000 tokens a second.

    python -m tests.load.redis_cost

Node A writes answers through its ticker and journal; node B, in a process of its own, hears them. First 20 answers at
50 tokens a second: what Redis is asked for each token, and how much later than A's own readers B has it. Then as fast
as it goes. Redis is a real one, started for this.
"""

import asyncio
import json
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

import uvloop

from app.backplane.news import Appended, News
from app.backplane.redis.connecting import backplane
from app.clock import Clock
from app.streams.stream import Stream
from app.streams.ticker import Ticker
from protocol.parts.chunks import text_delta
from tests.contract.broker import Notes
from tests.load.figures import parser, percentile, report
from tests.redis_servers import RedisServer

TICK = 0.016
RETENTION_MS = 600_000
WORD = " token"
# What the scripts run by themselves; everything else was asked for by a client.
WITHIN_SCRIPTS = {"llen", "get", "rpush", "expire", "pubsub", "publish", "getex", "set", "pexpire"}
USERS = 4
BURST = 200
"""Tokens that an answer writes between two ticks when it goes as fast as it can."""


class Hearing(Notes):
    """Node B: counts tokens and measures how old they are."""

    def __init__(self) -> None:
        super().__init__()
        self.ages: list[float] = []

    def hear(self, user_id: str, news: News) -> None:
        now = time.monotonic()
        assert isinstance(news, Appended)
        for told in news.ranges:
            self.ages += [now - float(chunk["delta"].partition(" ")[0]) for chunk in told.chunks or ()]
        self.changed()


class Reader:
    """A socket of node A: measures when its tokens may be sent."""

    def __init__(self, stream: Stream, ages: list[float], written: list[float]) -> None:
        self._stream, self._ages, self._written, self._seen = stream, ages, written, 0

    def touch(self, stream_id: str) -> None: ...

    def lose(self, stream_id: str) -> None: ...

    def flush(self) -> None:
        now, head = time.monotonic(), self._stream.head
        self._ages += [now - at for at in self._written[self._seen : head]]
        self._seen = head


async def hear(url: str, tokens: int) -> None:
    """Be node B until it has heard so many tokens."""
    journal, broker = backplane(url, "b", Clock(), retention_ms=RETENTION_MS)
    notes = Hearing()
    await journal.open()
    await broker.open(notes)
    for number in range(USERS):
        await broker.subscribe(f"usr_{number}")
    print("ready", flush=True)
    began = time.process_time()
    with suppress(TimeoutError):
        await notes.until(lambda: len(notes.ages) >= tokens, within=60)
    told = {"cpu": time.process_time() - began, "ages": notes.ages, "at": time.monotonic()}
    print(json.dumps(told), flush=True)
    await broker.close()
    await journal.close()


class Run:
    """Node A writes so many answers, each with as many tokens a second for some seconds; pace 0 is without a pause."""

    def __init__(self, server: RedisServer, streams: int, tokens: int, pace: float) -> None:
        self.server, self.tokens, self.pace = server, tokens, pace
        self.streams = [
            Stream(
                f"str_{n}", user_id=f"usr_{n % USERS}", chat_id="c", message_id="m", status="streaming", started_at=0
            )
            for n in range(streams)
        ]
        self.ages: list[float] = []
        self.cpu = 0.0

    @property
    def total(self) -> int:
        return self.tokens * len(self.streams)

    async def write(self) -> dict[str, Any]:
        """Do it; return what node B tells."""
        journal, broker = backplane(self.server.url, "a", Clock(), retention_ms=RETENTION_MS)
        await journal.open()
        await broker.open(Notes())
        ticker = Ticker(journal, Clock(), TICK)
        ticking = asyncio.create_task(ticker.run())
        command = [sys.executable, "-m", "tests.load.redis_cost", "--hear", self.server.url, str(self.total)]
        other = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, limit=2**28)
        assert other.stdout is not None
        await other.stdout.readline()
        self.server.command("CONFIG", "RESETSTAT")
        began, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(*(self._answer(ticker, stream, number) for number, stream in enumerate(self.streams)))
        for stream in self.streams:
            await ticker.settle(stream)
        self.cpu = time.process_time() - cpu
        told: dict[str, Any] = json.loads(await other.stdout.readline())
        told["seconds"] = told["at"] - began
        await other.wait()
        ticking.cancel()
        await asyncio.wait([ticking])
        await broker.close()
        await journal.close()
        return told

    async def _answer(self, ticker: Ticker, stream: Stream, number: int) -> None:
        written: list[float] = []
        stream.readers.add(Reader(stream, self.ages, written))
        await asyncio.sleep(number * 0.013 if self.pace else 0)
        for seq in range(1, self.tokens + 1):
            written.append(now := time.monotonic())
            stream.log.append(text_delta("t", f"{now:.6f}{WORD}"))
            ticker.touch(stream)
            if self.pace:
                await asyncio.sleep(1 / self.pace)
            elif seq % BURST == 0:
                await ticker.settle(stream)


def commands(server: RedisServer) -> tuple[int, int]:
    """How many commands clients have asked for, and how many ran in all."""
    lines = [line for line in server.command("INFO", "commandstats").split("\r\n") if line.startswith("cmdstat_")]
    calls = {line[8:].partition(":")[0]: int(line.partition("calls=")[2].partition(",")[0]) for line in lines}
    asked = sum(count for name, count in calls.items() if name.partition("|")[0] not in WITHIN_SCRIPTS)
    return asked, sum(calls.values())


def cost(paced: float, fast: float) -> str:
    """CPU seconds a token, as people read them."""
    return f"{paced * 1e6:.0f} us, {fast * 1e6:.1f} us when there are many"


def main(streams: int, seconds: int, flood: int, *, timing: bool) -> int:
    """Write at a person's pace, then as fast as it goes, and report."""
    with RedisServer() as server:
        paced = Run(server, streams, 50 * seconds, 50.0)
        told = uvloop.run(paced.write())
        asked, ran = commands(server)
        server.command("FLUSHALL")
        fast = Run(server, streams, flood // streams, 0.0)
        flooded = uvloop.run(fast.write())
    here, there = paced.ages, told["ages"]
    speed = fast.total / flooded["seconds"]
    added = (percentile(there, 50) - percentile(here, 50)) * 1000
    late = percentile(there, 99) * 1000
    exact = (len(there), len(flooded["ages"])) == (paced.total, fast.total)
    return report(
        f"{streams} answers, 50 tokens a second each, from one node to another",
        {
            "commands a token, asked by clients": f"{asked / paced.total:.3f}",
            "commands a token, in scripts included": f"{ran / paced.total:.3f}",
            "added by the way to the other node, p50": f"{added:.1f} ms",
            "age at the other node, p99": f"{late:.1f} ms",
            "CPU a token, writing node": cost(paced.cpu / paced.total, fast.cpu / fast.total),
            "CPU a token, hearing node": cost(told["cpu"] / paced.total, flooded["cpu"] / fast.total),
            "as fast as it goes": f"{speed:,.0f} tokens/s",
        },
        reached=exact
        and asked / paced.total <= 0.1
        and (not timing or (added <= 2 and late <= TICK * 1000 + 10 and speed >= 40_000)),
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--hear"]:
        uvloop.run(hear(sys.argv[2], int(sys.argv[3])))
        sys.exit(0)
    options = parser(__doc__, streams=20, seconds=10, flood=400_000)
    options.add_argument(
        "--any-speed", action="store_true", help="only cost and exactness decide, as on a busy machine"
    )
    given = options.parse_args()
    sys.exit(main(given.streams, given.seconds, given.flood, timing=not given.any_speed))
