"""Guarantee 26: an answer that nobody saw end is unseen on every device, until somebody sees it."""

from typing import Any

from tests.system.server import ServerProcess
from tests.wire import Frame, Tab, devices, opened

SHORT = {"tokens": 5, "pace": 0}
SLOW = {"tokens": 45, "pace": 30}  # a second and a half, in which tabs come and go


def marks(tab: Tab, chat_id: str = "chat") -> list[tuple[str, str]]:
    """The events a tab got about a chat's mark: their names and messages."""
    found = [frame for frame in tab.of_type("event") if frame["name"] in ("chat.unseen", "chat.seen")]
    return [(frame["name"], frame["data"]["messageId"]) for frame in found if frame["data"]["chatId"] == chat_id]


async def over(tab: Tab, asked: Frame) -> Frame:
    """Wait for the end of an answer and for whatever comes right behind it; return the chat as it is then."""
    await tab.event("stream.ended", streamId=asked["streamId"])
    await tab.settled()
    chat: Frame = (await tab.command("chat.get", chatId=asked["chatId"]))["result"]["chat"]
    return chat


async def test_g26_a_watched_chat_never_shows_a_dot(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        await tab.shows("chat")
        await other.shows("elsewhere")
        chat = await over(tab, await tab.ask("chat", options=SHORT))
        await other.settled()
        for one in (tab, other):
            assert marks(one) == []
            assert not any(frame["data"].get("chat", {}).get("unseen") for frame in one.of_type("event"))
        assert not chat["unseen"]


async def test_g26_nobody_is_there_before_the_first_word_of_a_screen(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        asked = await tab.ask("chat", options=SHORT)
        assert (await over(tab, asked))["unseen"]
        assert marks(tab) == [("chat.unseen", asked["messageId"])]
        ended, unseen = [frame for frame in tab.of_type("event") if frame["data"].get("messageId")][-2:]
        assert (ended["name"], unseen["name"]) == ("stream.ended", "chat.unseen")
        assert "sourceClientId" not in unseen


async def test_g26_one_of_two_tabs_on_one_of_two_devices_is_enough(shared_server: ServerProcess) -> None:
    tokens = devices(shared_server.url)
    async with (
        opened(shared_server.url, tokens["phone"]) as phone,
        opened(shared_server.url, tokens["desk"]) as desk,
        opened(shared_server.url, tokens["desk"]) as second,
    ):
        steps: list[tuple[dict[str, Any], bool]] = [
            ({"phone": ("chat", "hidden"), "desk": ("other", "visible"), "second": ("chat", "visible")}, True),
            ({"second": ("chat", "hidden")}, False),
            ({"desk": ("chat", "visible")}, True),
            ({"desk": ("other", "visible"), "phone": ("chat", "visible")}, True),
            ({"phone": (None, "visible")}, False),
        ]
        tabs = {"phone": phone, "desk": desk, "second": second}
        for says, watched in steps:
            for name, (chat_id, visibility) in says.items():
                await tabs[name].shows(chat_id, visibility)
            before = len(marks(phone))
            asked = await phone.ask("chat", options=SHORT)
            await over(phone, asked)
            assert marks(phone)[before:] == ([] if watched else [("chat.unseen", asked["messageId"])]), says


async def test_g26_what_counts_is_who_looks_at_the_end(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        for number, (before, after) in enumerate([("visible", "hidden"), ("hidden", "visible")]):
            chat_id = f"chat{number}"
            await tab.shows(chat_id, before)
            asked = await tab.ask(chat_id, options=SLOW)
            await tab.shows(chat_id, "visible" if before == "hidden" else "hidden")
            await tab.shows(chat_id, before)
            await tab.shows(chat_id, after)
            followed = tab.streams.get(asked["streamId"])  # a hidden tab may not have been sent anything yet
            assert followed is None or followed.end is None, "it ended before the tab had made up its mind"
            assert (await over(other, asked))["unseen"] is (after == "hidden")


async def test_g26_a_tab_that_dies_without_a_word_looks_at_nothing(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        async with opened(shared_server.url, tab.token) as killed:
            await killed.shows("chat")
            asked = await tab.ask("chat", options=SLOW)
            await killed.cut()
        assert (await over(tab, asked))["unseen"]


async def test_g26_seen_on_one_device_is_seen_on_every_device(shared_server: ServerProcess) -> None:
    tokens = devices(shared_server.url)
    async with opened(shared_server.url, tokens["phone"]) as phone, opened(shared_server.url, tokens["desk"]) as desk:
        asked = await desk.ask("chat", options=SHORT)
        await phone.event("chat.unseen", chatId="chat")
        ack = await phone.command("chat.seen", chatId="chat", messageId=asked["messageId"])
        assert ack["result"] == {}
        for one in (phone, desk):
            seen = await one.event("chat.seen", chatId="chat", messageId=asked["messageId"])
            assert seen["sourceClientId"] == phone.client_id
            assert not seen["data"]["chat"]["unseen"]
        await desk.command("chat.seen", chatId="chat", messageId=asked["messageId"])
        await desk.settled()
        names = [name for name, _ in marks(desk)]
        assert names == ["chat.unseen", "chat.seen"], "what is seen already is not seen again"
        async with opened(shared_server.url, tokens["phone"]) as fresh:
            (chat,) = fresh.of_type("welcome")[0]["snapshot"]["chats"]
            assert not chat["unseen"]


async def test_g26_failed_is_unseen_and_stopped_is_not(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        failed = await over(tab, await tab.ask("failed", options={"fault": "error"}))
        assert (failed["unseen"], failed["lastStatus"]) == (True, "failed")
        asked = await tab.ask("stopped", options={"fault": "hang"})
        await tab.command("stream.stop", streamId=asked["streamId"])
        stopped = await over(tab, asked)
        assert (stopped["unseen"], stopped["lastStatus"]) == (False, "stopped")


async def test_g26_an_answer_that_a_killed_server_left_is_unseen(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        await tab.shows("chat")
        asked = await tab.ask("chat", options={"tokens": 10_000, "pace": 100})
        await tab.reached(asked["streamId"], 5)
        token = tab.token
        server.kill()
        await tab.closed()
    server.start()
    async with opened(server.url, token) as again:
        (chat,) = again.of_type("welcome")[0]["snapshot"]["chats"]
        assert (chat["unseen"], chat["lastStatus"]) == (True, "interrupted")
