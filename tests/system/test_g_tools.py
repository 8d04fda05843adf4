"""Tools over the wire: several steps in one stream, and people who allow, deny, answer, stop, reload and race."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from protocol.parts.calls import NOT_ANSWERED, NOT_DECIDED
from protocol.parts.grammar import Grammar
from tests.fake_anthropic import FakeAnthropic, answer
from tests.system.server import ServerProcess
from tests.wire import Frame, Refused, Tab, guest, opened, text_of

SEARCH: dict[str, Any] = {"tool": "search_chats", "pace": 0}


def calls(message: Frame) -> list[Frame]:
    """The tool parts of a message."""
    return [part for part in message["parts"] if part["type"].startswith("tool-")]


async def last(tab: Tab, chat_id: str = "chat") -> Frame:
    """The last stored answer of a chat; what this tab was shown of it must be the same."""
    stored = (await tab.history(chat_id))[-1]
    [shown] = [followed for followed in tab.streams.values() if followed.fold.message_id == stored["id"]]
    assert shown.fold.message() == stored
    assert Grammar().extend(chunk for frame in shown.frames for chunk in frame["chunks"]).ended
    return stored


async def asking(tab: Tab, chat_id: str = "chat", **options: Any) -> tuple[str, str]:
    """Ask something whose answer waits for leave to search; returns the stream and the approval."""
    stream_id = (await tab.ask(chat_id, "The tide?", options=SEARCH | options))["streamId"]
    return stream_id, (await tab.asked(stream_id))[0]["approvalId"]


async def test_a_calculation_is_one_stream_of_two_steps(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        stream_id = (await tab.ask("chat", "What is 12*7?"))["streamId"]
        end = await tab.ended(stream_id)
        assert (end["status"], end["finishReason"]) == ("completed", "stop")
        stored = await last(tab)
        [call] = calls(stored)
        assert (call["state"], call["output"]) == ("output-available", {"result": "84", "isExact": True})
        assert text_of(stored).startswith("12*7 = **84**")
        assert [part["type"] for part in stored["parts"]].count("step-start") == 2
        async with opened(shared_server.url, tab.token) as late:
            await late.follow(stream_id)
            await late.ended(stream_id)
            assert late.streams[stream_id].fold.message() == stored
            assert len(late.streams[stream_id].frames) == 1


async def test_an_approval_from_another_tab_after_a_refresh(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as first:
        before = await first.ask("before", "When is the tide high?")
        await first.ended(before["streamId"])
        stream_id, approval_id = await asking(first)
        await first.cut()
        async with Tab(shared_server.url, first.token) as tab, opened(shared_server.url, first.token) as other:
            welcome = await tab.hello()
            [chat] = [chat for chat in welcome["snapshot"]["chats"] if chat["chatId"] == "chat"]
            assert chat["awaitingApproval"] is True
            assert [active["streamId"] for active in welcome["activeStreams"]] == [stream_id]
            await tab.follow(stream_id)
            [request] = await tab.asked(stream_id)
            assert request["approvalId"] == approval_id
            await other.command("tool.approval", streamId=stream_id, approvalId=approval_id, approved=True)
            told = await tab.event("chat.updated", chatId="chat")
            assert told["sourceClientId"] == other.client_id
            assert "awaitingApproval" not in told["data"]["chat"]
            assert (await tab.ended(stream_id))["status"] == "completed"
            stored = await last(tab)
            [call] = calls(stored)
            assert call["approval"] == {"id": approval_id, "approved": True}
            assert call["output"]["chats"][0]["excerpts"][0]["text"] == "When is the tide high?"
            assert "I searched your other chats" in text_of(stored)


async def test_a_denial_is_told_to_the_model(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        stream_id, approval_id = await asking(tab)
        await tab.command(
            "tool.approval", streamId=stream_id, approvalId=approval_id, approved=False, reason="Private."
        )
        assert (await tab.ended(stream_id))["status"] == "completed"
        stored = await last(tab)
        [call] = calls(stored)
        assert (call["state"], call["approval"]["reason"]) == ("output-denied", "Private.")
        assert text_of(stored).startswith("You did not allow me to use `search_chats`")
        assert "I was told: Private." in text_of(stored)


async def test_a_choice_of_the_person_is_a_tools_output(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        stream_id = (await tab.ask("chat", options={"tool": ["ask_person", "calculate"], "pace": 0}))["streamId"]
        await other.event("chat.updated", chatId="chat")
        await other.follow(stream_id)
        await tab.until(lambda _: len(calls(tab.streams[stream_id].fold.message())) == 2)
        [question, calculation] = calls(tab.streams[stream_id].fold.message())
        assert question["state"] == "input-available"
        choice = {"choice": question["input"]["choices"][1]}
        names = {"streamId": stream_id, "toolCallId": question["toolCallId"]}
        await other.command("tool.output", **names, output=choice)
        error = await tab.refused("tool.output", **names, output={"choice": "another"})
        assert (error["code"], error["param"]) == ("invalid_argument", "$.toolCallId")
        await tab.ended(stream_id)
        assert [call["output"] for call in calls(await last(tab))] == [choice, {"result": "84", "isExact": True}]
        assert calculation["toolCallId"] != question["toolCallId"]


async def test_of_two_decisions_that_race_one_counts(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab, opened(roomy_server.url, tab.token) as other:
        for number in range(10):
            stream_id, approval_id = await asking(tab, f"chat_{number}")
            names = {"streamId": stream_id, "approvalId": approval_id}
            outcomes = await asyncio.gather(
                tab.command("tool.approval", **names, approved=True),
                other.command("tool.approval", **names, approved=False),
                return_exceptions=True,
            )
            [lost] = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
            assert (lost.code, lost.error["param"]) == ("invalid_argument", "$.approvalId")
            approved = lost is outcomes[1]
            assert lost.error["details"] == {"approved": approved}
            await tab.ended(stream_id)
            [call] = calls(await last(tab, f"chat_{number}"))
            assert call["state"] == ("output-available" if approved else "output-denied")


async def test_g03_a_decision_sent_twice_has_one_effect(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        stream_id, approval_id = await asking(tab)
        frame = {"streamId": stream_id, "approvalId": approval_id, "approved": True}
        first = await tab.command("tool.approval", id="decision", **frame)
        assert first["result"] == {}
        await tab.ended(stream_id)
    async with opened(shared_server.url, tab.token) as again:
        assert (await again.command("tool.approval", id="decision", **frame))["duplicate"] is True
        error = await again.refused("tool.approval", id="decision", **(frame | {"approved": False}))
        assert error["code"] == "idempotency_conflict"


async def test_g16_a_stop_while_people_are_asked(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        stream_id, approval_id = await asking(tab, tool=["search_chats", "ask_person"])
        ack = await tab.command("stream.stop", streamId=stream_id)
        end = await tab.until(lambda got: got["type"] == "stream.end", since=tab.frames.index(ack), within=3)
        assert (end["status"], end["stopLatencyMs"] < 3_000) == ("stopped", True)
        denied, failed = calls(await last(tab))
        assert (denied["state"], denied["approval"]["reason"]) == ("output-denied", NOT_DECIDED)
        assert (failed["state"], failed["errorText"]) == ("output-error", NOT_ANSWERED)
        ended = await tab.event("stream.ended", streamId=stream_id)
        assert "awaitingApproval" not in ended["data"]["chat"]
        error = await tab.refused("tool.approval", streamId=stream_id, approvalId=approval_id, approved=True)
        assert error["code"] == "not_found"


@pytest.mark.slow
async def test_g18_killed_while_people_are_asked_it_is_interrupted(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        stream_id, approval_id = await asking(tab)
        shown = tab.streams[stream_id]
        server.kill()
        await tab.closed()
    server.start()
    async with Tab(server.url, tab.token) as again:
        again.streams[stream_id] = shown
        welcome = await again.hello(streams=[{"streamId": stream_id, "after": shown.last}])
        assert welcome["streams"][0]["status"] == "interrupted"
        assert not any("awaitingApproval" in chat for chat in welcome["snapshot"]["chats"])
        end = await again.ended(stream_id)
        assert (end["status"], end["error"]["retryable"]) == ("interrupted", True)
        [call] = calls(await last(again))
        assert (call["state"], call["approval"]["reason"]) == ("output-denied", NOT_DECIDED)
        error = await again.refused("tool.approval", streamId=stream_id, approvalId=approval_id, approved=True)
        assert error["code"] == "not_found"
        retried = await again.command("message.retry", chatId="chat", options=SEARCH)
        assert (await again.asked(retried["result"]["streamId"]))[0]["approvalId"] != approval_id


async def test_who_cannot_be_asked_gets_no_tools_that_ask(shared_server: ServerProcess) -> None:
    async with Tab(shared_server.url, guest(shared_server.url)) as tab:
        welcome = await tab.hello(capabilities=["telepathy"])
        assert welcome["capabilities"] == []
        stream_id = (await tab.ask("chat", options={"tool": ["search_chats", "calculate"]}))["streamId"]
        assert (await tab.ended(stream_id))["status"] == "completed"
        refused, done = calls(await last(tab))
        assert (refused["state"], refused["errorText"]) == ("output-error", "There is no tool 'search_chats' here.")
        assert done["state"] == "output-available"


async def test_tools_can_be_chosen_and_their_patience_set(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", TOOLS="search_chats", LIMIT_TOOL_WAIT_MS="200") as server:
        async with opened(server.url) as tab:
            assert tab.of_type("welcome")[0]["limits"]["toolWaitMs"] == 200
            stream_id = (await tab.ask("chat", "What is 12*7?"))["streamId"]
            await tab.ended(stream_id)
            assert calls(await last(tab)) == []
            stream_id, _ = await asking(tab, "other")
            assert (await tab.ended(stream_id))["status"] == "completed"
            [call] = calls(await last(tab, "other"))
            assert (call["state"], call["approval"]["reason"]) == ("output-denied", "Nobody answered in time.")


async def test_claude_thinks_calls_tools_and_goes_on(tmp_path: Path) -> None:
    """The fake refuses with 400 whatever Anthropic's API would."""
    async with FakeAnthropic() as provider:
        settings = {"ANTHROPIC_API_KEY": "test", "ANTHROPIC_BASE_URL": provider.url}
        with ServerProcess(tmp_path / "data", **settings) as server:
            async with opened(server.url) as tab:
                provider.script(
                    answer(
                        ["Let me see."],
                        thinking=["Hm."],
                        redacted=True,
                        tools=[("calculate", ['{"expression":', ' "12*7"}']), ("search_chats", ['{"query": "x"}'])],
                        stop_reason="tool_use",
                    ),
                    answer((), tools=[("calculate", ['{"expr'])], stop_reason="tool_use"),
                    answer(["It is ", "84."]),
                    answer(["You are welcome."]),
                )
                options = {"thinking": 1_024, "maxTokens": 2_000}
                stream_id = (await tab.ask("chat", "12*7?", options=options))["streamId"]
                [request] = await tab.asked(stream_id)
                await tab.command("tool.approval", streamId=stream_id, approvalId=request["approvalId"], approved=False)
                end = await tab.ended(stream_id)
                assert (end["status"], end["usage"]) == ("completed", {"inputTokens": 48, "outputTokens": 4})
                stored = await last(tab)
                assert [call["state"] for call in calls(stored)] == [
                    "output-available",
                    "output-denied",
                    "output-error",
                ]
                assert len(stored["metadata"]["thinkingMs"]) == 2
                first, second, third = provider.requests[:3]
                assert [tool["name"] for tool in first.body["tools"]] == ["calculate", "search_chats", "ask_person"]
                said, results = second.body["messages"][1:]
                assert [block["type"] for block in said["content"]] == [
                    *("thinking", "redacted_thinking", "text", "tool_use", "tool_use"),
                ]
                assert [result.get("is_error", False) for result in results["content"]] == [False, True]
                assert third.body["messages"][-1]["content"][0]["is_error"] is True
                stream_id = (await tab.ask("chat", "Thanks!", options=options))["streamId"]
                assert (await tab.ended(stream_id))["status"] == "completed"
                assert text_of((await tab.history("chat"))[-1]) == "You are welcome."
        assert provider.refused == []


async def test_a_stop_during_the_second_step_of_claude_keeps_the_first(tmp_path: Path) -> None:
    async with FakeAnthropic() as provider:
        provider.script(
            answer((), tools=[("calculate", ['{"expression": "1+1"}'])], stop_reason="tool_use"),
            answer([f"word{n} " for n in range(1_000)], pace=100),
        )
        settings = {"ANTHROPIC_API_KEY": "test", "ANTHROPIC_BASE_URL": provider.url}
        with ServerProcess(tmp_path / "data", **settings) as server:
            async with opened(server.url) as tab:
                stream_id = (await tab.ask("chat", "1+1?"))["streamId"]
                request = await provider.arrived(2)
                await tab.until(lambda _: "word3" in tab.streams[stream_id].text)
                await tab.command("stream.stop", streamId=stream_id)
                end = await tab.ended(stream_id)
                assert end["status"] == "stopped"
                await asyncio.wait_for(request.closed.wait(), 3)
                [call] = calls(await last(tab))
                assert call["output"] == {"result": "2", "isExact": True}
                stream_id = (await tab.ask("chat", "And?"))["streamId"]
                assert (await tab.ended(stream_id))["status"] == "completed"
        assert provider.refused == []
