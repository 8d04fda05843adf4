"""Probes, in virtual time: silence and a wiped server are told, a server that is away is not."""

import asyncio
from typing import Any

from app.backplane.news import Probe
from app.backplane.redis.names import Names
from app.backplane.redis.probing import EVERY, WITHIN, Prober
from app.backplane.redis.servers import ServerUnavailable
from app.backplane.redis.url import parse
from app.backplane.redis.words import decode


class Server:
    """Takes probes, and sends each back after `late` seconds; None for never."""

    publish = "PUBLISH"
    names = Names(parse("redis://h"))

    def __init__(self) -> None:
        self.epoch = b"e1"
        self.late: float | None = 0.001
        self.away = False
        self.taken = 0
        self.prober: Prober

    async def run(self, partition: int, script: Any, keys: Any, args: Any) -> bytes:
        await asyncio.sleep(0.001)
        if self.away:
            raise ServerUnavailable("away")
        self.taken += 1
        _, probe = decode(args[2])
        assert isinstance(probe, Probe)
        if self.late is not None:
            asyncio.get_running_loop().call_later(self.late, self.prober.take, probe)
        return self.epoch


class Watched:
    """A prober at work, and what it told."""

    def __init__(self) -> None:
        self.server = Server()
        self.silences = 0
        self.wipes = 0
        self.prober = Prober(
            self.server,  # type: ignore[arg-type]  # all of it that a prober uses
            0,
            b"node:n",
            b"n",
            on_silence=self._silent,
            on_wiped=self._wiped,
        )
        self.server.prober = self.prober
        self.task = asyncio.create_task(self.prober.run())

    def _silent(self) -> None:
        self.silences += 1

    def _wiped(self) -> None:
        self.wipes += 1

    async def end(self) -> tuple[int, int]:
        assert not self.task.done(), "the prober died"
        self.task.cancel()
        await asyncio.wait([self.task])
        assert (self.prober.missed, self.prober.wipes) == (self.silences, self.wipes)
        return self.silences, self.wipes


async def test_probes_that_come_back_say_nothing() -> None:
    watched = Watched()
    watched.server.late = WITHIN - 0.01
    await asyncio.sleep(60)
    assert watched.server.taken >= 60 / (EVERY + WITHIN) - 1
    assert await watched.end() == (0, 0)


async def test_a_probe_that_does_not_come_back_is_told_within_three_seconds() -> None:
    watched = Watched()
    await asyncio.sleep(10)
    watched.server.late = None
    await asyncio.sleep(EVERY + WITHIN + 0.01)
    assert watched.silences == 1
    watched.server.late = 0.001
    await asyncio.sleep(60)
    assert await watched.end() == (1, 0)


async def test_a_late_probe_does_not_pass_for_the_next_one() -> None:
    watched = Watched()
    watched.server.late = WITHIN + EVERY / 2
    await asyncio.sleep(3 * (EVERY + WITHIN))
    silences, _ = await watched.end()
    assert silences >= 2


async def test_a_server_that_is_away_is_not_taken_for_silence() -> None:
    watched = Watched()
    watched.server.away = True
    await asyncio.sleep(60)
    watched.server.away = False
    await asyncio.sleep(60)
    assert await watched.end() == (0, 0)


async def test_another_epoch_is_a_wiped_server_each_time() -> None:
    watched = Watched()
    for epoch in (b"e2", b"e3"):
        await asyncio.sleep(5)
        watched.server.epoch = epoch
    await asyncio.sleep(5)
    assert await watched.end() == (0, 2)
