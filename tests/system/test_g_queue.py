"""The queue over the wire: what waits in a chat is dashboard state, the same in every tab and after a restart."""

import asyncio
from typing import Any

from tests.system.server import ServerProcess
from tests.wire import Frame, Tab, opened, text_of

ENDLESS = {"tokens": 100_000, "pace": 200}
SHORT = {"tokens": 5, "pace": 0}


async def lined_up(tab: Tab, *texts: str) -> tuple[str, dict[str, Frame]]:
    """A running answer, and questions in line behind it, each with its text as command id."""
    first: str = (await tab.ask("chat", "first", options=ENDLESS))["streamId"]
    await tab.reached(first, 4)
    asked = {text: await tab.ask("chat", text, id=text, options=SHORT, ifActive="queue") for text in texts}
    return first, asked


async def chat_of(tab: Tab) -> Frame:
    chat: Frame = (await tab.command("chat.get", chatId="chat"))["result"]["chat"]
    return chat


async def told(tab: Tab, **wanted: Any) -> Frame:
    """Wait until the newest state of the chat this tab was told has these fields."""

    def fits(frame: Frame) -> bool:
        chat = frame.get("data", {}).get("chat", {})
        return all(chat.get(name) == value for name, value in wanted.items())

    frame = await tab.until(lambda got: got["type"] == "event" and fits(got))
    chat: Frame = frame["data"]["chat"]
    return chat


def items(asked: dict[str, Frame], *texts: str) -> list[Frame]:
    return [
        {
            "commandId": text,
            "streamId": asked[text]["streamId"],
            "messageId": asked[text]["messageId"],
            "text": text,
        }
        for text in texts
    ]


async def questions(tab: Tab) -> list[str]:
    return [text_of(message) for message in await tab.history("chat") if message["role"] == "user"]


async def test_every_tab_sees_arranges_and_empties_the_queue(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        first, asked = await lined_up(tab, "a", "b", "c")
        await told(other, queue=items(asked, "a", "b", "c"))
        ack = await other.command("queue.update", chatId="chat", order=["c"], remove=["b"])
        chat = await told(tab, queue=items(asked, "c", "a"))
        assert ack["result"] == {"version": chat["version"]}
        end = await tab.ended(asked["b"]["streamId"])
        assert (end["status"], end["seq"]) == ("stopped", 0)
        await tab.command("queue.update", chatId="chat", paused=True)
        await told(other, queue=items(asked, "c", "a"), queuePaused=True)
        fresh = (await other.command("dashboard.get"))["result"]["chats"][0]
        assert fresh == await chat_of(tab)
        await tab.command("stream.stop", streamId=first)
        await other.command("queue.update", chatId="chat", paused=False)
        for text in ("c", "a"):
            assert (await tab.ended(asked[text]["streamId"]))["status"] == "completed"
        await told(other, queue=None, queuePaused=None, leafId=asked["a"]["messageId"])
        assert await questions(other) == ["first", "c", "a"]


async def test_send_now_is_a_stop_and_an_update(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        for number in range(5):
            first, asked = await lined_up(tab, f"a{number}", f"b{number}")
            await asyncio.gather(
                tab.command("stream.stop", streamId=first),
                tab.command("queue.update", chatId="chat", order=[f"b{number}"], paused=False),
            )
            for text in (f"b{number}", f"a{number}"):
                assert (await tab.ended(asked[text]["streamId"]))["status"] == "completed"
            assert (await questions(tab))[-3:] == ["first", f"b{number}", f"a{number}"]


async def test_g17_a_stop_pauses_what_waits(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        first, asked = await lined_up(tab, "a")
        await other.command("stream.stop", chatId="chat")
        assert (await tab.ended(first))["status"] == "stopped"
        await told(tab, queue=items(asked, "a"), queuePaused=True, activeStreamId=None)
        result = await other.ask("chat", "now", options=SHORT)
        assert result["status"] == "streaming", "a paused queue is in nobody's way"
        await other.ended(result["streamId"])
        assert (await chat_of(tab))["queuePaused"] is True
        await other.command("queue.update", chatId="chat", paused=False)
        await tab.ended(asked["a"]["streamId"])
        assert await questions(tab) == ["first", "now", "a"]


async def test_g03_an_update_has_one_effect(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        first, asked = await lined_up(tab, "a", "b")
        update: Frame = {"id": "once", "chatId": "chat", "order": ["b"]}
        ack = await tab.command("queue.update", **update)
        await tab.command("queue.update", chatId="chat", order=["a"])
        assert await tab.command("queue.update", **update) == ack | {"duplicate": True}
        assert (await chat_of(tab))["queue"] == items(asked, "a", "b")
        assert (await tab.refused("queue.update", **update | {"order": []}))["code"] == "idempotency_conflict"
        await tab.command("queue.update", chatId="chat", remove=["a", "b"])
        await tab.command("stream.stop", streamId=first)


async def test_g18_the_queue_outlives_a_killed_server_and_waits_for_a_word(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        _, asked = await lined_up(tab, "a", "b")
        await tab.command("queue.update", chatId="chat", order=["b"])
        await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    async with opened(server.url, tab.token) as again:
        chat = await chat_of(again)
        assert (chat["queue"], chat["queuePaused"]) == (items(asked, "b", "a"), True)
        for text in ("a", "b"):
            assert (await again.follow(asked[text]["streamId"]))["status"] == "queued"
        await again.command("queue.update", chatId="chat", paused=False)
        for text in ("b", "a"):
            assert (await again.ended(asked[text]["streamId"]))["status"] == "completed"
        assert await questions(again) == ["first", "b", "a"]


async def test_g32_the_queue_of_another_user_is_not_there(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url) as stranger:
        first, asked = await lined_up(tab, "a")
        for chat_id in ("chat", "none"):
            error = await stranger.refused("queue.update", chatId=chat_id, remove=["a"])
            assert (error["code"], error["param"]) == ("not_found", "$.chatId")
        own = await stranger.ask("chat", options=SHORT)
        await stranger.ended(own["streamId"])
        await stranger.command("queue.update", chatId="chat", remove=["a"])
        assert (await chat_of(tab))["queue"] == items(asked, "a")
        await tab.command("queue.update", chatId="chat", remove=["a"])
        await tab.command("stream.stop", streamId=first)


async def test_a_bad_update_says_what_is_wrong(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        result = await tab.ask("chat", options=SHORT)
        await tab.ended(result["streamId"])
        bad: list[tuple[Frame, str]] = [
            ({}, "$"),
            ({"paused": "yes"}, "$.paused"),
            ({"order": "a"}, "$.order"),
            ({"remove": ["a", 1]}, "$.remove[1]"),
            ({"remove": ["not an id"]}, "$.remove[0]"),
        ]
        for fields, param in bad:
            error = await tab.refused("queue.update", chatId="chat", **fields)
            assert (error["code"], error["param"]) == ("invalid_argument", param)
