"""The hub over a store that can be stopped in the middle of a read: the windows between two awaits."""

import asyncio

import pytest

from app.backplane.local_broker import LocalBroker
from app.realtime.feed import MOST_EVENTS
from app.realtime.hub import Hub
from app.store.errors import StoreUnavailable
from app.store.outbox import Committed
from protocol.errors import Refusal
from tests.app.realtime.logs import Log, Slow, Tab, frames, recovered, stored, turns
from tests.virtual import run_virtual


async def test_g20_every_socket_of_a_user_sees_the_same_commits_at_once() -> None:
    log = Log(5)
    hub = Hub(log, LocalBroker("n"))
    tabs = [Tab(), Tab()]
    for tab in tabs:
        await tab.join(hub)
    hub.committed(log.commit(2))
    assert [tab.got for tab in tabs] == [frames(6, 7)] * 2
    assert log.reads == 1, "a commit of this node is not read back"
    hub.committed(Committed("somebody else", [stored(1)]))
    assert tabs[0].got == frames(6, 7)


async def test_a_user_who_is_gone_cannot_join() -> None:
    with pytest.raises(Refusal, match="signed out"):
        await Hub(Log(), LocalBroker("n")).join("nobody", Tab())


async def test_a_lost_announcement_is_noticed_with_the_next_one() -> None:
    log = Log()
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    await tab.join(hub)
    log.commit(2)  # lost
    hub.committed(log.commit())
    await turns()
    assert tab.got == frames(1, 3)
    await hub.close()


async def test_g24_a_lost_announcement_reaches_the_sockets_within_ten_seconds() -> None:
    log = Log()
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    await tab.join(hub)
    log.commit(2)
    await hub.check()
    await turns()
    assert tab.got == frames(1, 2)
    reads = log.reads
    await hub.check()
    assert log.reads == reads + 1, "one query compares everybody"
    hub.leave("u", tab)
    await hub.check()
    assert log.reads == reads + 1, "nobody is here"


def test_g24_the_rounds_go_on_after_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        log = Log()
        hub, tab = Hub(log, LocalBroker("n")), Tab()
        await tab.join(hub)
        hub.open()
        log.away = True
        log.commit()
        await asyncio.sleep(15)
        assert tab.got == []
        log.away = False
        await asyncio.sleep(10)
        assert tab.got == frames(1, 1)
        await hub.close()

    run_virtual(main())
    assert "comparing event heads failed" in caplog.text


def test_g24_a_read_that_fails_is_tried_again_by_the_rounds(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        log = Log()
        hub, tab = Hub(log, LocalBroker("n")), Tab()
        await tab.join(hub)
        hub.open()
        log.commit()
        log.away = True
        hub.committed(log.commit())
        await asyncio.sleep(1)
        assert tab.got == []
        log.away = False
        await asyncio.sleep(10)
        assert tab.got == frames(1, 2)
        await hub.close()

    run_virtual(main())
    assert "events of u failed" in caplog.text


async def test_a_commit_while_the_first_socket_joins_is_not_missed() -> None:
    log = Log(5)
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    log.gate = asyncio.Event()
    joining = asyncio.create_task(tab.join(hub))
    await turns()
    hub.committed(log.commit())  # nobody is present yet: told to nobody
    log.gate.set()
    assert (await joining).head == 6


async def test_commits_of_others_do_not_keep_a_socket_from_joining() -> None:
    log = Log(5)
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    log.gate = asyncio.Event()
    joining = asyncio.create_task(tab.join(hub))
    await turns()
    hub.committed(Committed("somebody else", [stored(1)]))
    log.gate.set()
    await joining
    assert log.reads == 1


async def test_a_join_that_fails_leaves_nothing_behind() -> None:
    log = Log(5)
    hub, tabs = Hub(log, LocalBroker("n")), [Tab(), Tab()]
    log.away = True
    with pytest.raises(StoreUnavailable):
        await tabs[0].join(hub)
    log.away, log.gate = False, asyncio.Event()
    joining = [asyncio.create_task(tab.join(hub)) for tab in tabs]
    await turns()
    joining[0].cancel()
    await turns()
    hub.committed(log.commit())  # told to nobody, though the mark went with the one that gave up
    log.gate.set()
    assert (await joining[1]).head == 6
    assert hub._joining == {}


async def test_two_sockets_that_join_together_share_a_feed() -> None:
    log = Log(5)
    hub, tabs = Hub(log, LocalBroker("n")), [Tab(), Tab()]
    first, second = await asyncio.gather(*(tab.join(hub) for tab in tabs))
    assert first is second is hub.feed_of("u")
    assert hub.sockets_of("u") == 2
    hub.leave("u", tabs[0])
    assert hub.feed_of("u") is first
    hub.leave("u", tabs[0])
    hub.leave("u", tabs[1])
    hub.leave("u", tabs[1])
    assert hub.feed_of("u") is None
    assert hub.sockets_of("u") == 0


async def test_a_commit_while_missed_events_are_read_is_not_missed() -> None:
    log = Log()
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    await tab.join(hub)
    log.commit()  # lost
    log.gate = asyncio.Event()
    hub.committed(log.commit())
    await turns()  # rows 1 and 2 are read
    hub.committed(log.commit())  # 3 does not follow on 0
    log.gate.set()
    await turns()
    assert tab.got == frames(1, 3)


async def test_missed_events_are_read_in_pages() -> None:
    log = Log()
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    await tab.join(hub)
    log.commit(2 * MOST_EVENTS + 3)
    hub.committed(log.commit())
    await turns()
    assert tab.got == frames(1, 2 * MOST_EVENTS + 4)


async def test_events_that_were_trimmed_away_reset_the_sockets() -> None:
    log = Log()
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    await tab.join(hub)
    log.commit(5)
    log.trimmed = 3
    hub.committed(log.commit())
    await turns()
    assert tab.got == [None], "the socket is told to start over"
    assert tab.offset == 6
    hub.committed(log.commit())
    assert tab.got == [None, *frames(7, 7)]


async def test_a_feed_keeps_no_frames_that_every_socket_has() -> None:
    log = Log()
    hub, tab, slow = Hub(log, LocalBroker("n")), Tab(), Slow()
    feed = await tab.join(hub)
    await slow.join(hub)
    hub.committed(log.commit(3))
    await hub.check()
    assert feed.base == 0, "the slow one still needs them"
    Tab.flush(slow)
    await hub.check()
    assert (feed.base, feed.head) == (3, 3)
    hub.committed(log.commit())
    Tab.flush(slow)
    assert tab.got == slow.got == frames(1, 4)


async def test_a_feed_keeps_its_frames_while_a_socket_is_being_greeted() -> None:
    log = Log()
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    feed = await hub.join("u", tab)
    hub.committed(log.commit(3))
    await hub.check()
    assert feed.base == 0


async def test_g21_what_was_recovered_stays_until_its_socket_reads_there() -> None:
    log = Log(50)
    hub, tab = Hub(log, LocalBroker("n")), Tab()
    feed = await tab.join(hub)
    assert await recovered(hub, feed, 20)
    await hub.check()
    tab.offset = 20  # the ack went out
    await hub.check()
    tab.flush()
    assert tab.got == frames(21, 50)
    await hub.check()
    assert feed.base == 50
    assert await recovered(hub, feed, 20), "the rows are still there"
