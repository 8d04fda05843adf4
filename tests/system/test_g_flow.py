"""Guarantees 27 and 28: a tab gets data only as fast as it reads, and its slowness is nobody else's."""

import asyncio
from collections.abc import Iterable
from itertools import accumulate

from tests.system.server import ServerProcess
from tests.wire import Frame, Tab, opened, question

DATA = ("stream.chunk", "event")
LARGEST = 64 * 1024
LONG = {"tokens": 30_000, "pace": 0}


def data_of(tab: Tab, frames: range) -> list[int]:
    """The sizes of the data frames among these."""
    return [tab.sizes[n] for n in frames if tab.frames[n]["type"] in DATA]


def unread(tab: Tab) -> Iterable[list[int]]:
    """The data frames between each ping and the frame before the next one."""
    pings = [n for n, frame in enumerate(tab.frames) if frame["type"] == "ping"]
    for first, last in zip(pings, [*pings[1:], len(tab.frames)], strict=True):
        yield data_of(tab, range(first, last))


def assert_within(window: int, sizes: list[int]) -> None:
    """Nothing was sent once the window was full, and no frame was larger than a data frame may be."""
    assert all(size <= LARGEST for size in sizes)
    assert all(before < window for before in [0, *accumulate(sizes[:-1])])


async def test_g27_a_tab_that_does_not_answer_gets_a_window_and_no_more(roomy_server: ServerProcess) -> None:
    async with (
        opened(roomy_server.url) as tab,
        opened(roomy_server.url, tab.token, answers_pings=False) as slow,
    ):
        window = slow.frames[0]["flow"]["windowBytes"]
        stream_id = (await tab.ask("chat", options=LONG))["streamId"]
        await slow.follow(stream_id)
        end = await tab.ended(stream_id)
        text = tab.streams[stream_id].text
        assert len(text) > 4 * window
        for number in range(3):  # control frames overtake what waits
            await slow.command("chat.get", chatId="chat", id=f"read_{number}")
            await slow.settled()
        assert (await slow.command("stream.stop", streamId=stream_id))["result"]["status"] == "completed"
        first = next(n for n, frame in enumerate(slow.frames) if frame["type"] in DATA)
        assert slow.frames[first - 1]["type"] == "ping"
        assert len(slow.of_type("ping")) == 1
        assert_within(window, data_of(slow, range(len(slow.frames))))
        assert stream_id not in slow.streams or slow.streams[stream_id].last < end["seq"]
        behind = len(slow.frames)
        await slow.caught_up()
        assert await slow.ended(stream_id) == end
        assert slow.streams[stream_id].text == text
        merged = [frame for frame in slow.frames[behind:] if frame["type"] == "stream.chunk"]
        assert len(merged) <= 4 + len(text) // window  # ranges as large as the window, however many tokens they are


async def test_g27_a_quick_tab_gets_data_only_behind_pings(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        stream_id = (await tab.ask("chat", options=LONG | {"tokens": 60_000}))["streamId"]
        await tab.ended(stream_id)
        first = next(n for n, frame in enumerate(tab.frames) if frame["type"] in DATA)
        assert "ping" in [frame["type"] for frame in tab.frames[:first]]
        for sizes in unread(tab):
            assert_within(128 * 1024, sizes)
        assert len(tab.of_type("ping")) > 3


async def test_g27_the_client_can_ask_for_a_smaller_window(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab, Tab(roomy_server.url, tab.token) as small:
        welcome = await small.hello(flow={"windowBytes": 5_000})
        assert welcome["flow"] == {"windowBytes": 5_000}
        stream_id = (await tab.ask("chat", options=LONG))["streamId"]
        await small.follow(stream_id)
        await asyncio.gather(tab.ended(stream_id), small.ended(stream_id))
        assert small.streams[stream_id].text == tab.streams[stream_id].text
        for sizes in unread(small):
            assert_within(5_000, sizes)


async def test_g27_a_tab_that_reads_nothing_holds_up_nobody(roomy_server: ServerProcess) -> None:
    async with (
        opened(roomy_server.url) as tab,
        opened(roomy_server.url, tab.token, answers_pings=False) as standing,
        opened(roomy_server.url, tab.token) as other,
    ):
        asked = [await tab.ask(f"chat_{n}", options=LONG | {"tokens": 4_000}) for n in range(4)]
        for result in asked:
            standing.socket.transport.pause_reading()
            await standing.send(
                {"type": "stream.subscribe", "id": result["messageId"], "streamId": result["streamId"], "after": 0}
            )
            await other.follow(result["streamId"])
        for result in asked:
            await asyncio.gather(tab.ended(result["streamId"]), other.ended(result["streamId"]))
        standing.socket.transport.resume_reading()
        await standing.caught_up()
        for result in asked:
            await standing.until(lambda got, of=result: got.get("id") == of["messageId"])  # type: ignore[misc]
        await standing.caught_up()
        for result in asked:
            await standing.ended(result["streamId"])
            texts = {one.streams[result["streamId"]].text for one in (tab, standing, other)}
            assert len(texts) == 1


async def test_g28_a_tab_that_fell_too_far_behind_is_sent_to_the_head(roomy_server: ServerProcess) -> None:
    async with (
        opened(roomy_server.url) as tab,
        opened(roomy_server.url, tab.token, answers_pings=False) as slow,
    ):
        for number in range(6):  # each question's event is larger than the window, all of them than the hub keeps
            await tab.ask(f"chat_{number}", message=question("word " * 30_000), options={"tokens": 1}, subscribe=False)
            await tab.event("chat.updated", chatId=f"chat_{number}")
        await slow.settled()
        assert len(slow.of_type("event")) < 6
        await slow.caught_up()
        reset = await slow.until(lambda got: got["type"] == "events.reset")
        fresh: Frame = (await slow.command("dashboard.get"))["result"]
        assert (reset["reason"], reset["epoch"]) == ("slow_consumer", fresh["epoch"])
        assert reset["offset"] == fresh["offset"]
        await tab.ask("later", options={"tokens": 1})
        after = await slow.event("chat.created", chatId="later")
        assert after["offset"] == reset["offset"] + 1
