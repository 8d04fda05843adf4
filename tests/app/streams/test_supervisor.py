"""Generations over a real store: from the command to the stored message."""

import asyncio
import itertools
import time
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.commands.reply import Caller
from app.models.interface import FinishReason, ModelFailure, Prompt, Sink
from app.store import messages, streams
from app.store.engine import Database
from app.store.errors import ConstraintViolation, StoreUnavailable
from app.streams import closing, history, supervisor
from app.streams.stream import Stream
from protocol.codec import decode_server
from protocol.frames.server import StreamEnd
from protocol.limits import Limits
from protocol.parts.fold import Fold
from tests.app.fakes import MemoryJournal, raw, say
from tests.app.world import Held, World, opened, until


def end_of(stream: Stream) -> StreamEnd:
    assert stream.end is not None
    frame = decode_server(stream.end)
    assert isinstance(frame, StreamEnd)
    return frame


def fold_of(stream: Stream) -> Fold:
    folded = Fold()
    for chunk in raw(stream.log):
        folded.apply(chunk)
    return folded


async def test_g13_the_stored_message_is_the_fold_and_agrees_with_the_end(world: World) -> None:
    caller = await world.guest()

    async def script(_prompt: Prompt, sink: Sink) -> FinishReason:
        sink.usage(3, 4)
        world.pass_ms(5)
        say(sink, "An", " answer")
        return "length"

    world.model.script = script
    stream = await world.answered(caller)
    question, answer = await world.history(caller)
    folded, end = fold_of(stream), end_of(stream)
    assert answer["parts"] == folded.parts
    assert folded.metadata is not None
    assert answer["metadata"] == folded.metadata | {"versions": {"index": 0, "ids": [answer["id"]]}}
    assert answer["metadata"]["parentId"] == question["id"]
    assert (end.status, end.finish_reason, end.seq) == ("completed", "length", stream.log.tail)
    assert end.usage is not None
    assert answer["metadata"]["usage"] == {"inputTokens": 3, "outputTokens": 4}
    row = await world.row(caller, stream.stream_id)
    assert (row.status, row.seq) == ("completed", end.seq)


async def test_g12_the_journal_gets_the_end_behind_the_last_chunk(world: World) -> None:
    stream = await world.answered(await world.guest())
    await world.quiet()
    assert isinstance(world.journal, MemoryJournal)
    assert world.journal.logs == {stream.stream_id: raw(stream.log)}
    assert world.journal.ends == {stream.stream_id: stream.end}


async def test_g14_an_answer_needs_no_reader_and_g16_a_stop_keeps_what_it_has(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    result = await world.ask(caller)
    await until(lambda: held.started == 1)
    assert world.supervisor.running == 1
    assert world.supervisor.halt(result["streamId"], "stop")
    stream = await world.ended(result["streamId"])
    assert stream.status == "stopped"
    assert (await world.history(caller))[1]["parts"][-1]["text"] == "so far"
    await world.quiet()
    assert world.supervisor.running == 0
    assert not world.supervisor.halt(result["streamId"], "stop")


async def test_the_title_comes_after_the_first_answer_and_only_then(world: World) -> None:
    caller = await world.guest()
    await world.answered(caller, text="What is a tide?")
    await world.quiet()
    await world.answered(caller, text="And a wire?")
    await world.quiet()
    assert world.model.titles == [("What is a tide?", "Hello!")]
    told = [data["chat"]["title"] for name, data in await world.events(caller) if name == "chat.updated"]
    assert told == ["A title"]


async def test_an_answer_waits_for_a_database_that_is_restarted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tries, read = itertools.count(1), history.prompt

    async def away_at_first(*arguments: Any, **named: Any) -> Prompt:
        if next(tries) < 3:
            raise StoreUnavailable("away")
        return await read(*arguments, **named)

    monkeypatch.setattr(history, "prompt", away_at_first)
    monkeypatch.setattr(supervisor, "PROMPT_PAUSE", 0.0)
    assert (await world.answered(await world.guest())).status == "completed"


@pytest.mark.parametrize("how", ["stopped", "failed"])
async def test_an_answer_does_not_wait_for_a_database_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async def away(*_: Any, **__: Any) -> Prompt:
        raise StoreUnavailable("away")

    monkeypatch.setattr(history, "prompt", away)
    if how == "failed":
        monkeypatch.setattr(supervisor, "PROMPT_PATIENCE", 0.0)
    caller = await world.guest()
    stream_id = (await world.ask(caller))["streamId"]
    stream = world.registry.get(stream_id)
    assert stream is not None
    if how == "stopped":
        await world.run(caller, "stream.stop", streamId=stream_id)
    await until(lambda: stream.ended)
    assert stream.status == how


async def test_an_answer_that_failed_gives_no_title(world: World) -> None:
    async def script(_prompt: Prompt, sink: Sink) -> FinishReason:
        raise ModelFailure("model_overloaded", "Busy.")

    world.model.script = script
    stream = await world.answered(await world.guest())
    await world.quiet()
    assert stream.status == "failed"
    assert not world.model.titles


async def test_a_title_that_cannot_be_had_leaves_the_provisional_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def title(_question: str, _answer: str) -> str:
        raise ModelFailure("model_overloaded", "Busy.")

    monkeypatch.setattr(world.model, "title", title)
    caller = await world.guest()
    await world.answered(caller, text="What is a tide?")
    await world.quiet()
    snapshot = (await world.run(caller, "dashboard.get")).result
    assert [chat["title"] for chat in snapshot["chats"]] == ["What is a tide?"]


async def test_the_model_gets_the_shown_branch_and_nothing_else(world: World) -> None:
    caller = await world.guest()
    await world.answered(caller, "other", "Elsewhere")
    await world.answered(caller, text="One")
    await world.answered(caller, text="Two", options={"pace": 1})
    prompt = world.model.prompts[-1]
    assert [(message["role"], message["parts"][-1]["text"]) for message in prompt.messages] == [
        ("user", "One"),
        ("assistant", "Hello!"),
        ("user", "Two"),
    ]
    assert prompt.options == {"pace": 1}


# One after the other


async def test_g17_what_waits_starts_when_the_one_before_is_stored(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    first = await world.ask(caller, text="One")
    second = await world.ask(caller, text="Two", ifActive="queue")
    third = await world.ask(caller, text="Three", ifActive="queue")
    assert [result["status"] for result in (first, second, third)] == ["streaming", "queued", "queued"]
    await until(lambda: held.started == 1)
    held.gate.set()
    for result in (first, second, third):
        await world.ended(result["streamId"])
    texts = [message["parts"][-1]["text"] for message in await world.history(caller)]
    assert texts == ["One", "so far", "Two", "so far", "Three", "so far"]


async def test_a_user_runs_only_so_many_at_once(store: Database) -> None:
    async with opened(World(store, limits=Limits(generations_at_once=2))) as world:
        caller, other, held = await world.guest(), await world.guest(), Held()
        world.model.script = held
        results = [await world.ask(caller, f"c{n}") for n in range(4)]
        assert [result["status"] for result in results] == ["streaming", "streaming", "queued", "queued"]
        assert (await world.ask(other, "c0"))["status"] == "streaming"
        await until(lambda: held.started == 3)
        assert world.supervisor.running == 3
        held.gate.set()
        for result in results:
            assert (await world.ended(result["streamId"])).status == "completed"


async def test_a_queue_that_cannot_start_does_not_keep_the_answer_before_from_its_end(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    first = await world.ask(caller, text="One")
    second = await world.ask(caller, text="Two", ifActive="queue")
    await until(lambda: held.started == 1)
    await world.store.execute(  # as if a message with the id of the waiting answer were there
        "UPDATE messages SET message_id = :taken WHERE message_id = :id",
        {"taken": second["messageId"], "id": first["userMessageId"]},
    )
    held.gate.set()
    stream = await world.ended(first["streamId"])
    assert stream.status == "completed"
    assert "cannot start" in caplog.text
    assert (await world.row(caller, second["streamId"])).status == "queued"


async def test_an_end_that_cannot_be_stored_ends_empty_and_frees_its_chat(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = messages.commit

    async def refuses(*args: Any, parts: Any, **rest: Any) -> None:
        if parts:
            raise ConstraintViolation("a part of it")
        await stored(*args, parts=parts, **rest)

    monkeypatch.setattr(messages, "commit", refuses)
    caller = await world.guest()
    stream = await world.ended((await world.ask(caller))["streamId"])
    row = await world.row(caller, stream.stream_id)
    assert (stream.status, row.status) == ("failed", "failed")
    assert "ends empty" in caplog.text
    monkeypatch.undo()
    assert (await world.ended((await world.ask(caller))["streamId"])).status == "completed"


async def test_a_drain_does_not_wait_for_a_title(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def slow_title(*_: str) -> str:
        asked.set()
        await never.wait()
        return "Never"

    monkeypatch.setattr(world.model, "title", slow_title)
    await world.ended((await world.ask(await world.guest()))["streamId"])
    await asyncio.wait_for(asked.wait(), 5)
    await asyncio.wait_for(world.supervisor.drain(60), 5)


# When the store is away


class Flaky:
    """Makes changes fail: before they begin, or after they were committed."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.before = self.after = 0
        self._change = world.outbox.change
        monkeypatch.setattr(world.outbox, "change", self.change)
        monkeypatch.setattr(closing, "FIRST_PAUSE", 0.001)

    def change(self, user_id: str) -> Any:
        @asynccontextmanager
        async def change() -> Any:
            if self.before:
                self.before -= 1
                raise StoreUnavailable("away")
            async with self._change(user_id) as change:
                yield change
            if self.after:
                self.after -= 1
                raise StoreUnavailable("the answer to the commit was lost")

        return change()


async def test_the_end_is_stored_when_the_store_is_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    result = await world.ask(caller)
    await until(lambda: held.started == 1)
    flaky = Flaky(world, monkeypatch)
    flaky.before = 3
    held.gate.set()
    stream = await world.ended(result["streamId"])
    assert (flaky.before, stream.status) == (0, "completed")
    assert (await world.history(caller))[1]["parts"][-1]["text"] == "so far"


async def test_g12_a_commit_whose_answer_was_lost_ends_the_stream_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    result = await world.ask(caller)
    await until(lambda: held.started == 1)
    Flaky(world, monkeypatch).after = 1
    held.gate.set()
    stream = await world.ended(result["streamId"])
    assert stream.status == "completed"
    ends = [data for name, data in await world.events(caller) if name == "stream.ended"]
    assert len(ends) == 1


async def test_an_answer_whose_user_is_gone_just_ends(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    result = await world.ask(caller)
    await until(lambda: held.started == 1)
    await world.store.execute("DELETE FROM users")
    held.gate.set()
    assert (await world.ended(result["streamId"])).status == "completed"


async def test_a_node_that_was_thought_dead_takes_over_what_is_stored(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    result = await world.ask(caller)
    await until(lambda: held.started == 1)
    async with world.change(caller) as change:
        assert await streams.finish(
            change.tx, result["streamId"], node=None, status="interrupted", seq=4, outcome={}, now=change.now
        )
    held.gate.set()
    assert (await world.ended(result["streamId"])).status == "interrupted"


# Draining


async def test_g30_a_drain_waits_for_answers(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    result = await world.ask(caller)
    await until(lambda: held.started == 1)
    draining = asyncio.create_task(world.supervisor.drain(60))
    await until(lambda: world.supervisor.draining)
    assert not draining.done()
    held.gate.set()
    await asyncio.wait_for(draining, 5)
    assert (await world.ended(result["streamId"])).status == "completed"


async def test_g30_a_drain_seals_what_outlasts_it(world: World) -> None:
    caller = await world.guest()
    world.model.script = Held()
    result = await world.ask(caller)
    began = time.monotonic()
    await world.supervisor.drain(2.05)
    assert time.monotonic() - began < 1.5
    stream = await world.ended(result["streamId"])
    assert (stream.status, end_of(stream).error is not None) == ("interrupted", True)
    assert (await world.history(caller))[1]["metadata"]["error"]["retryable"]


async def test_g30_a_drain_starts_nobody_who_waits(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    first = await world.ask(caller)
    second = await world.ask(caller, ifActive="queue")
    await until(lambda: held.started == 1)
    held.gate.set()
    await world.supervisor.drain(5)
    assert (await world.row(caller, first["streamId"])).status == "completed"
    assert (await world.row(caller, second["streamId"])).status == "queued"


async def test_what_still_runs_at_the_close_is_left_to_the_next_start(world: World) -> None:
    caller: Caller = await world.guest()
    world.model.script = Held()
    result = await world.ask(caller)
    await world.supervisor.close()
    assert (await world.row(caller, result["streamId"])).status == "streaming"
