"""The journal in Redis: the contract, and what only Redis can go through."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis

from app.backplane.interface import Held, Journal, JournalConflict
from app.backplane.redis.batches import MOST_CHUNKS
from app.backplane.redis.journal import LIFETIME, REFRESH_EVERY_MS
from tests.app.backplane.redis.places import Place, age, making
from tests.contract.journal import (
    MARGIN_MS,
    RETENTION_MS,
    HandClock,
    JournalContract,
    Make,
    end_of,
    key,
    log,
    opened,
    part,
)
from tests.redis_servers import RedisServer


class RedisContract(JournalContract):
    """The contract in a place that is emptied between two tests."""

    at: Place

    @contextmanager
    def place(self) -> Iterator[Make]:
        self.at.empty()
        yield making(self.at.url)

    async def pass_ms(self, journal: Journal, hand: HandClock, ms: int) -> None:
        age(self.at.ports, ms)
        await super().pass_ms(journal, hand, ms)


class TestOneServer(RedisContract):
    @pytest.fixture(autouse=True)
    def _at(self, one_server: Place) -> None:
        self.at = one_server


class TestSentinelAfterAFailover(RedisContract):
    @pytest.fixture(autouse=True)
    def _at(self, failed_over: Place) -> None:
        self.at = failed_over


class TestCluster(RedisContract):
    @pytest.fixture(autouse=True)
    def _at(self, cluster: Place) -> None:
        self.at = cluster


@pytest.fixture
def hand() -> HandClock:
    return HandClock()


def lifetimes(server: RedisServer) -> dict[str, int]:
    """How long each key still lives, in ms."""
    with Redis(port=server.port, decode_responses=True) as client:
        return {name: client.pttl(name) for name in client.scan_iter()}


def calls(server: RedisServer) -> dict[str, int]:
    """How often each command was run."""
    with Redis(port=server.port, decode_responses=True) as client:
        return {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in client.info("commandstats").items()}


async def test_a_tick_is_one_call(redis_server: RedisServer, hand: HandClock) -> None:
    async with opened(making(redis_server.url), hand.clock) as journal:
        for prev in range(10):
            await journal.append([part(f"str_{number}", prev, 1) for number in range(100)])
    counted = calls(redis_server)
    assert (counted["evalsha"], counted["rpush"], counted.get("eval")) == (10, 1000, 1)  # the first one teaches it


async def test_every_key_expires(redis_server: RedisServer, hand: HandClock) -> None:
    async with opened(making(redis_server.url), hand.clock) as journal:
        await journal.append([part("str_a", 0, 3), part("str_b", 0, 3)])
        await journal.append([part("str_a", 3, 1)])
        await journal.close_stream(key("str_b"), end_of("str_b"))
        await journal.close_stream(key("str_c"), end_of("str_c"))
        await journal.claim(key("str_a"))
    left = lifetimes(redis_server)
    assert set(left) == {f"tidewire:{{0}}:{name}" for name in LEFT}
    for name, lifetime in left.items():
        longest = LIFETIME * 1000 if name.endswith(":str_a") else RETENTION_MS
        assert longest - MARGIN_MS < lifetime <= longest


LEFT = ("log:usr_a:str_a", "end:usr_a:str_a", "log:usr_b:str_b", "end:usr_b:str_b", "end:usr_c:str_c")


async def test_a_log_lives_as_long_as_somebody_writes_it(redis_server: RedisServer, hand: HandClock) -> None:
    async with opened(making(redis_server.url), hand.clock) as journal:
        await journal.append([part("str_a", 0, 1)])
        for _ in range(5):
            age([redis_server.port], LIFETIME * 1000 // 2)
            await journal.retire(hand.pass_ms(LIFETIME * 1000 // 2))
        assert await journal.read(key("str_a")) == log("str_a", 1)
        await journal.claim(key("str_a"))
        for _ in range(3):
            age([redis_server.port], LIFETIME * 1000 // 2)
            await journal.retire(hand.pass_ms(LIFETIME * 1000 // 2))
        assert len(lifetimes(redis_server)) == 2, "a claim lives as long as its log"
        before = calls(redis_server)["evalsha"]
        await journal.retire(hand.pass_ms(REFRESH_EVERY_MS - 1))
        assert calls(redis_server)["evalsha"] == before, "a lifetime is refreshed now and then, not every minute"


async def test_g12_a_log_that_another_node_sealed_is_not_kept_alive(redis_server: RedisServer, hand: HandClock) -> None:
    async with (
        opened(making(redis_server.url), hand.clock) as journal,
        opened(making(redis_server.url), hand.clock) as sealer,
    ):
        await journal.append([part("str_a", 0, 1)])
        await sealer.close_stream(key("str_a"), end_of("str_a"))
        await journal.retire(hand.pass_ms(REFRESH_EVERY_MS))
        assert lifetimes(redis_server)["tidewire:{0}:log:usr_a:str_a"] <= RETENTION_MS


async def test_a_backlog_goes_in_several_calls(redis_server: RedisServer, hand: HandClock) -> None:
    async with opened(making(redis_server.url), hand.clock) as journal:
        await journal.append([part("str_a", 0, 2 * MOST_CHUNKS + 1), part("str_b", 0, 1)])
        assert await journal.read(key("str_a"), 2 * MOST_CHUNKS) == log("str_a", 2 * MOST_CHUNKS + 1, 2 * MOST_CHUNKS)
        with pytest.raises(JournalConflict) as caught:
            await journal.append([part("str_a", 2, 3 * MOST_CHUNKS)])
        assert caught.value.heads == {key("str_a"): 2 * MOST_CHUNKS + 1}
        assert calls(redis_server)["evalsha"] == 3 + 3
        assert await journal.held(key("str_b")) == Held(1, None)
