"""The dashboard that the SDK keeps, and its events."""

import asyncio

import tidewire

from protocol.frames.server import EventsReset
from tests.protocol.python.harness import Net, idle


async def test_dashboard_is_live_and_events_are_told_after_it() -> None:
    net = Net()
    net.world.chat("c1", title="one")
    async with net.connect() as client:
        assert [chat.title for chat in client.dashboard.chats] == ["one"]
        events = client.events()
        waiting = asyncio.ensure_future(anext(events))
        await idle()
        net.world.chat("c2", title="two")
        net.pump()
        event = await waiting
        assert isinstance(event, tidewire.Event)
        assert [chat.title for chat in client.dashboard.chats] == ["two", "one"]
        await events.aclose()


async def test_reader_of_events_that_stands_still_is_told_that_it_missed_some() -> None:
    net = Net()
    async with net.connect() as client:
        events = client.events()
        waiting = asyncio.ensure_future(anext(events))
        await idle()
        for number in range(300):
            net.world.chat("c1", title=f"{number} " + "x" * 5_000)
        net.pump()
        reset = await waiting
        assert isinstance(reset, tidewire.Reset)
        assert reset.reason == "slow_consumer"
        assert client.dashboard.chats[0].title.startswith("299 ")
        await events.aclose()


async def test_events_reset_refreshes_the_dashboard() -> None:
    net = Net()
    async with net.connect() as client:
        net.world.chat("c1")
        net.socket.peer.offset = 1
        net.socket.say(EventsReset(epoch="e1", offset=1, reason="slow_consumer"))
        await idle()
        assert [chat.chat_id for chat in client.dashboard.chats] == ["c1"]


async def test_more_chats_reads_the_next_page() -> None:
    net = Net()
    net.world.page = 2
    for number in range(5):
        net.world.chat(f"c{number}")
    async with net.connect() as client:
        assert len(client.dashboard.chats) == 2
        assert await client.more_chats()
        assert not await client.more_chats()
        assert [chat.chat_id for chat in client.dashboard.chats] == ["c4", "c3", "c2", "c1", "c0"]
