import asyncio

import pytest

from app.backplane.interface import StreamKey
from app.store.engine import Database
from app.streams.registry import Registry
from protocol.errors import Refusal
from protocol.parts.chunks import Chunk
from tests.app.fakes import MemoryJournal
from tests.app.world import Held, World, opened, until


def restarted(world: World) -> Registry:
    """The registry of a process that begins now."""
    return Registry(world.store, world.journal, world.clock, node="n", retention_ms=world.limits.stream_log_ms)


async def refusal(registry: Registry, user_id: str, stream_id: str) -> str:
    with pytest.raises(Refusal) as refused:
        await registry.find(user_id, stream_id)
    return refused.value.code


async def test_g32_a_foreign_stream_and_an_unknown_one_look_the_same(world: World) -> None:
    caller, other = await world.guest(), await world.guest()
    stream = await world.answered(caller)
    assert await world.registry.find(caller.user_id, stream.stream_id) is stream
    assert await refusal(world.registry, other.user_id, stream.stream_id) == "not_found"
    assert await refusal(world.registry, caller.user_id, "str_unknown") == "not_found"
    assert await refusal(restarted(world), other.user_id, stream.stream_id) == "not_found"


async def test_g12_a_log_is_read_back_with_its_end(world: World) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    await world.quiet()
    registry = restarted(world)
    found = await asyncio.gather(*(registry.find(caller.user_id, stream.stream_id) for _ in range(3)))
    assert found[0] is found[1] is found[2]
    assert found[0].read(0, 10**6).frame == stream.read(0, 10**6).frame
    assert (found[0].end, found[0].status, found[0].ended_at) == (stream.end, "completed", stream.ended_at)


async def test_g12_a_log_is_forgotten_after_its_retention(world: World) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    world.model.script = Held()
    running = await world.ask(caller)
    registry, ended_at = world.registry, stream.ended_at or 0
    registry.retire(ended_at + world.limits.stream_log_ms)
    assert registry.get(stream.stream_id) is stream
    registry.retire(ended_at + world.limits.stream_log_ms + 1)
    assert registry.get(stream.stream_id) is None
    assert registry.get(running["streamId"]) is not None
    assert len(registry) == 1


async def test_a_log_that_is_read_back_while_its_chat_is_deleted_is_not_served(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    await world.quiet()
    registry, read = restarted(world), world.journal.read

    async def read_late(key: StreamKey, after: int = 0) -> list[Chunk]:
        await world.run(caller, "chat.delete", chatId="c")
        return await read(key, after)

    monkeypatch.setattr(world.journal, "read", read_late)
    assert await refusal(registry, caller.user_id, stream.stream_id) == "not_found"
    assert registry.get(stream.stream_id) is None


async def test_a_crowd_that_asks_for_a_stream_reads_its_log_once(world: World) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    await world.quiet()
    assert isinstance(world.journal, MemoryJournal)
    registry, before = restarted(world), world.journal.reads
    found = await asyncio.gather(*(registry.find(caller.user_id, stream.stream_id) for _ in range(20)))
    assert {id(each) for each in found} == {id(registry.get(stream.stream_id))}
    assert world.journal.reads - before == 1


async def test_whoever_of_a_crowd_gives_up_takes_the_log_from_nobody(world: World) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    await world.quiet()
    assert isinstance(world.journal, MemoryJournal)
    registry, world.journal.read_gate = restarted(world), asyncio.Event()
    before = world.journal.reads
    first, second = (asyncio.create_task(registry.find(caller.user_id, stream.stream_id)) for _ in range(2))
    await until(lambda: isinstance(world.journal, MemoryJournal) and world.journal.reads > before)
    first.cancel()
    world.journal.read_gate.set()
    assert (await second).status == "completed"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_g11_a_log_that_is_gone_is_expired(world: World) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    await world.quiet()
    assert isinstance(world.journal, MemoryJournal)
    world.journal.ends.clear()
    world.journal.logs.clear()
    registry = restarted(world)
    assert await refusal(registry, caller.user_id, stream.stream_id) == "unavailable", "its owner may write it anew"
    world.unix += 10
    assert await refusal(registry, caller.user_id, stream.stream_id) == "stream_expired"


async def test_g11_a_log_is_whole_although_its_end_is_not_written_down_yet(world: World) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    await world.quiet()
    assert isinstance(world.journal, MemoryJournal)
    world.journal.ends.clear()
    found = await restarted(world).find(caller.user_id, stream.stream_id)
    assert found.read(0, 10**6).frame == stream.read(0, 10**6).frame
    assert (found.end, found.status) == (stream.end, "completed")


async def test_g11_a_log_that_lacks_its_last_chunks_is_never_sent(world: World) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    await world.quiet()
    assert isinstance(world.journal, MemoryJournal)
    del world.journal.logs[stream.stream_id][-2:]
    assert await refusal(restarted(world), caller.user_id, stream.stream_id) == "stream_expired"


async def test_g18_an_end_that_a_dead_node_stored_and_told_nobody_is_found(world: World) -> None:
    caller = await world.guest()
    world.model.script = held = Held()
    stream_id = (await world.ask(caller))["streamId"]
    stream = world.registry.get(stream_id)
    assert stream is not None
    other = Registry(world.store, world.journal, world.clock, node="other", retention_ms=world.limits.stream_log_ms)
    followed = await other.find(caller.user_id, stream_id)
    held.gate.set()
    await world.quiet()
    assert isinstance(world.journal, MemoryJournal)
    world.journal.ends.clear()
    await other.look_for_ends()
    assert not followed.ended, "its owner may be about to tell"
    world.unix += 2
    await other.look_for_ends()
    await until(lambda: followed.log.tail == stream.log.tail)
    await other.look_for_ends()
    assert (followed.end, followed.status) == (stream.end, "completed")


async def test_a_journal_that_is_away_is_no_loss(world: World) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    await world.quiet()
    assert isinstance(world.journal, MemoryJournal)
    world.journal.away = True
    registry = restarted(world)
    assert await refusal(registry, caller.user_id, stream.stream_id) == "unavailable"
    world.journal.away = False
    assert (await registry.find(caller.user_id, stream.stream_id)).end == stream.end


async def test_a_journal_that_ends_a_stream_with_another_frame_is_a_bug(world: World) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    await world.quiet()
    assert isinstance(world.journal, MemoryJournal)
    world.journal.ends[stream.stream_id] = b'{"type":"ping","id":"p"}'
    with pytest.raises(ValueError, match="ping"):
        await restarted(world).find(caller.user_id, stream.stream_id)


async def test_a_stream_that_runs_on_another_node_is_followed_here(world: World) -> None:
    caller = await world.guest()
    world.model.script = Held()
    result = await world.ask(caller)
    stream_id = result["streamId"]
    stream = world.registry.get(stream_id)
    assert stream is not None
    await until(lambda: stream.head == 4)
    other = Registry(world.store, world.journal, world.clock, node="other", retention_ms=world.limits.stream_log_ms)
    (summary,) = await other.summaries([await world.row(caller, stream_id)])
    followed = await other.find(caller.user_id, stream_id)
    assert (followed.status, followed.head, followed.is_ours) == ("streaming", summary.seq, False)
    assert followed.head == 4
    other.release(caller.user_id)
    assert other.get(stream_id) is None, "nothing is told of it any more when its user has left"


async def test_g11_a_position_that_this_node_was_not_told_yet_is_looked_up_in_the_journal(world: World) -> None:
    caller = await world.guest()
    world.model.script = Held()
    stream_id = (await world.ask(caller))["streamId"]
    stream = world.registry.get(stream_id)
    assert stream is not None
    await until(lambda: stream.head == 4)
    other = Registry(world.store, world.journal, world.clock, node="other", retention_ms=world.limits.stream_log_ms)
    followed = await other.find(caller.user_id, stream_id)
    assert isinstance(world.journal, MemoryJournal)
    world.journal.logs[stream_id] += [{"type": "text-delta", "id": "t", "delta": "more"}]
    assert followed.head == 4
    assert (await other.find_at(caller.user_id, stream_id, 5)).head == 5
    with pytest.raises(Refusal) as refused:
        await other.find_at(caller.user_id, stream_id, 6)
    assert refused.value.code == "unavailable", "its owner may have gone on alone, and write it down later"
    with pytest.raises(Refusal) as refused:
        await world.registry.find_at(caller.user_id, stream_id, 6, param="$.after")
    assert (refused.value.code, refused.value.error.param) == ("position_invalid", "$.after")


async def test_g11_a_position_that_the_journal_told_others_before_it_answered_is_waited_for(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    stream_id = (await world.ask(caller))["streamId"]
    stream = world.registry.get(stream_id)
    assert stream is not None
    await until(lambda: stream.head == 4)
    assert isinstance(world.journal, MemoryJournal)
    world.journal.gate = asyncio.Event()  # it has taken what follows, and its answer is under way
    held.gate.set()
    await until(lambda: stream.log.tail > 4)
    asked = asyncio.ensure_future(world.registry.find_at(caller.user_id, stream_id, 5))
    await until(lambda: stream.log.tail > 4 and not asked.done())
    world.journal.gate.set()
    assert (await asked).head >= 5


async def test_what_is_found_between_its_commit_and_its_launch_is_the_one_that_starts(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    stream_id = (await world.ask(caller))["streamId"]
    generation = world.supervisor._runners.pop(stream_id).generation  # as if the word of its commit were on its way
    world.registry.forget([stream_id])
    found = await world.registry.find(caller.user_id, stream_id)
    assert found.status == "queued"
    assert world.supervisor.launch(generation) is found
    held.gate.set()
    assert await world.ended(stream_id) is found
    assert found.summary().status == "completed"


async def test_what_waits_can_be_followed_and_is_the_one_that_starts(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    await world.ask(caller)
    waiting = await world.ask(caller, ifActive="queue")
    stream = await world.registry.find(caller.user_id, waiting["streamId"])
    assert (stream.status, stream.head) == ("queued", 0)
    assert (await restarted(world).find(caller.user_id, waiting["streamId"])).status == "queued"
    held.gate.set()
    assert await world.ended(waiting["streamId"]) is stream


async def test_a_question_withdrawn_before_a_restart_has_its_end(world: World) -> None:
    caller = await world.guest()
    world.model.script = Held()
    await world.ask(caller)
    waiting = await world.ask(caller, ifActive="queue")
    await world.run(caller, "stream.stop", streamId=waiting["streamId"])
    before = world.registry.get(waiting["streamId"])
    after = await restarted(world).find(caller.user_id, waiting["streamId"])
    assert before is not None
    assert (after.end, after.ended_at) == (before.end, before.ended_at)


async def test_a_summary_says_how_far_this_node_knows_it(store: Database) -> None:
    async with opened(World(store)) as world:
        caller = await world.guest()
        world.model.script = Held()
        result = await world.ask(caller)
        stream = world.registry.get(result["streamId"])
        assert stream is not None
        await until(lambda: stream.head == 4)
        row = await world.row(caller, result["streamId"])
        assert (await world.registry.summaries([row]))[0].seq == 4
        (unknown,) = await restarted(world).summaries([row])
        assert (unknown.seq, unknown.status, unknown.started_at) == (0, "streaming", row.started_at)
        assert "4/4" in repr(stream)
