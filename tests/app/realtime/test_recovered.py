"""Recovery of a client's position in the event log: all of it, or plainly not."""

import asyncio

import pytest

from app.backplane.local_broker import LocalBroker
from app.realtime.feed import MOST_EVENTS
from app.realtime.hub import Hub
from tests.app.realtime.logs import Log, Tab, frames, recovered, turns


async def test_g21_recovered_means_that_every_event_since_can_follow() -> None:
    log = Log(50)
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    feed = await tab.join(hub)
    assert await recovered(hub, feed, 20)
    assert [feed.read(after) for after in range(20, 50)] == frames(21, 50)
    reads = log.reads
    assert await recovered(hub, feed, 30)
    assert await recovered(hub, feed, 50)
    assert log.reads == reads, "what the feed holds is not read again"


async def test_g21_a_position_of_another_log_or_beyond_the_head_is_not_recovered() -> None:
    log = Log(50)
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    feed = await tab.join(hub)
    assert not await recovered(hub, feed, 20, epoch="other")
    assert not await recovered(hub, feed, 51)


async def test_g21_never_partial_when_the_log_was_trimmed() -> None:
    log = Log(50)
    log.trimmed = 30
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    feed = await tab.join(hub)
    assert not await recovered(hub, feed, 29)
    assert feed.base == 50
    assert await recovered(hub, feed, 30)
    log.trimmed = 50
    assert not await recovered(hub, feed, 10)


async def test_g21_never_partial_when_an_event_in_the_middle_is_gone() -> None:
    log = Log(50)
    log.lost = {40}  # a clock that was set back lets a younger event grow old first
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    feed = await tab.join(hub)
    assert not await recovered(hub, feed, 30)
    assert await recovered(hub, feed, 40)


async def test_g21_too_far_back_is_not_recovered() -> None:
    log = Log(MOST_EVENTS + 10)
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    feed = await tab.join(hub)
    assert not await recovered(hub, feed, 9)
    assert await recovered(hub, feed, 10)


async def test_g21_commits_while_older_events_are_read_stay_behind_them() -> None:
    log = Log(50)
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    feed = await tab.join(hub)
    log.gate = asyncio.Event()
    reading = asyncio.create_task(recovered(hub, feed, 20))
    await turns()
    hub.committed(log.commit(3))
    log.gate.set()
    assert await reading
    assert [feed.read(after) for after in range(20, 53)] == frames(21, 53)


@pytest.mark.parametrize("offsets", [(20, 30), (30, 20), (20, 20)])
async def test_g21_two_sockets_that_recover_together_do_not_double_anything(offsets: tuple[int, int]) -> None:
    log = Log(50)
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    feed = await tab.join(hub)
    log.gate = asyncio.Event()
    reading = [asyncio.create_task(recovered(hub, feed, offset)) for offset in offsets]
    await turns()
    log.gate.set()
    assert await asyncio.gather(*reading) == [True, True]
    assert feed.base == 20
    assert [feed.read(after) for after in range(20, 50)] == frames(21, 50)


async def test_g21_a_window_that_moved_on_meanwhile_is_not_recovered() -> None:
    log = Log(50)
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    feed = await tab.join(hub)
    log.gate = asyncio.Event()
    reading = asyncio.create_task(recovered(hub, feed, 20))
    await turns()
    feed.skip_to(60)
    log.gate.set()
    assert not await reading
    assert (feed.base, feed.head) == (60, 60)
