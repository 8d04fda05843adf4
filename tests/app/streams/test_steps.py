"""In virtual time: an answer that takes several steps, whatever its tools do."""

import asyncio
from typing import Any

import pytest

from app.models.interface import FinishReason, Prompt, Sink
from app.streams.calling import MOST_OUTPUT
from app.streams.runner import CANCEL_GRACE, Halt
from app.streams.steps import MOST_STEPS
from app.tools.interface import Scope, ToolError
from protocol.frames.objects import Usage
from protocol.parts import chunks
from protocol.parts.calls import NOT_ANSWERED
from tests.app.fakes import say
from tests.app.streams.calls import Run, Staged, Words, broken, call, calling, outcomes, slow, tool


async def test_a_call_is_carried_out_and_the_model_asked_again(staged: Staged) -> None:
    stage = staged(tool())

    async def script(prompt: Prompt, sink: Sink) -> FinishReason:
        if not prompt.messages:
            say(sink, "Let me look.")
            call(sink)
            sink.usage(10, 5)
            return "tool-calls"
        say(sink, "Found.")
        sink.usage(20, 3)
        return "stop"

    ending = await stage.run(script)
    assert (ending.status, ending.finish_reason) == ("completed", "stop")
    assert ending.usage == Usage(input_tokens=30, output_tokens=8)
    assert stage.kinds == [
        *("start", "start-step", "text-start", "text-delta", "text-end"),
        *("tool-input-start", "tool-input-delta", "tool-input-available", "tool-output-available"),
        *("finish-step", "start-step", "text-start", "text-delta", "text-end"),
        *("finish-step", "message-metadata", "finish"),
    ]
    first, second = stage.model.prompts
    assert [offer.name for offer in second.tools] == [offer.name for offer in first.tools]
    [so_far] = second.messages
    assert (so_far["id"], so_far["role"]) == ("m", "assistant")
    assert so_far["parts"] == stage.fold.parts[: len(so_far["parts"])]
    assert stage.calling.outcomes == {("echo", "ok"): 1}


async def test_calls_of_one_step_run_side_by_side_each_with_its_own_limit(staged: Staged) -> None:
    stage = staged(tool("slow", slow, time_limit=8), tool("hasty", slow, time_limit=2))
    ending = await stage.run(calling(("slow", "7"), ("hasty", "6"), ("hasty", "1")))
    assert ending.status == "completed"
    assert outcomes(stage) == [
        ("output-available", "7"),
        ("output-error", "The tool took longer than 2 seconds."),
        ("output-available", "1"),
    ]
    assert 7 <= asyncio.get_running_loop().time() < 8


async def unable(_arguments: Words, _scope: Scope) -> Any:
    raise ToolError("There is no such tide.")


async def endless(_arguments: Words, _scope: Scope) -> Any:
    return "x" * (MOST_OUTPUT + 1)


async def unspeakable(_arguments: Words, _scope: Scope) -> Any:
    return object()


async def deep(_arguments: Words, _scope: Scope) -> Any:
    value: list[Any] = []
    for _ in range(100):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (broken, "The tool failed."),
        (unable, "There is no such tide."),
        (endless, "The output is too long; ask for less."),
        (unspeakable, "The tool failed."),
        (deep, "The output of this tool cannot be shown."),
    ],
)
async def test_what_goes_wrong_with_a_tool_is_told_to_the_model(staged: Staged, run: Run, reason: str) -> None:
    stage = staged(tool(run=run))
    assert (await stage.run(calling(("echo", "x")))).status == "completed"
    assert outcomes(stage) == [("output-error", reason)]
    assert stage.model.prompts[1].messages[-1]["parts"][-1]["errorText"] == reason
    assert stage.fold.parts[-1]["text"] == "Done."


async def test_a_call_that_cannot_be_carried_out_is_told_to_the_model(staged: Staged) -> None:
    stage = staged(tool())
    await stage.run(calling(("unheard_of", "x"), ("echo", 5)))
    assert outcomes(stage) == [
        ("output-error", "There is no tool 'unheard_of' here."),
        ("output-error", "The arguments are wrong: Expected `str`, got `int` - at `$.words`."),
    ]
    assert stage.calling.outcomes == {("unknown", "error"): 1, ("echo", "error"): 1}


async def test_a_call_that_was_not_written_to_its_end_is_told_to_the_model(staged: Staged) -> None:
    stage = staged(tool())

    async def script(prompt: Prompt, sink: Sink) -> FinishReason:
        if not prompt.messages:
            sink.chunk(chunks.tool_input_error("a", "echo", '{"wor', "It broke off."))
            return "tool-calls"
        say(sink, "Again.")
        return "stop"

    assert (await stage.run(script)).status == "completed"
    assert outcomes(stage) == [("output-error", "It broke off.")]
    assert len(stage.model.prompts) == 2


async def test_a_model_that_only_calls_tools_must_answer_in_its_last_step(staged: Staged) -> None:
    stage = staged(tool())

    async def script(prompt: Prompt, sink: Sink) -> FinishReason:
        call(sink, call_id=f"call_{len(stage.model.prompts)}")
        return "tool-calls"

    ending = await stage.run(script)
    assert (ending.status, ending.finish_reason) == ("completed", "tool-calls")
    assert [prompt.must_answer for prompt in stage.model.prompts] == [False] * (MOST_STEPS - 1) + [True]
    assert outcomes(stage)[-1] == ("output-error", NOT_ANSWERED)
    assert {state for state, _ in outcomes(stage)[:-1]} == {"output-available"}


@pytest.mark.parametrize("reason", ["length", "content-filter", "stop", "other"])
async def test_a_step_that_ended_otherwise_runs_no_tools_and_leaves_none_open(
    staged: Staged, reason: FinishReason
) -> None:
    stage = staged(tool())

    async def script(_prompt: Prompt, sink: Sink) -> FinishReason:
        call(sink)
        return reason

    ending = await stage.run(script)
    assert (ending.status, ending.finish_reason) == ("completed", reason)
    assert outcomes(stage) == [("output-error", NOT_ANSWERED)]
    assert len(stage.model.prompts) == 1


async def test_what_a_provider_ran_itself_is_not_run_here(staged: Staged) -> None:
    stage = staged()

    async def script(_prompt: Prompt, sink: Sink) -> FinishReason:
        for chunk in (
            chunks.tool_input_available("a", "web_search", {}),
            chunks.tool_output_available("a", {"found": 1}),
        ):
            sink.chunk({**chunk, "providerExecuted": True})
        return "tool-calls"

    ending = await stage.run(script)
    assert (ending.finish_reason, len(stage.model.prompts)) == ("tool-calls", 1)
    assert outcomes(stage) == [("output-available", {"found": 1})]


# People


@pytest.mark.parametrize(("why", "status"), [("stop", "stopped"), ("drain", "interrupted")])
async def test_g16_a_stop_cancels_the_tools_and_closes_their_calls(staged: Staged, why: Halt, status: str) -> None:
    cancelled: list[str] = []

    async def stubborn(arguments: Words, _scope: Scope) -> Any:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            cancelled.append(arguments.words)
            raise

    stage = staged(tool(run=stubborn, time_limit=2000))
    stage.halt_in(1, why)
    ending = await stage.run(calling(("echo", "a"), ("echo", "b")))
    assert ending.status == status
    assert sorted(cancelled) == ["a", "b"]
    assert asyncio.get_running_loop().time() < 1.1
    assert outcomes(stage) == [("output-error", NOT_ANSWERED)] * 2
    assert len(stage.model.prompts) == 1


async def test_g16_a_tool_that_ignores_its_cancellation_is_left_behind(staged: Staged) -> None:
    async def deaf(_arguments: Words, _scope: Scope) -> Any:
        for _ in range(10):
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                continue
        return "too late"

    stage = staged(tool(run=deaf, time_limit=60))
    stage.halt_in(1)
    assert (await stage.run(calling(("echo", "a")))).status == "stopped"
    assert asyncio.get_running_loop().time() < 1 + CANCEL_GRACE + 0.1
    before = stage.kinds
    await asyncio.sleep(20)
    assert stage.kinds == before


async def test_a_stop_in_the_second_step_keeps_the_first_one(staged: Staged) -> None:
    stage = staged(tool())

    async def script(prompt: Prompt, sink: Sink) -> FinishReason:
        if not prompt.messages:
            call(sink)
            sink.usage(10, 5)
            return "tool-calls"
        sink.chunk(chunks.text_start("t"))
        sink.chunk(chunks.text_delta("t", "eight letters so"))
        await asyncio.sleep(1000)
        return "stop"

    stage.halt_in(1)
    ending = await stage.run(script)
    assert ending.status == "stopped"
    assert outcomes(stage) == [("output-available", {"said": "x"})]
    assert stage.fold.parts[-1]["text"] == "eight letters so"
    assert ending.usage == Usage(input_tokens=10, output_tokens=5 + 4, estimated=True)


async def test_an_output_that_fills_the_log_ends_the_answer(staged: Staged) -> None:
    async def long(_arguments: Words, _scope: Scope) -> Any:
        return "x" * 3_000

    stage = staged(tool(run=long), tool("slow", slow), max_bytes=2_000)
    ending = await stage.run(calling(("echo", "a"), ("slow", "5")))
    assert (ending.status, ending.finish_reason) == ("completed", "length")
    assert outcomes(stage) == [("output-available", "x" * 3_000), ("output-error", NOT_ANSWERED)]


# Thinking


async def test_thinking_is_timed_part_by_part(staged: Staged) -> None:
    stage = staged(tool())

    async def think(sink: Sink, seconds: float) -> None:
        sink.chunk(chunks.reasoning_start("r"))
        await asyncio.sleep(seconds)
        sink.chunk(chunks.reasoning_end("r"))

    async def script(prompt: Prompt, sink: Sink) -> FinishReason:
        await think(sink, 1.5)
        if not prompt.messages:
            call(sink)
            return "tool-calls"
        sink.chunk(chunks.reasoning_start("open"))
        await asyncio.sleep(1000)
        return "stop"

    stage.halt_in(5)
    await stage.run(script)
    assert stage.fold.metadata is not None
    assert stage.fold.metadata["thinkingMs"] == [1500, 1500, 2000]


async def test_an_answer_without_thoughts_does_not_time_them(staged: Staged) -> None:
    stage = staged(tool())
    await stage.run(calling(("echo", "x")))
    assert stage.fold.metadata is not None
    assert "thinkingMs" not in stage.fold.metadata
