"""What goes wrong with one Redis, on real servers and through a proxy that breaks connections.

Each test is about a node that writes and one that follows; whatever happens, the follower ends with everything.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

import pytest

from app.backplane.interface import JournalConflict, JournalUnavailable
from app.backplane.news import IsVisible, StopStream
from app.backplane.redis import probing
from app.backplane.redis.broker import ANSWER_WITHIN
from app.backplane.redis.connecting import backplane
from app.backplane.redis.servers import WITHIN
from app.clock import Clock
from tests.app.backplane.redis.following import A, Following, Writing, following, writing
from tests.contract.broker import Notes, news
from tests.contract.journal import RETENTION_MS, end_of, log, part
from tests.fault_proxy import FaultProxy
from tests.redis_servers import RedisServer, wait_for

SLACK = 1.5
"""What a loaded machine may add to a deadline, in seconds."""

T = TypeVar("T")


async def took(work: Awaitable[T]) -> tuple[T, float]:
    """What came of it, and after how many seconds."""
    began = asyncio.get_running_loop().time()
    return await work, asyncio.get_running_loop().time() - began


@pytest.fixture
async def proxy(redis_server: RedisServer) -> AsyncIterator[FaultProxy]:
    """What the follower goes through."""
    async with FaultProxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
async def writer(redis_server: RedisServer) -> AsyncIterator[Writing]:
    async with writing(redis_server.url) as writer:
        yield writer


@pytest.fixture
async def follower(proxy: FaultProxy) -> AsyncIterator[Following]:
    async with following(f"redis://127.0.0.1:{proxy.port}") as follower:
        yield follower


async def test_without_a_fault_the_journal_is_not_read(writer: Writing, follower: Following) -> None:
    await follower.notes.until(lambda: follower.notes.repairs == 1)  # the gap that is the beginning
    await writer.owner.write_for(0.5)
    await follower.notes.has(writer.owner.tail)
    assert follower.notes.log == log("str_a", writer.owner.tail)
    assert follower.notes.repairs == 1


async def test_what_nobody_else_hears_is_not_published(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "EVERY", 3600.0)  # probes are published, too
    async with writing(redis_server.url) as writer, following(redis_server.url) as follower:
        assert await writer.broker.subscribe(A.user_id)
        assert await writer.broker.subscribe("usr_b")
        await follower.notes.until(lambda: follower.notes.repairs == 1)
        await asyncio.to_thread(wait_for, lambda: "cmdstat_publish:calls=2," in stats(redis_server), "no probes")
        redis_server.command("CONFIG", "RESETSTAT")
        await writer.journal.append([part("str_b", 0, 1), part("str_c", 0, 1)])
        assert "cmdstat_publish" not in stats(redis_server)
        await writer.owner.write(1)
        assert "cmdstat_publish:calls=1," in stats(redis_server)
        await follower.notes.has(1)


def stats(server: RedisServer) -> str:
    return server.command("INFO", "commandstats")


async def test_links_that_are_killed_every_half_second_lose_nothing(
    redis_server: RedisServer, writer: Writing, follower: Following
) -> None:
    async def kill() -> None:
        while True:
            await asyncio.sleep(0.5)
            await asyncio.to_thread(redis_server.command, "CLIENT", "KILL", "TYPE", "pubsub")

    killing = asyncio.create_task(kill())
    await writer.owner.write_for(4)
    killing.cancel()
    await writer.owner.settle()
    await follower.notes.has(writer.owner.tail)
    assert follower.notes.log == log("str_a", writer.owner.tail)
    assert follower.notes.missed(A.user_id) > 4
    assert writer.owner.refusals == 0


async def test_a_lost_link_is_a_gap_after_which_news_are_heard(
    proxy: FaultProxy, writer: Writing, follower: Following
) -> None:
    before = follower.notes.missed(A.user_id)
    proxy.cut()
    await writer.owner.write(3)  # nobody hears it
    await follower.notes.until(lambda: follower.notes.missed(A.user_id) > before)
    await follower.notes.has(3)
    said = news()
    writer.broker.announce(A.user_id, said)
    await follower.notes.until(lambda: (A.user_id, said) in follower.notes.heard)


async def test_a_link_that_is_half_open_is_replaced(proxy: FaultProxy, writer: Writing, follower: Following) -> None:
    before = follower.notes.missed(A.user_id)
    for link in proxy.links_that_sent(b"SUBSCRIBE"):
        link.be("swallow")
    await writer.owner.write(3)
    await follower.notes.until(lambda: follower.notes.missed(A.user_id) > before, within=3 + 2 * SLACK)
    await follower.notes.has(3)
    assert follower.notes.log == log("str_a", 3)


async def test_a_subscriber_that_is_too_slow_is_cut_and_repairs(
    redis_server: RedisServer, proxy: FaultProxy, writer: Writing, follower: Following
) -> None:
    redis_server.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 100kb 100kb 1")
    before = follower.notes.missed(A.user_id)
    proxy.freeze()
    while count_subscribers(redis_server) > 1:
        await writer.owner.write(800)  # not too long to be sent along
    proxy.thaw()
    await follower.notes.until(lambda: follower.notes.missed(A.user_id) > before)
    await follower.notes.has(writer.owner.tail)
    assert follower.notes.log == log("str_a", writer.owner.tail)


def count_subscribers(server: RedisServer) -> int:
    return server.command("CLIENT", "LIST", "TYPE", "PUBSUB").count("id=")


async def test_a_wiped_server_gets_everything_again(
    redis_server: RedisServer, writer: Writing, follower: Following
) -> None:
    await writer.owner.write(5)
    await asyncio.sleep(0.1)  # a first probe has seen the epoch
    redis_server.command("FLUSHALL")
    await writer.notes.until(lambda: writer.notes.missed(A.user_id, wiped=True) == 1)
    await follower.notes.until(lambda: follower.notes.missed(A.user_id, wiped=True) == 1)
    await writer.owner.write(1)
    await writer.owner.settle()
    assert writer.owner.refusals == 1
    await follower.notes.has(6)
    assert await follower.journal.read(A) == follower.notes.log == log("str_a", 6)


async def test_a_server_that_comes_back_empty_gets_everything_again(
    redis_server: RedisServer, writer: Writing, follower: Following
) -> None:
    await writer.owner.write(5)
    redis_server.stop()
    await writer.owner.write(1)
    assert writer.owner.failures
    redis_server.start()
    await writer.owner.settle()
    await follower.notes.has(6)
    await writer.notes.until(lambda: writer.notes.missed(A.user_id, wiped=True) == 1)
    await follower.notes.until(lambda: follower.notes.missed(A.user_id, wiped=True) == 1)
    assert await follower.journal.read(A) == follower.notes.log == log("str_a", 6)


async def test_a_server_that_is_gone_is_not_asked_or_complained_of_all_the_time(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with writing(redis_server.url) as writer:
        before = writer.broker.statistics().reconnects
        redis_server.stop()
        await asyncio.sleep(4)
        said = [
            record for record in caplog.records if record.name == "tidewire.broker" and record.levelname == "WARNING"
        ]
        assert 0 < len(said) < 8
        seen = writer.broker.statistics()
        assert (seen.heard, seen.silent) == (0, 1)
        assert seen.failures["error"] > 0
        redis_server.start()
        await writer.notes.until(lambda: writer.notes.missed(A.user_id) == 2)
        seen = writer.broker.statistics()
        assert (seen.heard, seen.silent, seen.reconnects) == (1, 0, before + 1)


async def test_a_server_that_stands_still_is_counted_as_one_that_is_too_late(
    redis_server: RedisServer, writer: Writing
) -> None:
    redis_server.freeze()
    with pytest.raises(JournalUnavailable):
        await writer.journal.read(A)
    redis_server.thaw()
    assert writer.broker.statistics().failures["timeout"] > 0


async def test_a_subscription_that_is_cancelled_was_never_made(redis_server: RedisServer, writer: Writing) -> None:
    redis_server.freeze()
    pending = asyncio.create_task(writer.broker.subscribe("usr_1"))
    await asyncio.sleep(0.05)
    pending.cancel()
    await asyncio.wait([pending])
    redis_server.thaw()
    assert pending.cancelled()
    assert await writer.broker.subscribe("usr_2")
    assert "usr_1" not in redis_server.command("PUBSUB", "CHANNELS")


async def test_nobody_waits_long_for_a_server_that_stands_still(redis_server: RedisServer, writer: Writing) -> None:
    await writer.owner.write(5)
    await writer.broker.subscribe("usr_1")
    redis_server.freeze()
    try:
        answers = await asyncio.gather(
            took(writer.owner.write(1)),
            took(unavailable(writer.journal.read(A))),
            took(unavailable(writer.journal.end_of(A))),
            took(unavailable(writer.journal.close_stream(A, end_of("str_a")))),
            took(writer.broker.tell("follower", StopStream("usr_1", "str_1"))),
            took(writer.broker.subscribe("usr_2")),
        )
        assert all(seconds < WITHIN + SLACK for _, seconds in answers)
        assert [outcome for outcome, _ in answers] == [None, True, True, True, False, False]
        visible, seconds = await took(writer.broker.ask("usr_1", IsVisible("chat_1")))
        assert not visible
        assert seconds < ANSWER_WITHIN + SLACK
    finally:
        redis_server.thaw()
    await writer.notes.until(lambda: writer.notes.missed("usr_2") > 1)
    assert await writer.broker.subscribe("usr_2")


async def unavailable(work: Awaitable[object]) -> bool:
    """Whether the journal says that it is."""
    try:
        await work
    except JournalUnavailable:
        return True
    return False


async def test_g07_a_server_that_stood_still_has_every_chunk_once(
    redis_server: RedisServer, writer: Writing, follower: Following
) -> None:
    await writer.owner.write(5)
    redis_server.freeze()
    await writer.owner.write(3)  # under way, and given up
    await writer.owner.write(2)
    redis_server.thaw()
    await writer.owner.write(1)
    await writer.owner.settle()
    await follower.notes.has(11)
    assert await follower.journal.read(A) == follower.notes.log == log("str_a", 11)


async def test_a_slow_network_only_delays(proxy: FaultProxy, writer: Writing, follower: Following) -> None:
    proxy.delay = 0.1
    await writer.owner.write_for(1)
    await follower.notes.has(writer.owner.tail)
    assert await follower.journal.read(A) == log("str_a", writer.owner.tail)


async def test_a_server_without_memory_refuses_chunks_and_still_carries_news(
    redis_server: RedisServer, writer: Writing, follower: Following
) -> None:
    await writer.owner.write(2)
    redis_server.command("CONFIG", "SET", "maxmemory", "1")
    await writer.owner.write(1)
    assert "maxmemory" in writer.owner.failures[0]
    with pytest.raises(JournalUnavailable):
        await writer.journal.close_stream(A, end_of("str_a"))
    said = news()
    writer.broker.announce(A.user_id, said)
    await follower.notes.until(lambda: (A.user_id, said) in follower.notes.heard)
    assert await follower.journal.read(A) == log("str_a", 2)
    redis_server.command("CONFIG", "SET", "maxmemory", "0")
    await writer.owner.settle()
    await follower.notes.has(3)


async def test_a_server_that_forgot_the_scripts_learns_them_again(redis_server: RedisServer, writer: Writing) -> None:
    await writer.owner.write(1)
    redis_server.command("SCRIPT", "FLUSH")
    await writer.owner.write(1)
    await writer.journal.close_stream(A, end_of("str_a"))
    assert writer.owner.failures == []
    with pytest.raises(JournalConflict):
        await writer.journal.append([part("str_a", 2, 1)])


async def test_a_start_without_a_server_is_one_sentence(redis_server: RedisServer) -> None:
    redis_server.stop()
    journal, _ = backplane(redis_server.url, "node", Clock(), retention_ms=RETENTION_MS)
    with pytest.raises(JournalUnavailable, match=rf"Redis at 127\.0\.0\.1:{redis_server.port} cannot be used: .*\.$"):
        await journal.open()


async def test_a_wrong_password_is_one_sentence_without_it() -> None:
    with RedisServer("requirepass right") as server:
        wrong, _ = backplane(f"redis://:wrong@{server.place}", "node", Clock(), retention_ms=RETENTION_MS)
        with pytest.raises(JournalUnavailable, match="invalid username-password") as caught:
            await wrong.open()
        assert ":wrong" not in str(caught.value)
        async with writing(f"redis://:right@{server.place}") as node:
            await node.owner.write(1)
            assert node.owner.failures == []


async def test_a_broker_that_begins_without_a_server_hears_when_it_comes(redis_server: RedisServer) -> None:
    redis_server.stop()
    _, broker = backplane(redis_server.url, "late", Clock(), retention_ms=RETENTION_MS)
    notes = Notes()
    _, seconds = await took(broker.open(notes))
    assert seconds < WITHIN + SLACK
    assert not await broker.subscribe(A.user_id)
    assert notes.gaps == []
    redis_server.start()
    await notes.until(lambda: notes.missed(A.user_id) == 1)
    async with writing(redis_server.url) as other:
        said = news()
        other.broker.announce(A.user_id, said)
        await notes.hears((A.user_id, said))
    await broker.close()
