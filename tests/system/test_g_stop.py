"""Guarantees 15 to 17: stopping an answer, and at most one answer at a time in a chat."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.fake_anthropic import FakeAnthropic, silent
from tests.system.server import ServerProcess
from tests.wire import Frame, Refused, Tab, opened, question, text_of

ENDLESS = {"tokens": 100_000, "pace": 200, "thinking": 3}
SHORT = {"tokens": 5, "pace": 0}


async def running(tab: Tab, chat_id: str = "chat", *, command_id: str | None = None) -> str:
    """An answer of which something was shown."""
    result = await tab.ask(chat_id, id=command_id, options=ENDLESS)
    stream_id: str = result["streamId"]
    await tab.reached(stream_id, 10)
    return stream_id


@pytest.mark.parametrize("way", ["streamId", "commandId", "chatId"])
async def test_g15_a_stop_ends_the_answer_however_it_is_named(shared_server: ServerProcess, way: str) -> None:
    async with opened(shared_server.url) as tab:
        stream_id = await running(tab, command_id="send_1")
        other = await running(tab, "another")
        named = {"streamId": stream_id, "commandId": "send_1", "chatId": "chat"}[way]
        ack = await tab.command("stream.stop", **{way: named})
        assert ack["result"] == {"streamId": stream_id, "status": "stopping"}
        end = await tab.ended(stream_id)
        assert end["status"] == "stopped"
        repeated = await tab.command("stream.stop", **{way: named})
        assert repeated["result"] == {"streamId": stream_id, "status": "stopped"}
        seen = tab.streams[other].last
        await tab.reached(other, seen + 5)  # the other answer runs on
        await tab.command("stream.stop", streamId=other)
        await tab.ended(other)


async def test_g15_a_stop_from_another_tab_ends_the_answer_in_both(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        stream_id = await running(tab)
        await other.follow(stream_id)
        await other.command("stream.stop", chatId="chat")
        ends = await asyncio.gather(tab.ended(stream_id), other.ended(stream_id))
        assert ends[0] == ends[1]
        assert ends[0]["status"] == "stopped"


async def test_g15_many_stops_at_once_have_one_effect(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        stream_id = await running(tab)
        acks = await asyncio.gather(*(one.command("stream.stop", chatId="chat") for one in (tab, other) * 4))
        assert {ack["result"]["streamId"] for ack in acks} == {stream_id}
        assert {ack["result"]["status"] for ack in acks} <= {"stopping", "stopped"}
        await tab.ended(stream_id)
        await tab.settled()
        assert len(tab.of_type("stream.end")) == 1


async def test_g15_a_stop_after_the_end_answers_how_it_ended(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        stream_id = (await tab.ask("chat", id="send_1", options=SHORT))["streamId"]
        await tab.ended(stream_id)
        for named in ({"streamId": stream_id}, {"commandId": "send_1"}, {"chatId": "chat"}):
            ack = await tab.command("stream.stop", **named)
            assert ack["result"] == {"streamId": stream_id, "status": "completed"}


async def test_g15_a_stop_names_exactly_one_thing(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        for named in ({}, {"streamId": "s", "chatId": "c"}, {"streamId": None}):
            assert (await tab.refused("stream.stop", **named))["code"] == "invalid_argument"
        for named in ({"streamId": "nothing"}, {"chatId": "nothing"}):
            assert (await tab.refused("stream.stop", **named))["code"] == "not_found"


async def test_g15_a_stop_before_its_send_stores_the_question_and_an_empty_answer(
    shared_server: ServerProcess,
) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        early = await other.command("stream.stop", commandId="send_1")
        assert early["result"] == {"status": "stopping"}
        assert (await other.command("stream.stop", commandId="send_1"))["result"] == {"status": "stopping"}
        stream_id = (await tab.ask("chat", id="send_1", options=ENDLESS))["streamId"]
        end = await tab.ended(stream_id)
        assert (end["status"], end["seq"]) == ("stopped", 0)
        said, answer = await tab.history("chat")
        assert text_of(said) == "Hello?"
        assert (answer["parts"], answer["metadata"]["status"]) == ([], "stopped")
        assert not tab.of_type("stream.chunk")
        next_id = await running(tab)  # the note was for that send alone
        await tab.command("stream.stop", streamId=next_id)
        assert (await tab.ended(next_id))["seq"] > 0


async def test_g15_a_stop_before_its_send_is_of_its_user_alone(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as stranger, opened(shared_server.url) as tab:
        await stranger.command("stream.stop", commandId="send_1")
        stream_id = (await tab.ask("chat", id="send_1", options=SHORT))["streamId"]
        assert (await tab.ended(stream_id))["status"] == "completed"


async def test_g15_a_stop_before_a_send_that_must_wait_stops_it_and_not_the_one_before(
    shared_server: ServerProcess,
) -> None:
    async with opened(shared_server.url) as tab:
        first = await running(tab)
        await tab.command("stream.stop", commandId="send_2")
        waiting = (await tab.ask("chat", id="send_2", options=ENDLESS, ifActive="queue"))["streamId"]
        await tab.reached(first, tab.streams[first].last + 5)
        an_hour_passes(shared_server)  # the send came in time, so its stop holds however long it waits
        await tab.command("stream.stop", streamId=first)
        assert (await tab.ended(first))["status"] == "stopped"
        assert (await tab.ended(waiting))["status"] == "stopped"
        assert tab.streams[waiting].last == 0


def an_hour_passes(server: ServerProcess) -> None:
    """Age the stops that wait for their send."""
    with contextlib.closing(sqlite3.connect(server.data_dir / "tidewire.db", isolation_level=None)) as database:
        database.execute("UPDATE early_stops SET expires_at = expires_at - 3600000")


async def test_g15_a_stop_takes_a_waiting_question_out_of_the_queue(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        first = await running(tab)
        waiting = await tab.ask("chat", "Not this", id="send_2", options=SHORT, ifActive="queue")
        last = await tab.ask("chat", "But this", options=SHORT, ifActive="queue")
        ack = await tab.command("stream.stop", commandId="send_2")
        assert ack["result"] == {"streamId": waiting["streamId"], "status": "stopped"}
        assert (await tab.ended(waiting["streamId"]))["status"] == "stopped"
        await tab.command("stream.stop", streamId=first)
        await tab.command("queue.update", chatId="chat", paused=False)
        assert (await tab.ended(last["streamId"]))["status"] == "completed"
        texts = [text_of(message) for message in await tab.history("chat") if message["role"] == "user"]
        assert texts == ["Hello?", "But this"]


@pytest.mark.parametrize("options", [ENDLESS, {"fault": "hang"}, {"fault": "hang", "faultAfter": 5, "pace": 0}])
async def test_g16_what_was_shown_is_what_is_stored(shared_server: ServerProcess, options: dict[str, Any]) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as late:
        stream_id = (await tab.ask("chat", options=options))["streamId"]
        await tab.reached(stream_id, 2)
        ack = await tab.command("stream.stop", streamId=stream_id)
        end = await tab.until(lambda got: got["type"] == "stream.end", within=3)
        stored = (await tab.history("chat"))[-1]
        shown = tab.streams[stream_id].fold
        assert shown.message() == stored
        assert shown.last is not None
        assert shown.last["type"] == "abort"
        assert not shown.open
        assert stored["metadata"]["status"] == "stopped"
        assert end["stopLatencyMs"] < 3_000
        assert tab.frames.index(ack) < tab.frames.index(end)
        await late.follow(stream_id)
        await late.ended(stream_id)
        assert late.streams[stream_id].fold.message() == stored


async def test_g16_a_stop_closes_the_providers_connection(tmp_path: Path) -> None:
    async with FakeAnthropic(silent()) as provider:
        provider.script(silent(after=3))
        settings = {"ANTHROPIC_API_KEY": "test", "ANTHROPIC_BASE_URL": provider.url}
        with ServerProcess(tmp_path / "data", **settings) as server:
            async with opened(server.url) as tab:
                for number, shown in enumerate((4, 2)):  # in the middle of an answer, and before its first word
                    stream_id = (await tab.ask(f"chat_{number}"))["streamId"]
                    request = await provider.arrived(number + 1)
                    await tab.reached(stream_id, shown)
                    assert not request.closed.is_set()
                    ack = await tab.command("stream.stop", streamId=stream_id)
                    end = await tab.until(
                        lambda got: got["type"] == "stream.end", since=tab.frames.index(ack) + 1, within=3
                    )
                    assert end["status"] == "stopped"
                    await asyncio.wait_for(request.closed.wait(), 3)
                    assert (await tab.history(f"chat_{number}"))[-1] == tab.streams[stream_id].fold.message()


async def test_g16_stopping_is_told_to_people(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        stream_id = await running(tab)
        await tab.command("stream.stop", streamId=stream_id)
        await tab.ended(stream_id)
        labels = [frame["label"] for frame in tab.of_type("stream.status")]
        assert labels[0] == "Thinking"
        assert set(labels) <= {"Thinking", "Stopping"}


async def test_g17_of_two_sends_in_the_same_moment_one_runs(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab, opened(roomy_server.url, tab.token) as other:
        for number in range(15):
            chat_id = f"chat_{number}"
            answers = await asyncio.gather(
                *(one.ask(chat_id, options={"fault": "hang"}) for one in (tab, other)), return_exceptions=True
            )
            (ran,) = [answer for answer in answers if isinstance(answer, dict)]
            (refused,) = [answer for answer in answers if isinstance(answer, Refused)]
            assert refused.code == "stream_active"
            assert refused.error["details"] == {"streamId": ran["streamId"]}
            await tab.command("stream.stop", chatId=chat_id)
            await tab.event("stream.ended", streamId=ran["streamId"])
            assert len(await tab.history(chat_id)) == 2


async def test_g17_if_active_stop_ends_the_first_and_starts_the_second(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        first = await running(tab)
        second = await tab.ask("chat", "Instead", options=SHORT, ifActive="stop")
        assert second["status"] == "queued"
        assert (await tab.ended(first))["status"] == "stopped"
        assert (await tab.ended(second["streamId"]))["status"] == "completed"
        told = [(frame["name"], frame["data"].get("streamId")) for frame in tab.of_type("event")]
        assert told.index(("stream.ended", first)) < told.index(("stream.started", second["streamId"]))
        history = await tab.history("chat")
        assert [message["role"] for message in history] == ["user", "assistant"] * 2
        assert history[1]["metadata"]["status"] == "stopped"
        assert history[1] == tab.streams[first].fold.message()


async def test_g17_if_active_queue_waits_its_turn_and_is_followed_at_once(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        first = await running(tab)
        asked = [await tab.ask("chat", f"Then {n}", options=SHORT, ifActive="queue") for n in range(3)]
        assert {result["status"] for result in asked} == {"queued"}
        shown = (await other.command("chat.get", chatId="chat"))["result"]
        assert [queued["text"] for queued in shown["chat"]["queue"]] == ["Then 0", "Then 1", "Then 2"]
        assert shown["activeStream"]["streamId"] == first
        followed = await other.follow(asked[0]["streamId"])
        assert (followed["status"], followed["seq"]) == ("queued", 0)
        await tab.command("stream.stop", streamId=first)
        await tab.command("queue.update", chatId="chat", paused=False)
        for result in asked:
            assert (await tab.ended(result["streamId"]))["status"] == "completed"
        await other.ended(asked[0]["streamId"])
        texts = [text_of(message) for message in await tab.history("chat") if message["role"] == "user"]
        assert texts == ["Hello?", "Then 0", "Then 1", "Then 2"]
        assert "queue" not in (await tab.command("chat.get", chatId="chat"))["result"]["chat"]


async def test_g17_tabs_that_stop_and_replace_each_other_leave_one_answer_running(
    roomy_server: ServerProcess,
) -> None:
    async with opened(roomy_server.url) as tab, opened(roomy_server.url, tab.token) as other:
        asked = await asyncio.gather(*(one.ask("chat", options=ENDLESS, ifActive="stop") for one in (tab, other) * 5))
        assert len({result["streamId"] for result in asked}) == 10
        active: set[str] = set()
        await tab.command("stream.stop", chatId="chat")
        for result in asked[:-1]:
            # Each start of the next one needs the end of the one before: stop whatever runs until nobody waits.
            await tab.command("stream.stop", streamId=result["streamId"])
        await tab.command("stream.stop", streamId=asked[-1]["streamId"])
        for result in asked:
            await tab.event("stream.ended", streamId=result["streamId"])
        for frame in tab.of_type("event"):
            if frame["name"] == "stream.started":
                active.add(frame["data"]["streamId"])
            elif frame["name"] == "stream.ended":
                active.discard(frame["data"]["streamId"])
            assert len(active) <= 1


@pytest.mark.parametrize("if_active", ["queue", "stop"])
async def test_g17_a_waiting_question_keeps_its_id_from_others(shared_server: ServerProcess, if_active: str) -> None:
    """Two of one id would break the chat when the second one's turn comes."""
    async with opened(shared_server.url) as tab:
        first = await running(tab)
        message = question("Once")
        waiting = await tab.ask("chat", message=message, options=SHORT, ifActive="queue")
        its_answer = question() | {"id": waiting["messageId"]}
        for chat_id, again in (("chat", message), ("another", message), ("another", its_answer)):
            error = await tab.refused("message.send", chatId=chat_id, message=again, options=SHORT, ifActive=if_active)
            assert (error["code"], error["param"]) == ("message_conflict", "$.message.id")
        await tab.command("stream.stop", streamId=first)
        await tab.command("queue.update", chatId="chat", paused=False)
        assert (await tab.ended(waiting["streamId"]))["status"] == "completed"
        assert len(await tab.history("chat")) == 4


async def test_g17_more_answers_than_may_run_at_once_wait(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("few") / "data"
    with ServerProcess(folder, LIMIT_GENERATIONS_AT_ONCE="2") as server:
        async with opened(server.url) as tab:
            asked: list[Frame] = [await tab.ask(f"chat_{n}", options=ENDLESS) for n in range(2)]
            third = await tab.ask("chat_2", options=SHORT)
            assert [result["status"] for result in asked] == ["streaming", "streaming"]
            assert third["status"] == "queued"
            await tab.command("stream.stop", chatId="chat_1")
            assert (await tab.ended(third["streamId"]))["status"] == "completed"
