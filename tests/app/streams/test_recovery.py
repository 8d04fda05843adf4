"""What a start makes of every place where a process can have died."""

from typing import Any

import pytest

from app.commands.reply import Caller
from app.models.catalogue import Catalogue
from app.store import usage
from app.store.engine import Database
from app.store.errors import StoreUnavailable
from app.store.usage import Spent
from app.streams import sealing
from app.streams.quota import day_of
from app.streams.stream import Stream
from protocol.parts import chunks
from protocol.parts.chunks import Chunk
from protocol.parts.fold import Fold
from protocol.parts.grammar import Grammar
from tests.app.fakes import MemoryJournal, ScriptedModel, raw
from tests.app.world import Held, World, opened

START: list[Chunk] = [chunks.start("m", {"status": "streaming"}), chunks.start_step()]
END: list[Chunk] = [
    chunks.finish_step(),
    chunks.message_metadata({"status": "completed", "finishReason": "length", "endedAt": 77}),
    chunks.finish("length"),
]
TEXT: list[Chunk] = [chunks.text_start("t"), chunks.text_delta("t", "shown"), chunks.text_end("t")]
THOUGHT: list[Chunk] = [
    {"type": "reasoning-start", "id": "r"},
    {"type": "reasoning-delta", "id": "r", "delta": "hm"},
    {"type": "reasoning-end", "id": "r"},
]
TOOL: list[Chunk] = [
    {"type": "tool-input-start", "toolCallId": "c", "toolName": "f"},
    {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": '{"a":'},
    {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": "1}"},
    {"type": "tool-input-available", "toolCallId": "c", "toolName": "f", "input": {"a": 1}},
]
WHOLE = START + THOUGHT + TEXT + TOOL + END


class Died:
    """A process that wrote this much of one answer and died; what the next one finds."""

    def __init__(self, store: Database, journal: MemoryJournal, caller: Caller, stream_id: str) -> None:
        self.store = store
        self.journal = journal
        self.caller = caller
        self.stream_id = stream_id


async def died(store: Database, written: list[Chunk], **fields: Any) -> Died:
    async with opened(World(store)) as world:
        caller = await world.guest()
        world.model.script = Held()
        result = await world.ask(caller, **fields)
    journal = MemoryJournal()
    if written:
        journal.logs[result["streamId"]] = list(written)
    return Died(store, journal, caller, result["streamId"])


def folded(log: list[Chunk]) -> Fold:
    fold = Fold()
    for chunk in log:
        fold.apply(chunk)
    return fold


async def sealed(world: World, died: Died) -> Stream:
    stream = await world.registry.find(died.caller.user_id, died.stream_id)
    assert stream.ended
    await world.quiet()
    log = died.journal.logs[died.stream_id]
    assert died.journal.ends[died.stream_id] == stream.end
    assert raw(stream.log) == log
    row = await world.row(died.caller, died.stream_id)
    assert (row.status, row.seq) == (stream.status, len(log))
    answer = (await world.history(died.caller))[-1]
    assert answer["parts"] == folded(log).parts
    return stream


@pytest.mark.parametrize("cut", range(len(WHOLE) + 1))
async def test_g18_whatever_was_journaled_is_stored_with_its_parts_closed(store: Database, cut: int) -> None:
    left = await died(store, WHOLE[:cut])
    async with opened(World(store, left.journal)) as world:
        await world.start()
        stream = await sealed(world, left)
        log = left.journal.logs[left.stream_id]
        assert log[:cut] == WHOLE[:cut], "what was shown was changed"
        if cut == len(WHOLE):
            assert (stream.status, len(log)) == ("completed", cut)
        else:
            assert stream.status == "interrupted"
        if log:
            assert Grammar().extend(log).ended


@pytest.mark.parametrize("written", [START, WHOLE], ids=["interrupted", "completed"])
async def test_g26_nobody_was_there_when_a_start_ends_an_answer(store: Database, written: list[Chunk]) -> None:
    left = await died(store, written)
    async with opened(World(store, left.journal)) as world:
        await world.start()
        await sealed(world, left)
        events = await world.events(left.caller)
    names = [name for name, _ in events]
    assert names[-2:] == ["stream.ended", "chat.unseen"]
    assert events[-1][1]["chat"]["unseen"]


async def test_what_an_interrupted_answer_cost_is_guessed_from_its_text(store: Database) -> None:
    left = await died(store, WHOLE[:-5])  # 2 characters of thought, 5 of text, 5 of a tool's input
    async with opened(World(store, left.journal)) as world:
        await world.start()
        await sealed(world, left)
        answer = (await world.history(left.caller))[-1]
        spent = await usage.of_day(store, left.caller.user_id, day_of(world.clock.now_ms()))
    assert answer["metadata"]["usage"] == {"inputTokens": 0, "outputTokens": 3, "estimated": True}
    assert spent == Spent(answers=1, estimated_answers=1, input_tokens=0, output_tokens=3)


async def test_a_complete_log_whose_process_died_before_it_was_stored_is_completed(store: Database) -> None:
    left = await died(store, WHOLE)
    async with opened(World(store, left.journal)) as world:
        await world.start()
        stream = await sealed(world, left)
        answer = (await world.history(left.caller))[-1]
    assert stream.status == "completed"
    assert (answer["metadata"]["status"], answer["metadata"]["finishReason"]) == ("completed", "length")
    assert answer["metadata"]["endedAt"] == 77, "when it ended is what people were shown"


async def test_g18_an_empty_journal_gives_an_empty_answer_that_can_be_tried_again(store: Database) -> None:
    left = await died(store, [])
    async with opened(World(store, left.journal)) as world:
        await world.start()
        stream = await sealed(world, left)
        answer = (await world.history(left.caller))[-1]
    assert (stream.status, stream.log.tail) == ("interrupted", 0)
    assert answer["parts"] == []
    assert answer["metadata"]["error"]["retryable"]


async def test_an_answer_that_was_stored_but_not_closed_is_closed(store: Database) -> None:
    journal = MemoryJournal()
    async with opened(World(store, journal)) as world:
        caller = await world.guest()
        stream = await world.answered(caller)
        await world.quiet()
        journal.ends.clear()
        journal.logs["str_of_nobody"] = []
    async with opened(World(store, journal)) as world:
        await world.start()
        assert journal.ends[stream.stream_id] == stream.end
        assert "str_of_nobody" in journal.ends, "the log of a deleted chat would stay for ever"
        assert (await world.registry.find(caller.user_id, stream.stream_id)).end == stream.end


async def test_g18_a_journal_that_cannot_be_written_does_not_keep_the_message_from_being_stored(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = await died(store, WHOLE[:6])

    async def full(_ranges: object) -> None:
        raise RuntimeError("no room")

    async with opened(World(store, left.journal)) as world:
        with monkeypatch.context() as patch:
            patch.setattr(left.journal, "append", full)
            await world.start()
            assert (await world.history(left.caller))[-1]["metadata"]["status"] == "interrupted"
        await sealed(world, left)


async def test_what_waited_behind_a_dead_answer_waits_for_a_word(store: Database) -> None:
    async with opened(World(store)) as world:
        caller = await world.guest()
        world.model.script = Held()
        first = await world.ask(caller)
        second = await world.ask(caller, ifActive="queue")
        third = await world.ask(caller, ifActive="queue")
    async with opened(World(store)) as world:
        await world.start()
        assert (await world.row(caller, first["streamId"])).status == "interrupted"
        chat = (await world.run(caller, "chat.get", chatId="c")).result["chat"]
        assert chat["queuePaused"] is True
        assert [queued["streamId"] for queued in chat["queue"]] == [second["streamId"], third["streamId"]]
        await world.run(caller, "queue.update", chatId="c", paused=False)
        assert (await world.ended(second["streamId"])).status == "completed"
        assert (await world.ended(third["streamId"])).status == "completed"


async def test_what_waited_alone_starts_too(store: Database) -> None:
    async with opened(World(store)) as world:
        caller = await world.guest()
        held = Held()
        world.model.script = held
        await world.ask(caller)
        waiting = await world.ask(caller, ifActive="queue")
        held.gate.set()
        await world.supervisor.drain(5)
    async with opened(World(store)) as world:
        await world.start()
        assert (await world.ended(waiting["streamId"])).status == "completed"


async def test_a_queue_for_a_model_that_is_gone_does_not_keep_the_server_from_starting(store: Database) -> None:
    async with opened(World(store)) as world:
        caller = await world.guest()
        held = Held()
        world.model.script = held
        await world.ask(caller)
        waiting = await world.ask(caller, ifActive="queue")
        held.gate.set()
        await world.supervisor.drain(5)
    world = World(store)
    world.supervisor._catalogue = Catalogue([ScriptedModel(name="another")])
    async with opened(world):
        await world.start()
        assert (await world.ended(waiting["streamId"])).status == "failed"
        answer = (await world.history(caller))[-1]
    assert answer["metadata"]["error"]["code"] == "model_not_available"


async def test_one_queue_that_cannot_start_does_not_keep_the_others_from_it(
    store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(World(store)) as world:
        callers = [await world.guest(), await world.guest()]
        held = Held()
        world.model.script = held
        first = [await world.ask(caller) for caller in callers]
        waiting = [await world.ask(caller, ifActive="queue") for caller in callers]
        held.gate.set()
        await world.supervisor.drain(5)
    await store.execute(
        "UPDATE messages SET message_id = :taken WHERE message_id = :id",
        {"taken": waiting[0]["messageId"], "id": first[0]["userMessageId"]},
    )
    async with opened(World(store)) as world:
        await world.start()
        assert (await world.ended(waiting[1]["streamId"])).status == "completed"
        assert (await world.row(callers[0], waiting[0]["streamId"])).status == "queued"
    assert f"the answers that {callers[0].user_id} waits for cannot start" in caplog.text


async def test_a_start_with_nothing_left_does_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caller = await world.guest()
    await world.answered(caller)
    await world.quiet()
    before = await world.events(caller)
    await world.start()
    assert await world.events(caller) == before
    assert not caplog.records


async def test_a_start_does_not_wait_for_the_database_for_ever(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = await died(store, WHOLE)
    async with opened(World(store, left.journal)) as world:

        def change(_user_id: str) -> None:
            raise StoreUnavailable("away")

        with monkeypatch.context() as away:
            away.setattr(world.outbox, "change", change)
            away.setattr(sealing, "PATIENCE", 0.0)
            with pytest.raises(StoreUnavailable):
                await world.start()
    async with opened(World(store, left.journal)) as world:
        await world.start()
        assert (await sealed(world, left)).status == "completed"


async def test_one_stream_that_cannot_be_sealed_does_not_keep_the_others_from_it(
    store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    torn = await died(store, [chunks.finish_step()])
    left = await died(store, WHOLE)
    left.journal.logs |= torn.journal.logs
    async with opened(World(store, left.journal)) as world:
        await world.start()
        assert (await sealed(world, left)).status == "completed"
    assert f"{torn.stream_id} cannot be sealed" in caplog.text
