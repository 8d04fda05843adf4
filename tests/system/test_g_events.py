"""Guarantees 20 to 24: the event log of a user, and the dashboard it keeps true."""

import asyncio
from typing import Any

import msgspec
import pytest

from protocol.client import Dashboard
from protocol.frames.objects import DashboardSnapshot
from protocol.frames.server import Event
from tests.system.server import ServerProcess
from tests.wire import Frame, Tab, opened

SHORT = {"tokens": 5, "pace": 0}


def events_of(tab: Tab) -> list[Frame]:
    return tab.of_type("event")


async def busy(tab: Tab, other: Tab, prefix: str) -> None:
    """Let much happen: chats made, answered, stopped, queued, replaced, failed and named, from two tabs."""
    for number in range(3):
        chat_id = f"{prefix}_{number}"
        first = await tab.ask(chat_id, f"What is {chat_id}?", options={"tokens": 5_000, "pace": 500})
        await other.ask(chat_id, "And then?", options=SHORT, ifActive="queue")
        last = await other.ask(chat_id, "No, this", options=SHORT | {"fault": "midway"}, ifActive="stop")
        await tab.event("stream.ended", streamId=first["streamId"])
        await other.ended(last["streamId"])
        again = await tab.ask(f"{prefix}_short_{number}", "Do you have a title?", options=SHORT)
        await tab.event("chat.updated", chatId=again["chatId"])


async def quiet(*tabs: Tab) -> None:
    """Wait until nothing runs any more and every tab has heard of it."""
    while True:
        chats = (await tabs[0].command("dashboard.get"))["result"]["chats"]
        if not any("activeStreamId" in chat or "queue" in chat for chat in chats):
            break
        for chat in chats:
            if chat.get("queuePaused"):  # behind an answer that failed
                await tabs[0].command("queue.update", chatId=chat["chatId"], paused=False)
        await tabs[0].settled()
    head = (await tabs[0].command("dashboard.get"))["result"]["offset"]
    for tab in tabs:
        if tab.frames[0]["events"]["offset"] < head:
            await tab.until(lambda got: got["type"] == "event" and got["offset"] >= head)


async def test_g20_offsets_have_no_gap_and_all_sockets_see_the_same(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab, opened(roomy_server.url, tab.token) as other:
        await asyncio.gather(busy(tab, other, "a"), busy(other, tab, "b"))
        await quiet(tab, other)
        async with opened(roomy_server.url, tab.token) as late:
            ack = await late.command("events.resume", epoch=late.frames[0]["events"]["epoch"], offset=0)
            await quiet(late)
            # A late title may have come before the ack: what counts follows it.
            resumed = [frame for frame in late.frames[late.frames.index(ack) :] if frame["type"] == "event"]
            seen = [events_of(tab), events_of(other), resumed]
            most = min(map(len, seen))
            assert most > 60
            assert [event["offset"] for event in seen[0][:most]] == list(range(1, most + 1))
            assert seen[0][:most] == seen[1][:most] == seen[2][:most]


async def test_g20_users_have_logs_of_their_own(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab, opened(roomy_server.url) as stranger:
        assert tab.frames[0]["events"]["epoch"] != stranger.frames[0]["events"]["epoch"]
        await asyncio.gather(*(one.ask("chat", options=SHORT) for one in (tab, stranger)))
        await asyncio.gather(quiet(tab), quiet(stranger))
        for one in (tab, stranger):
            offsets = [event["offset"] for event in events_of(one)]
            assert offsets == list(range(1, len(offsets) + 1))


async def test_g21_recovered_means_every_event_since_in_order(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab, opened(roomy_server.url, tab.token) as other:
        await busy(tab, other, "a")
        await quiet(tab)
        told = events_of(tab)
        epoch = tab.frames[0]["events"]["epoch"]
        for offset in range(0, len(told) + 1, 3):
            async with Tab(roomy_server.url, tab.token) as again:
                welcome = await again.hello(events={"epoch": epoch, "offset": offset})
                assert welcome["events"]["recovered"] is True
                assert "snapshot" not in welcome
                if offset < len(told):
                    await again.until(lambda got: got["type"] == "event" and got["offset"] >= len(told))
                assert events_of(again)[: len(told) - offset] == told[offset:]
                ack = await again.command("events.resume", epoch=epoch, offset=offset)
                assert ack["result"].items() >= {"epoch": epoch, "recovered": True}.items()
                if offset < len(told):
                    await again.until(
                        lambda got: got["type"] == "event" and got["offset"] >= len(told),
                        since=again.frames.index(ack),
                    )
                behind = [frame for frame in again.frames[again.frames.index(ack) :] if frame["type"] == "event"]
                assert behind[: len(told) - offset] == told[offset:]


async def test_g21_the_ack_of_a_resume_is_a_barrier_while_events_flow(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab, opened(roomy_server.url, tab.token) as other:
        await tab.ask("before", options=SHORT)
        epoch = tab.frames[0]["events"]["epoch"]
        working = asyncio.create_task(busy(tab, tab, "a"))
        positions: dict[str, int] = {}
        while not working.done():
            command_id = f"resume_{len(positions)}"
            positions[command_id] = len(positions) % 3
            await other.command("events.resume", id=command_id, epoch=epoch, offset=positions[command_id])
        await working
        last = None
        for frame in other.frames:
            if frame.get("id") in positions:
                last = positions[frame["id"]]
            elif frame["type"] == "event" and last is not None:
                assert frame["offset"] == last + 1, "an event of the older position came after the ack"
                last = frame["offset"]
        assert len(positions) > 5


@pytest.mark.parametrize("wrong", ["beyond the head", "another epoch"])
async def test_g21_a_position_that_cannot_be_had_gives_a_snapshot_and_no_error(
    roomy_server: ServerProcess, wrong: str
) -> None:
    async with opened(roomy_server.url) as tab:
        await tab.ask("chat", options=SHORT)
        await quiet(tab)
        epoch = tab.frames[0]["events"]["epoch"]
        position = {"epoch": epoch, "offset": 10_000} if wrong == "beyond the head" else {"epoch": "e", "offset": 1}
        async with Tab(roomy_server.url, tab.token) as again:
            welcome = await again.hello(events=position)
            assert welcome["events"]["recovered"] is False
            assert welcome["events"]["offset"] == welcome["snapshot"]["offset"]
            assert [chat["chatId"] for chat in welcome["snapshot"]["chats"]] == ["chat"]
            ack = await again.command("events.resume", **position)
            since = again.frames.index(ack)  # a title that came just before it is part of its offset
            assert ack["result"]["recovered"] is False
            assert ack["result"]["epoch"] == epoch
            await again.ask("another", options=SHORT)
            event = await again.until(lambda got: got["type"] == "event", since=since)
            assert event["offset"] == ack["result"]["offset"] + 1
        async with Tab(roomy_server.url, tab.token) as without:
            welcome = await without.hello(events=position, snapshot="never")
            assert welcome["events"]["recovered"] is False
            assert "snapshot" not in welcome


def dashboard(snapshot: Frame, events: list[Frame] = []) -> Dashboard:  # noqa: B006 - only read
    """A page's dashboard: a snapshot with events applied."""
    board = Dashboard()
    board.replace(msgspec.convert(snapshot, DashboardSnapshot))
    for event in events:
        board.apply(msgspec.convert(event, Event))
    return board


def shown(board: Dashboard) -> list[Any]:
    return [board.chats, board.projects]


async def test_g22_a_snapshot_and_the_later_events_equal_a_fresh_snapshot(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab, opened(roomy_server.url, tab.token) as other:
        working = asyncio.create_task(busy(tab, other, "a"))
        snapshots = [tab.frames[0]["snapshot"]]
        while not working.done():
            snapshots.append((await other.command("dashboard.get"))["result"])
        async with opened(roomy_server.url, tab.token) as joined:
            await working
            await quiet(tab, other, joined)
            fresh = (await tab.command("dashboard.get"))["result"]
            await tab.until(lambda got: got["type"] == "event" and got["offset"] >= fresh["offset"])
            told = [event for event in events_of(tab) if event["offset"] <= fresh["offset"]]
            assert len({snapshot["offset"] for snapshot in snapshots}) > 3
            for snapshot in [*snapshots, joined.frames[0]["snapshot"]]:
                later = [event for event in told if event["offset"] > snapshot["offset"]]
                assert shown(dashboard(snapshot, later)) == shown(dashboard(fresh))
                twice = [event for event in later for _ in range(2)]
                assert shown(dashboard(snapshot, twice + later)) == shown(dashboard(fresh))
                assert shown(dashboard(snapshot, told)) == shown(dashboard(fresh))  # older ones change nothing


async def test_g22_pages_of_the_dashboard_hold_every_chat_once_newest_first(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        for number in range(7):
            await tab.ask(f"chat_{number}", f"Question {number}", options=SHORT)
        for number in range(7):
            await tab.event("chat.updated", chatId=f"chat_{number}")  # the last thing that happens to it: its title
        pages, cursor = [], None
        while True:
            page = (await tab.command("dashboard.get", limit=3, cursor=cursor))["result"]
            pages.append(page["chats"])
            cursor = page.get("nextCursor")
            if cursor is None:
                break
        assert [len(page) for page in pages] == [3, 3, 1]
        chats = [chat for page in pages for chat in page]
        assert chats == (await tab.command("dashboard.get"))["result"]["chats"]
        assert chats == sorted(chats, key=lambda chat: (-chat["updatedAt"], chat["chatId"]))
        found = (await tab.command("dashboard.get", query="QUESTION 3"))["result"]["chats"]
        assert [chat["chatId"] for chat in found] == ["chat_3"]
        nothing = await tab.command("dashboard.get", projectId="project", query="question", limit=3, cursor="9.x")
        assert nothing["result"]["chats"] == []
        for wrong in ("", "x", ".", "99999999999999999.x", "-1.x"):
            assert (await tab.refused("dashboard.get", cursor=wrong))["param"] == "$.cursor"


async def test_g23_what_a_command_causes_names_its_client_and_what_the_server_does_names_none(
    roomy_server: ServerProcess,
) -> None:
    async with opened(roomy_server.url) as tab, opened(roomy_server.url, tab.token) as other:
        first = await tab.ask("chat", "How do I stop an answer?", options=SHORT)
        await other.event("chat.updated", chatId="chat")
        await other.ask("chat", "And now?", options={"fault": "hang"})
        await tab.ask("chat", "Then this", options=SHORT, ifActive="queue")
        await other.command("stream.stop", chatId="chat")
        await quiet(tab, other)
        ours, theirs = tab.client_id, other.client_id
        told = [(event["name"], event.get("sourceClientId")) for event in events_of(tab)]
        assert told == [
            ("chat.created", ours),
            ("message.created", ours),
            ("stream.started", ours),
            ("stream.ended", None),
            ("chat.unseen", None),  # no tab has said that it shows the chat
            ("chat.updated", None),  # the model's title
            ("message.created", theirs),
            ("stream.started", theirs),
            ("chat.updated", ours),  # a question waits
            ("chat.updated", theirs),  # the stop makes the queue pause
            ("stream.ended", None),
            ("chat.updated", ours),  # and here it goes on
            ("message.created", ours),
            ("stream.started", ours),
            ("stream.ended", None),
            ("chat.unseen", None),
        ]
        assert events_of(other)[: len(told)] == events_of(tab)[: len(told)]
        started = events_of(tab)[2]["data"]
        assert {"streamId": first["streamId"], "messageId": first["messageId"]}.items() <= started.items()
        assert started["chat"]["activeStreamId"] == first["streamId"]


async def test_a_title_is_provisional_at_once_and_the_models_afterwards(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        await tab.ask("chat", "Can you tell me how to stop an answer, please, before it is whole?", options=SHORT)
        created = await tab.event("chat.created", chatId="chat")
        assert created["data"]["chat"]["title"] == "Can you tell me how to stop an answer, please…"
        updated = await tab.event("chat.updated", chatId="chat")
        assert updated["data"]["chat"]["title"] == "Stop an answer please before it"
        assert "sourceClientId" not in updated
        assert updated["offset"] > (await tab.event("stream.ended", chatId="chat"))["offset"]
        await tab.ask("chat", "Another question", options=SHORT)
        await quiet(tab)
        assert len([event for event in events_of(tab) if event["name"] == "chat.updated"]) == 1


async def test_g24_an_event_is_told_only_after_its_commit(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab, opened(roomy_server.url, tab.token) as reader:
        for number in range(15):
            await tab.ask(f"chat_{number}", options=SHORT)
            for name in ("chat.created", "message.created", "stream.started", "stream.ended"):
                event = await reader.event(name, chatId=f"chat_{number}")
                board = (await reader.command("dashboard.get"))["result"]
                (chat,) = [chat for chat in board["chats"] if chat["chatId"] == f"chat_{number}"]
                assert board["offset"] >= event["offset"]
                assert chat["version"] >= event["data"]["chat"]["version"]


async def test_a_question_of_another_tab_comes_whole_with_its_event(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        first = await tab.ask("chat", "One", options=SHORT)
        await tab.ended(first["streamId"])
        second = await tab.ask("chat", "Two", options=SHORT)
        await tab.ended(second["streamId"])
        history = await tab.history("chat")
        told = [event["data"] for event in events_of(other) if event["name"] == "message.created"]
        assert [data["message"] for data in told] == [history[0], history[2]]
        assert [data.get("parentId") for data in told] == [None, first["messageId"]]
        assert history[3]["metadata"]["parentId"] == history[2]["id"] == second["userMessageId"]


async def test_history_comes_in_pages(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        for number in range(4):
            await tab.ended((await tab.ask("chat", f"Question {number}", options=SHORT))["streamId"])
        whole = await tab.history("chat")
        assert len(whole) == 8
        pages: list[Frame] = []
        before = None
        while True:
            page = (await tab.command("chat.get", chatId="chat", limit=3, before=before))["result"]
            pages = page["messages"] + pages
            before = page.get("nextCursor")
            if before is None:
                break
        assert pages == whole
        assert (await tab.refused("chat.get", chatId="chat", before="unknown"))["param"] == "$.before"
