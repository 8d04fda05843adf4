"""Servers that take over from each other: a Sentinel's replica, a Cluster's replica, a slot that moves."""

import asyncio
from collections.abc import Iterator

import pytest
from redis.crc import key_slot

from app.backplane.interface import JournalUnavailable
from app.backplane.redis.connecting import backplane
from app.backplane.redis.journal import LIFETIME
from app.backplane.redis.names import Names
from app.backplane.redis.url import parse
from app.clock import Clock
from tests.app.backplane.redis.following import SOON, A, Following, Writing, following, writing
from tests.app.backplane.redis.places import age, making
from tests.contract.broker import news
from tests.contract.journal import RETENTION_MS, HandClock, key, log, opened, part
from tests.redis_servers import RedisCluster, RedisServer, SentinelPair

pytestmark = pytest.mark.slow


@pytest.fixture
def pair() -> Iterator[SentinelPair]:
    with SentinelPair() as pair:
        yield pair


@pytest.fixture
def cluster() -> Iterator[RedisCluster]:
    with RedisCluster(with_replica=True) as cluster:
        yield cluster


async def both_have_everything(writer: Writing, follower: Following) -> None:
    """News are heard again, and log and journal are whole."""
    async with asyncio.timeout(SOON):
        said = news()
        while (A.user_id, said) not in follower.notes.heard:
            writer.broker.announce(A.user_id, said)
            await asyncio.sleep(0.05)
    await writer.owner.write()
    await writer.owner.settle()
    await follower.notes.has(writer.owner.tail)
    assert await follower.journal.read(A) == follower.notes.log == log("str_a", writer.owner.tail)


async def test_g19b_a_failover_while_an_answer_is_written_costs_nothing(pair: SentinelPair) -> None:
    async with writing(pair.url) as writer, following(pair.url) as follower:
        work = asyncio.create_task(writer.owner.write_for(5))
        await follower.notes.has(10)
        pair.master.stop()
        await work
        assert writer.owner.failures, "nothing was lost, so nothing is tested"
        await both_have_everything(writer, follower)


async def test_a_master_that_stood_still_and_comes_back_as_a_replica_is_left(pair: SentinelPair) -> None:
    async with writing(pair.url) as writer, following(pair.url) as follower:
        await writer.owner.write(5)
        pair.master.freeze()
        await asyncio.to_thread(pair.wait_for_takeover)
        pair.master.thaw()
        await writer.owner.write_for(2)
        await both_have_everything(writer, follower)
        assert "role:master" in pair.replica.command("INFO", "replication")


async def test_without_a_sentinel_the_sentence_says_whom_was_asked() -> None:
    with RedisServer(is_sentinel=True) as sentinel:
        journal, _ = backplane(f"redis+sentinel://{sentinel.place}/nobody", "node", Clock(), retention_ms=RETENTION_MS)
        with pytest.raises(JournalUnavailable, match=rf"{sentinel.port} knows no master nobody\.$"):
            await journal.open()


def slot_of(user_id: str) -> int:
    """The slot that has everything about a user."""
    names = Names(parse("redis+cluster://h"))
    return int(key_slot(names.user(user_id)))


def user_of(cluster: RedisCluster, server: RedisServer) -> str:
    """A name of a stream whose user is on this server."""
    letters = (
        letter for letter in "abcdefghijklmnopqrstuvwxyz" if cluster.owner_of(slot_of(f"usr_{letter}")) is server
    )
    return f"str_{next(letters)}"


async def test_a_partition_that_moves_to_another_master_is_followed(cluster: RedisCluster) -> None:
    async with writing(cluster.url) as writer, following(cluster.url) as follower:
        await writer.owner.write(5)
        await follower.notes.has(5)
        slot = slot_of(A.user_id)
        source = cluster.owner_of(slot)
        target = next(server for server in cluster.masters if server is not source)
        before = follower.notes.missed(A.user_id)
        work = asyncio.create_task(writer.owner.write_for(3))
        await asyncio.to_thread(cluster.move, slot, source, target)
        await work
        assert follower.notes.missed(A.user_id) > before
        await both_have_everything(writer, follower)
        assert (
            target.command("EXISTS", f"tidewire:{{{Names(parse(cluster.url)).partition(A.user_id)}}}:log:usr_a:str_a")
            == ":1\r\n"
        )


async def test_a_master_that_dies_takes_only_its_partitions_with_it_until_its_replica_takes_over(
    cluster: RedisCluster,
) -> None:
    dead, alive = (user_of(cluster, server) for server in cluster.masters[:2])
    async with writing(cluster.url) as (journal, _, notes, _):
        await journal.append([part(dead, 0, 2), part(alive, 0, 2)])
        before = notes.missed(key(dead).user_id), notes.missed(key(alive).user_id)
        await asyncio.to_thread(cluster.replicate)
        cluster.masters[0].stop()
        with pytest.raises(JournalUnavailable):
            await journal.append([part(dead, 2, 1), part(alive, 2, 1)])
        assert await journal.read(key(alive)) == log(alive, 3)
        async with asyncio.timeout(SOON):
            while True:
                try:
                    await journal.append([part(dead, 2, 1), part(alive, 3, 1)])
                    break
                except JournalUnavailable:
                    await asyncio.sleep(0.05)
        assert await journal.read(key(dead)) == log(dead, 3)
        assert await journal.read(key(alive)) == log(alive, 4)
        await notes.until(lambda: notes.missed(key(dead).user_id) > before[0], within=SOON)
        assert notes.missed(key(alive).user_id) == before[1], "a gap concerns only those who may have missed something"


async def test_a_log_lives_on_though_another_partition_is_gone(cluster: RedisCluster) -> None:
    dead, alive = (user_of(cluster, server) for server in cluster.masters[:2])
    hand = HandClock()
    async with opened(making(cluster.url), hand.clock) as journal:
        await journal.append([part(dead, 0, 1), part(alive, 0, 1)])
        age([cluster.masters[1].port], LIFETIME * 1000 // 2)
        cluster.masters[0].stop()
        with pytest.raises(JournalUnavailable):
            await journal.retire(hand.pass_ms(LIFETIME * 1000 // 2))
        age([cluster.masters[1].port], LIFETIME * 1000 * 3 // 4)
        assert await journal.read(key(alive)) == log(alive, 1)


async def test_a_cluster_and_a_single_server_are_not_mistaken_for_each_other(cluster: RedisCluster) -> None:
    url = f"redis://{cluster.servers[0].place}"
    journal, _ = backplane(url, "node", Clock(), retention_ms=RETENTION_MS)
    with pytest.raises(JournalUnavailable, match=r"it is part of a cluster: say redis\+cluster://\.$"):
        await journal.open()
