"""In virtual time: a generation from its first chunk to its last, whatever the model does."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from app.models.catalogue import Catalogue
from app.models.interface import FinishReason, ModelFailure, Prompt, Sink
from app.store.errors import StoreUnavailable
from app.streams.generation import Ending
from app.streams.runner import CANCEL_GRACE, Halt, Runner
from protocol.errors import Refusal
from protocol.frames.objects import Usage
from protocol.parts import chunks
from protocol.parts.fold import Fold
from tests.app.fakes import Noting, Script, say
from tests.app.streams.stage import GENERATION, Stage, prompt
from tests.virtual import NOON, loop_clock


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    stage.ticking.cancel()
    await asyncio.wait([stage.ticking])


def raising(error: BaseException) -> Script:
    async def script(_prompt: Prompt, sink: Sink) -> FinishReason:
        sink.chunk(chunks.text_start("t"))
        sink.chunk(chunks.text_delta("t", "so far"))
        raise error

    return script


async def endless(_prompt: Prompt, sink: Sink) -> FinishReason:
    """Write a word every 10 ms, and never end."""
    sink.chunk(chunks.text_start("t"))
    while True:
        sink.chunk(chunks.text_delta("t", "word "))
        await asyncio.sleep(0.01)


async def test_an_answer_runs_from_its_start_to_its_finish(stage: Stage) -> None:
    ending = await stage.run()
    said = Usage(input_tokens=0, output_tokens=2, estimated=True)  # "Hello!" of a model that does not count
    assert ending == Ending("completed", finish_reason="stop", usage=said)
    assert stage.kinds[:2] == ["start", "start-step"]
    assert stage.kinds[-3:] == ["finish-step", "message-metadata", "finish"]
    folded = stage.fold
    assert folded.parts[-1]["text"] == "Hello!"
    assert folded.metadata == {
        "status": "completed",
        "model": "scripted",
        "endedAt": NOON * 1000,
        "finishReason": "stop",
        "usage": {"inputTokens": 0, "outputTokens": 2, "estimated": True},
    }


async def test_the_first_token_waits_for_no_tick(stage: Stage) -> None:
    async def script(_prompt: Prompt, sink: Sink) -> FinishReason:
        sink.chunk(chunks.text_start("t"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert stage.stream.head == stage.stream.log.tail == 3
        sink.chunk(chunks.text_end("t"))
        return "stop"

    assert (await stage.run(script)).status == "completed"


@pytest.mark.parametrize(
    ("script", "why", "status", "tokens"),
    [
        (endless, "stop", "stopped", 15),
        (endless, "drain", "interrupted", 15),
        (raising(ModelFailure("model_error", "It broke.")), "stop", "failed", 2),
    ],
)
async def test_what_an_answer_cost_is_guessed_from_its_text_when_nobody_says(
    stage: Stage, script: Script, why: Halt, status: str, tokens: int
) -> None:
    stage.halt_in(0.115, why)
    ending = await stage.run(script)
    assert (ending.status, ending.usage) == (status, Usage(input_tokens=0, output_tokens=tokens, estimated=True))
    assert stage.fold.metadata is not None
    assert stage.fold.metadata["usage"] == {"inputTokens": 0, "outputTokens": tokens, "estimated": True}


@pytest.mark.parametrize("why", ["stop", "drain"])
async def test_what_a_model_says_while_it_is_stopped_counts(stage: Stage, why: Halt) -> None:
    async def script(prompt: Prompt, sink: Sink) -> FinishReason:
        try:
            return await endless(prompt, sink)
        finally:
            sink.usage(10, 7, estimated=True)

    stage.halt_in(0.1, why)
    ending = await stage.run(script)
    assert ending.usage == Usage(input_tokens=10, output_tokens=7, estimated=True)


async def test_an_answer_that_may_not_be_written_fails_without_a_word(stage: Stage) -> None:
    refused = Refusal("quota_exceeded").error
    stage.runner.generation = replace(GENERATION, refused=refused)
    assert await stage.run() == Ending("failed", error=refused)
    assert (stage.stream.log.tail, stage.model.prompts) == (0, [])


async def test_usage_is_the_last_word_of_the_model(stage: Stage) -> None:
    async def script(_prompt: Prompt, sink: Sink) -> FinishReason:
        sink.usage(10, None)
        sink.usage(None, 3, estimated=True)
        say(sink, "x")
        sink.usage(None, 5)
        return "length"

    ending = await stage.run(script)
    assert ending == Ending("completed", finish_reason="length", usage=Usage(input_tokens=10, output_tokens=5))
    assert stage.fold.metadata is not None
    assert stage.fold.metadata["usage"] == {"inputTokens": 10, "outputTokens": 5}


async def test_people_are_told_what_the_model_does(stage: Stage) -> None:
    labels: list[bytes | None] = []

    class Listener(Noting):
        def flush(self) -> None:
            labels.append(self.stream.label)

    Listener(stage.stream)

    async def script(_prompt: Prompt, sink: Sink) -> FinishReason:
        sink.status("Reconnecting to the model")
        stage.runner.halt("stop")
        sink.status("not for anybody any more")
        await asyncio.sleep(10)
        return "stop"

    await stage.run(script)
    said = list(dict.fromkeys(label.decode().rpartition('"label":"')[2].rstrip('"}') for label in labels if label))
    assert said == ["Thinking", "Reconnecting to the model", "Stopping"]


# Stopping


async def test_g16_a_stop_closes_the_model_and_keeps_what_was_shown(stage: Stage) -> None:
    stage.halt_in(0.205)
    ending = await stage.run(endless)
    assert (ending.status, ending.stop_latency_ms) == ("stopped", 0)
    assert stage.kinds[-4:] == ["text-end", "finish-step", "message-metadata", "abort"]
    assert stage.fold.parts[-1]["text"] == "word " * 21
    assert stage.stream.status == "stopping"


async def test_g15_a_stop_before_the_start_never_calls_the_model(stage: Stage) -> None:
    stage.runner.halt("stop")
    ending = await stage.run()
    assert ending.status == "stopped"
    assert stage.stream.log.tail == 0
    assert not stage.model.prompts


async def test_the_first_reason_to_halt_counts(stage: Stage) -> None:
    stage.halt_in(0.1, "stop")
    stage.halt_in(0.1, "drain")
    stage.halt_in(0.1, "stop")
    assert (await stage.run(endless)).status == "stopped"


async def test_a_finish_that_beat_the_stop_wins(stage: Stage) -> None:
    async def script(_prompt: Prompt, sink: Sink) -> FinishReason:
        say(sink, "whole")
        stage.runner.halt("stop")
        return "stop"

    ending = await stage.run(script)
    assert (ending.status, ending.finish_reason) == ("completed", "stop")
    assert stage.kinds[-1] == "finish"


async def test_a_stop_while_the_prompt_is_read_ends_it(stage: Stage) -> None:
    async def slow() -> Prompt:
        await asyncio.sleep(100)
        raise AssertionError("never read")

    stage.halt_in(0.1)
    ending = await asyncio.wait_for(stage.runner.run(slow), 1)
    assert ending.status == "stopped"
    assert stage.fold.parts == [{"type": "step-start"}]


async def test_g16_a_model_that_ignores_its_cancellation_is_left_behind(stage: Stage) -> None:
    left = asyncio.Event()

    async def deaf(_prompt: Prompt, sink: Sink) -> FinishReason:
        sink.chunk(chunks.text_start("t"))
        for _ in range(10):
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                continue
            sink.chunk(chunks.text_delta("t", "too late"))
            sink.usage(1, 1)
        left.set()
        return "stop"

    stage.halt_in(0.1)
    began = asyncio.get_running_loop().time()
    ending = await stage.run(deaf)
    assert asyncio.get_running_loop().time() - began < CANCEL_GRACE + 0.2 < 2.0
    assert ending.status == "stopped"
    assert stage.fold.parts[-1]["text"] == ""
    tail = stage.stream.log.tail
    await left.wait()
    assert stage.stream.log.tail == tail, "a chunk came after the end"


async def test_a_drain_interrupts_and_offers_a_retry(stage: Stage) -> None:
    stage.halt_in(0.1, "drain")
    ending = await stage.run(endless)
    assert ending.status == "interrupted"
    assert ending.error is not None
    assert ending.error.retryable
    assert stage.kinds[-1] == "error"
    assert stage.stream.status == "streaming"


async def test_a_runaway_answer_ends_with_length() -> None:
    stage = Stage(max_bytes=2_000)
    ending = await stage.run(endless)
    assert (ending.status, ending.finish_reason, ending.stop_latency_ms) == ("completed", "length", None)
    assert 2_000 < stage.stream.log.size < 2_500
    assert stage.fold.parts[-1]["text"].startswith("word word ")
    stage.runner.halt("stop")  # too late, and harmless
    assert stage.stream.status == "streaming"
    stage.ticking.cancel()


async def test_running_is_cancelled_with_its_model(stage: Stage) -> None:
    cancelled = asyncio.Event()

    async def script(_prompt: Prompt, _sink: Sink) -> FinishReason:
        try:
            await asyncio.sleep(100)
        finally:
            cancelled.set()
        return "stop"

    task = asyncio.create_task(stage.run(script))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.wait_for(cancelled.wait(), 1)
    assert task.cancelled()


# Failing


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelFailure("model_overloaded", "Busy.", 5_000), "model_overloaded"),
        (ModelFailure("no_such_code", "Strange."), "model_error"),
        (StoreUnavailable("away"), "unavailable"),
        (RuntimeError("a bug"), "internal"),
        (KeyError("a bug"), "internal"),
        (ExceptionGroup("two bugs", [ValueError()]), "internal"),
        (TimeoutError(), "internal"),
    ],
)
async def test_a_model_may_raise_anything_and_keeps_what_it_wrote(stage: Stage, error: Exception, code: str) -> None:
    ending = await stage.run(raising(error))
    assert ending.status == "failed"
    assert ending.error is not None
    assert ending.error.code == code
    assert stage.fold.parts[-1]["text"] == "so far"
    assert stage.kinds[-1] == "error"


async def test_a_model_that_cancels_itself_is_interrupted(stage: Stage) -> None:
    assert (await stage.run(raising(asyncio.CancelledError()))).status == "interrupted"
    assert stage.fold.parts[-1]["text"] == "so far"


async def test_a_provider_says_when_to_try_again(stage: Stage) -> None:
    ending = await stage.run(raising(ModelFailure("model_overloaded", "Busy.", 5_000)))
    assert ending.error is not None
    assert (ending.error.message, ending.error.retry_after_ms) == ("Busy.", 5_000)


async def test_a_model_that_is_not_offered_any_more_fails_the_answer(stage: Stage) -> None:
    clock = loop_clock()
    generation = replace(GENERATION, model="gone")
    runner = Runner(
        generation,
        stage.stream,
        Catalogue([stage.model]),
        stage.calling,
        stage.ticker,
        clock,
        stage.tally,
        max_bytes=1_000,
    )
    ending = await runner.run(prompt)
    assert ending.error is not None
    assert ending.error.code == "model_not_available"
    assert stage.fold.parts == [{"type": "step-start"}]


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "text-start", "id": "x", "providerMetadata": {"a": {1, 2}}},
        {"type": "data-x", "data": b"bytes"},
        {"type": "data-x", "data": 2**70},
        {"type": "data-x", "data": {1: "key"}},
        {"type": "text-start", "id": ["unhashable"]},
        {"type": ["unhashable"]},
        {"type": "text-delta", "id": "t", "delta": 5},
        {"type": "text-delta", "id": "t"},
        {"type": "text-delta", "id": "never opened", "delta": "x"},
        {"type": "finish", "finishReason": "stop"},
        {"type": "finish-step"},
        {"id": "no type"},
        {},
    ],
    ids=str,
)
async def test_a_chunk_that_cannot_come_ends_the_answer_and_not_the_server(stage: Stage, bad: dict[str, Any]) -> None:
    async def script(_prompt: Prompt, sink: Sink) -> FinishReason:
        sink.chunk(chunks.text_start("t"))
        sink.chunk(chunks.text_delta("t", "so far"))
        sink.chunk(bad)
        return "stop"

    ending = await stage.run(script)
    assert ending.status == "failed"
    assert ending.error is not None
    assert ending.error.code == "model_error"
    assert [part.get("text") for part in stage.fold.parts] == [None, "so far"]


async def test_what_must_not_be_stored_is_stripped(stage: Stage) -> None:
    async def script(_prompt: Prompt, sink: Sink) -> FinishReason:
        say(sink, "a\0b", "\ud800c")
        return "stop"

    await stage.run(script)
    assert stage.fold.parts[-1]["text"] == "abc"


async def test_g19b_an_answer_ends_though_the_journal_is_away(stage: Stage) -> None:
    stage.journal.away = True
    ending = await stage.run()
    assert ending.status == "completed"
    assert stage.stream.head == stage.stream.log.tail
    stage.journal.away = False
    await asyncio.sleep(2)
    assert stage.fold.parts[-1]["text"] == "Hello!"


# A stop against a model that goes on


async def test_g16_a_model_that_writes_on_after_a_stop_has_not_finished() -> None:
    stage = Stage()

    async def writes_on(_prompt: Prompt, sink: Sink) -> FinishReason:
        say(sink, "shown")
        stage.runner.halt("stop")
        say(sink, " and never shown")
        return "stop"

    ended = await stage.run(writes_on)
    assert ended.status == "stopped"
    assert [part["text"] for part in Fold().extend(stage.stream.log.merged()).parts[1:]] == ["shown"]


async def test_g16_a_failure_while_it_is_stopped_is_nobodys_failure() -> None:
    stage = Stage()

    async def breaks(_prompt: Prompt, sink: Sink) -> FinishReason:
        say(sink, "shown")
        stage.runner.halt("stop")
        raise ModelFailure("model_error", "The connection broke.")

    assert (await stage.run(breaks)).status == "stopped"


async def test_whoever_joins_a_writing_answer_is_not_told_that_it_thinks() -> None:
    stage, labels = Stage(), list[bytes | None]()

    async def looks(_prompt: Prompt, sink: Sink) -> FinishReason:
        labels.append(stage.stream.label)
        say(sink, "a word")
        labels.append(stage.stream.label)
        return "stop"

    assert (await stage.run(looks)).status == "completed"
    assert b"Thinking" in (labels[0] or b"")
    assert labels[1] is None
