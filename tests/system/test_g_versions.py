"""The message tree over the wire: regenerate, retry, edit and select, as every tab of a user sees them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.fake_anthropic import FakeAnthropic, answer
from tests.system.server import ServerProcess
from tests.wire import Frame, Refused, Tab, opened, question, text_of

ENDLESS = {"tokens": 100_000, "pace": 200}
SHORT = {"tokens": 5, "pace": 0}
HANGING = {"fault": "hang"}


async def answered(tab: Tab, text: str = "Hello?", **fields: Any) -> Frame:
    """A question whose answer is complete; the `GenerationResult`."""
    result = await tab.ask("chat", text, options=SHORT, **fields)
    await tab.ended(result["streamId"])
    return result


async def once_more(tab: Tab, kind: str = "message.regenerate", **fields: Any) -> Frame:
    """Carry out a generating command and wait for its end; the `GenerationResult`."""
    merged: Frame = {"chatId": "chat", "options": SHORT} | fields
    result: Frame = (await tab.command(kind, **merged))["result"]
    await tab.ended(result["streamId"])
    return result


def said_at_start(tab: Tab, result: Frame) -> Frame:
    """The metadata of the `start` chunk."""
    metadata: Frame = tab.streams[result["streamId"]].frames[0]["chunks"][0]["messageMetadata"]
    return metadata


async def shown(tab: Tab) -> list[str]:
    return [message["id"] for message in await tab.history("chat")]


async def test_a_regenerated_answer_is_a_version_beside_the_old_one(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        first = await answered(tab)
        second = await once_more(tab)
        assert second.keys() == {"chatId", "messageId", "streamId", "status", "seq"}
        versions = {"index": 1, "ids": [first["messageId"], second["messageId"]]}
        told = said_at_start(tab, second)
        assert (told["versions"], told["parentId"]) == (versions, first["userMessageId"])
        assert await shown(other) == [first["userMessageId"], second["messageId"]]
        stored = (await other.history("chat"))[-1]
        assert stored == tab.streams[second["streamId"]].fold.message(), "history and stream say the same"
        assert stored["metadata"]["versions"] == versions
        event = await other.event("stream.started", streamId=second["streamId"])
        assert event["data"]["chat"]["leafId"] == second["messageId"]
        assert len([frame for frame in other.of_type("event") if frame["name"] == "message.created"]) == 1


async def test_an_older_answer_is_regenerated_on_its_own_branch(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        first, second = await answered(tab), await answered(tab, "And then?")
        third = await once_more(tab, messageId=first["messageId"])
        assert await shown(tab) == [first["userMessageId"], third["messageId"]]
        await tab.command("message.select", chatId="chat", messageId=first["messageId"])
        assert (await shown(tab))[1:] == [first["messageId"], second["userMessageId"], second["messageId"]]


async def test_g03_a_repeated_regenerate_writes_one_version(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        await answered(tab)
        frame: Frame = {"id": "again", "chatId": "chat", "options": SHORT}
        acks = await asyncio.gather(*(one.command("message.regenerate", **frame) for one in (tab, other)))
        assert acks[0]["result"] == acks[1]["result"]
        assert sorted("duplicate" in ack for ack in acks) == [False, True]
        await asyncio.gather(*(one.ended(acks[0]["result"]["streamId"]) for one in (tab, other)))
        assert len((await tab.history("chat"))[-1]["metadata"]["versions"]["ids"]) == 2
        for kind in ("message.retry", "message.regenerate"):
            conflict = await tab.refused(kind, **frame | {"messageId": "another"})
            assert conflict["code"] == "idempotency_conflict"


async def test_g17_of_two_tabs_that_regenerate_in_the_same_moment_one_is_told(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab, opened(roomy_server.url, tab.token) as other:
        await answered(tab)
        for number in range(2, 17):
            answers = await asyncio.gather(
                *(one.command("message.regenerate", chatId="chat", options=HANGING) for one in (tab, other)),
                return_exceptions=True,
            )
            (ran,) = [ack["result"] for ack in answers if isinstance(ack, dict)]
            (refused,) = [refusal for refusal in answers if isinstance(refusal, Refused)]
            assert (refused.code, refused.error["details"]) == ("stream_active", {"streamId": ran["streamId"]})
            await tab.command("stream.stop", chatId="chat")
            await tab.event("stream.ended", streamId=ran["streamId"])
            _, last = await tab.history("chat")
            assert (last["id"], len(last["metadata"]["versions"]["ids"])) == (ran["messageId"], number)


async def test_g04_commands_on_one_chat_run_in_the_order_they_were_sent(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        first = await answered(tab)
        second = await once_more(tab)
        for number in range(6):
            for kind, message in (("a", first), ("b", second)):
                frame = {"type": "message.select", "id": f"{kind}{number}", "chatId": "chat"}
                await tab.send(frame | {"messageId": message["messageId"]})
        await tab.answer("b5")
        acks = [frame["id"] for frame in tab.of_type("ack") if frame["id"][1:].isdigit()]
        assert acks == [f"{kind}{number}" for number in range(6) for kind in "ab"]
        assert (await shown(tab))[-1] == second["messageId"]


@pytest.mark.parametrize("ends", ["stopped", "failed"])
async def test_a_retry_asks_the_same_question_again(shared_server: ServerProcess, ends: str) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        options = ENDLESS if ends == "stopped" else {"tokens": 5, "pace": 0, "fault": "midway"}
        first = await tab.ask("chat", options=options)
        await tab.reached(first["streamId"], 4)
        if ends == "stopped":
            await tab.command("stream.stop", streamId=first["streamId"])
        assert (await tab.ended(first["streamId"]))["status"] == ends
        second = await once_more(other, "message.retry")
        versions = {"index": 1, "ids": [first["messageId"], second["messageId"]]}
        said, stored = await tab.history("chat")
        assert said["id"] == first["userMessageId"]
        assert (stored["metadata"]["versions"], stored["metadata"]["status"]) == (versions, "completed")
        assert stored == other.streams[second["streamId"]].fold.message()


async def test_a_try_that_wrote_nothing_is_no_version_once_another_is_shown(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        first = await tab.ask("chat", options={"fault": "refused"})
        assert (await tab.ended(first["streamId"]))["status"] == "failed"
        assert (await tab.history("chat"))[-1]["metadata"]["versions"]["ids"] == [first["messageId"]]
        second = await once_more(tab, "message.retry", messageId=first["messageId"])
        alone = {"index": 0, "ids": [second["messageId"]]}
        assert said_at_start(tab, second)["versions"] == alone
        assert (await tab.history("chat"))[-1]["metadata"]["versions"] == alone


async def test_g18_an_interrupted_answer_is_retried_after_the_restart(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        first = await tab.ask("chat", options=ENDLESS)
        await tab.reached(first["streamId"], 10)
        await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    async with opened(server.url, tab.token) as again:
        assert (await again.history("chat"))[-1]["metadata"]["status"] == "interrupted"
        second = await once_more(again, "message.retry")
        stored = (await again.history("chat"))[-1]
        assert stored["metadata"]["versions"] == {"index": 1, "ids": [first["messageId"], second["messageId"]]}


async def test_only_what_did_not_come_to_its_end_is_retried(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        first = await answered(tab)
        for named in ({}, {"messageId": first["messageId"]}):
            error = await tab.refused("message.retry", chatId="chat", **named)
            assert (error["code"], error["param"]) == ("invalid_argument", "$.messageId")
        running = (await tab.command("message.regenerate", chatId="chat", options=HANGING))["result"]
        for if_active in ("reject", "stop", "queue"):
            error = await tab.refused("message.retry", chatId="chat", ifActive=if_active)
            assert (error["code"], error["details"]) == ("stream_active", {"streamId": running["streamId"]})
        await tab.command("stream.stop", chatId="chat")
        await tab.ended(running["streamId"])


async def test_an_edit_asks_beside_the_old_question(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        first = await answered(tab)
        old = await answered(tab, "And then?")
        new = await once_more(tab, "message.edit", messageId=old["userMessageId"], message=question("And now?"))
        versions = {"index": 1, "ids": [old["userMessageId"], new["userMessageId"]]}
        await other.event("stream.started", streamId=new["streamId"])
        created = [frame["data"] for frame in other.of_type("event") if frame["name"] == "message.created"][-1]
        assert (created["parentId"], created["message"]["metadata"]["versions"]) == (first["messageId"], versions)
        history = await other.history("chat")
        assert [text_of(message) for message in history if message["role"] == "user"] == ["Hello?", "And now?"]
        assert history[2] == created["message"]
        root = await once_more(tab, "message.edit", messageId=first["userMessageId"], message=question("Hi?"))
        history = await other.history("chat")
        assert [message["id"] for message in history] == [root["userMessageId"], root["messageId"]]
        assert history[0]["metadata"]["versions"]["ids"] == [first["userMessageId"], root["userMessageId"]]
        assert "parentId" not in history[0]["metadata"]


async def test_a_selected_version_is_shown_on_every_device_with_what_was_below_it(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        first = await answered(tab)
        below = await answered(tab, "And then?")
        second = await once_more(tab, messageId=first["messageId"])
        await other.event("stream.ended", streamId=second["streamId"])
        ack = await tab.command("message.select", id="select", chatId="chat", messageId=first["userMessageId"])
        assert ack["result"] == {}
        assert (await shown(other))[-1] == second["messageId"], "what is shown already stays"
        seen = len(other.frames)
        await tab.command("message.select", id="first", chatId="chat", messageId=first["messageId"])
        event = await other.event("chat.updated", since=seen, chatId="chat")
        assert event["data"]["chat"]["leafId"] == below["messageId"]
        assert event["sourceClientId"] == tab.client_id
        branch = [first["userMessageId"], first["messageId"], below["userMessageId"], below["messageId"]]
        assert await shown(other) == branch
        await other.command("message.select", chatId="chat", messageId=second["messageId"])
        again = await tab.command("message.select", id="first", chatId="chat", messageId=first["messageId"])
        assert again == {"type": "ack", "id": "first", "result": {}, "duplicate": True}
        assert await shown(tab) == [first["userMessageId"], second["messageId"]], "a repeat has no second effect"


async def test_a_question_goes_below_what_is_shown(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        first = await answered(tab)
        await once_more(tab)
        await tab.command("message.select", chatId="chat", messageId=first["messageId"])
        await answered(tab, "And then?")
        assert (await shown(tab))[:2] == [first["userMessageId"], first["messageId"]]


async def test_only_the_shown_branch_goes_to_the_model(tmp_path: Path) -> None:
    async with FakeAnthropic(answer("One.")) as provider:
        settings = {"ANTHROPIC_API_KEY": "test", "ANTHROPIC_BASE_URL": provider.url}
        with ServerProcess(tmp_path / "data", **settings) as server:
            async with opened(server.url) as tab:
                first = await tab.ask("chat", "Kept")
                await tab.ended(first["streamId"])
                old = await tab.ask("chat", "Old")
                await tab.ended(old["streamId"])
                seen = len(provider.requests)
                await once_more(
                    tab, "message.edit", messageId=old["userMessageId"], message=question("New"), options={}
                )
                sent = provider.requests[seen].body
                assert [turn["role"] for turn in sent["messages"]] == ["user", "assistant", "user"]
                assert "New" in str(sent["messages"])
                assert "Old" not in str(sent["messages"])
                seen = len(provider.requests)
                await once_more(tab, messageId=first["messageId"], options={})
                assert [turn["role"] for turn in provider.requests[seen].body["messages"]] == ["user"]


@pytest.mark.parametrize("kind", ["message.edit", "message.regenerate", "message.retry", "message.select"])
async def test_g32_unknown_and_foreign_messages_are_not_found(shared_server: ServerProcess, kind: str) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url) as stranger:
        result = await answered(tab)
        elsewhere = await stranger.ask("chat", options=SHORT)
        await stranger.ended(elsewhere["streamId"])
        own = await stranger.ask("another", options=SHORT)
        await stranger.ended(own["streamId"])
        fields = {"message": question()} if kind == "message.edit" else {}
        wanted = "userMessageId" if kind == "message.edit" else "messageId"
        for chat_id, message_id in (
            ("chat", result[wanted]),  # another user's
            ("chat", own[wanted]),  # of another chat
            ("chat", "none"),
            ("none", result[wanted]),
            ("none", "none"),
        ):
            error = await stranger.refused(kind, chatId=chat_id, messageId=message_id, **fields)
            assert (error["code"], error["param"]) == (
                "not_found",
                "$.chatId" if chat_id == "none" else "$.messageId",
            )
        chats = (await stranger.command("dashboard.get"))["result"]["chats"]
        assert {chat["chatId"] for chat in chats} == {"chat", "another"}, "none of these creates a chat"
        assert len(await tab.history("chat")) == 2


async def test_each_verb_says_which_kind_of_message_it_takes(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        result = await answered(tab)
        wrong: list[tuple[str, Frame]] = [
            ("message.regenerate", {"messageId": result["userMessageId"]}),
            ("message.retry", {"messageId": result["userMessageId"]}),
            ("message.edit", {"messageId": result["messageId"], "message": question()}),
        ]
        for kind, fields in wrong:
            error = await tab.refused(kind, chatId="chat", **fields)
            assert (error["code"], error["param"]) == ("invalid_argument", "$.messageId")
        empty = question("") | {"id": "empty"}
        fields = {"chatId": "chat", "messageId": result["userMessageId"]}
        error = await tab.refused("message.edit", message=empty, **fields)
        assert (error["code"], error["param"]) == ("invalid_argument", "$.message.parts")
        taken = question() | {"id": result["userMessageId"]}
        error = await tab.refused("message.edit", message=taken, **fields)
        assert (error["code"], error["param"]) == ("message_conflict", "$.message.id")


@pytest.mark.parametrize("kind", ["message.edit", "message.regenerate", "message.retry"])
async def test_g15_a_stop_that_comes_first_is_kept_for_every_generating_command(
    shared_server: ServerProcess, kind: str
) -> None:
    async with opened(shared_server.url) as tab:
        first = await tab.ask("chat", options=HANGING)
        await tab.command("stream.stop", streamId=first["streamId"])
        await tab.ended(first["streamId"])
        await tab.command("stream.stop", commandId=f"early.{kind}".replace(".", "_"))
        fields: Frame = {"options": ENDLESS}
        if kind == "message.edit":
            fields |= {"messageId": first["userMessageId"], "message": question()}
        result = await once_more(tab, kind, id=f"early.{kind}".replace(".", "_"), **fields)
        assert tab.streams[result["streamId"]].end == await tab.ended(result["streamId"])
        stored = (await tab.history("chat"))[-1]
        assert (stored["id"], stored["parts"], stored["metadata"]["status"]) == (result["messageId"], [], "stopped")


@pytest.mark.parametrize("kind", ["message.edit", "message.regenerate"])
async def test_g17_every_generating_command_may_stop_or_queue(shared_server: ServerProcess, kind: str) -> None:
    async with opened(shared_server.url) as tab:
        first = await tab.ask("chat", options=ENDLESS)
        await tab.reached(first["streamId"], 4)

        def fields() -> Frame:
            if kind == "message.regenerate":
                return {"chatId": "chat", "options": SHORT}
            return {"chatId": "chat", "options": SHORT, "messageId": first["userMessageId"], "message": question()}

        assert (await tab.refused(kind, **fields()))["code"] == "stream_active"
        queued = (await tab.command(kind, **fields(), ifActive="stop"))["result"]
        assert queued["status"] == "queued"
        assert (await tab.ended(first["streamId"]))["status"] == "stopped"
        assert (await tab.ended(queued["streamId"]))["status"] == "completed"
        running = (await tab.command("message.regenerate", chatId="chat", options=ENDLESS))["result"]
        waiting = (await tab.command(kind, **fields(), ifActive="queue"))["result"]
        (item,) = (await tab.command("chat.get", chatId="chat"))["result"]["chat"]["queue"]
        assert (item["streamId"], item["text"]) == (waiting["streamId"], "Hello?")
        await tab.command("stream.stop", streamId=waiting["streamId"])
        await tab.command("stream.stop", streamId=running["streamId"])
        await tab.ended(running["streamId"])
