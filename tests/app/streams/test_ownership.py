"""What a node's round finds in the database, and what it does about it."""

from typing import Any

import pytest

from app.store.errors import ConstraintViolation
from app.streams.lease import FolderLease
from tests.app.world import Held, World


class Sealing(FolderLease):
    """The lease of a node that has lived long enough to take over from the dead."""

    may_seal = True


@pytest.fixture
def held(world: World) -> Held:
    world.model.script = held = Held()
    return held


async def owned_by(world: World, stream_id: str, node: str) -> None:
    await world.store.execute("UPDATE streams SET node = :n WHERE stream_id = :id", {"n": node, "id": stream_id})


async def lost(world: World, stream_id: str) -> None:
    """Forget a runner as if the word of its start had never come: the row is there, and nobody runs it."""
    del world.supervisor._runners[stream_id]
    world.registry.forget([stream_id])


async def test_g15_a_stop_that_was_only_written_down_is_obeyed(world: World, held: Held) -> None:
    caller = await world.guest()
    result = await world.ask(caller)
    await world.store.execute("UPDATE streams SET status = 'stopping'")
    await world.ownership.look()
    assert (await world.ended(result["streamId"])).status == "stopped"


async def test_a_start_whose_word_got_lost_is_sealed_at_the_second_look(world: World, held: Held) -> None:
    caller = await world.guest()
    stream_id = (await world.ask(caller))["streamId"]
    await lost(world, stream_id)
    await world.ownership.look()
    assert (await world.row(caller, stream_id)).status == "streaming", "it may be about to be launched"
    await world.ownership.look()
    row = await world.row(caller, stream_id)
    assert (row.status, row.outcome["error"]["retryable"]) == ("interrupted", True)  # type: ignore[index]


async def test_what_runs_is_left_alone(world: World, held: Held) -> None:
    caller = await world.guest()
    result = await world.ask(caller)
    for _ in range(3):
        await world.ownership.look()
    assert (await world.row(caller, result["streamId"])).status == "streaming"
    held.gate.set()
    assert (await world.ended(result["streamId"])).status == "completed"


async def test_g18_the_streams_of_a_dead_node_are_sealed_with_what_was_shown(world: World, held: Held) -> None:
    caller = await world.guest()
    result = await world.ask(caller)
    stream_id = result["streamId"]
    await world.ticker.settle(world.registry.get(stream_id))  # type: ignore[arg-type]
    await lost(world, stream_id)
    await owned_by(world, stream_id, "dead")
    world.ownership._lease = Sealing()
    await world.ownership.look()
    assert (await world.row(caller, stream_id)).status == "interrupted"
    answer = (await world.history(caller))[-1]
    assert [part["text"] for part in answer["parts"] if part["type"] == "text"] == ["so far"]


async def test_who_may_not_seal_leaves_the_streams_of_others_alone(world: World, held: Held) -> None:
    caller = await world.guest()
    result = await world.ask(caller)
    await lost(world, result["streamId"])
    await owned_by(world, result["streamId"], "another")
    for _ in range(3):
        await world.ownership.look()
    assert (await world.row(caller, result["streamId"])).node == "another"


async def test_a_stream_that_cannot_be_sealed_is_told_once(
    world: World, held: Held, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    caller = await world.guest()
    result = await world.ask(caller)
    await lost(world, result["streamId"])
    monkeypatch.setattr(world.sealing, "seal", refuse)
    for _ in range(5):
        await world.ownership.look()
    assert caplog.text.count("cannot be sealed") == 1


async def test_a_question_that_nobody_started_is_started(world: World, held: Held) -> None:
    caller = await world.guest()
    await world.ask(caller)
    waiting = await world.ask(caller, ifActive="queue")
    world.supervisor.draining = True  # as on the node that ended the first
    held.gate.set()
    assert await world.supervisor._crew.idle(5)
    await world.ownership.look()
    assert (await world.row(caller, waiting["streamId"])).status == "queued", "a draining node starts nothing"
    world.supervisor.draining = False
    await world.ownership.look()
    assert (await world.ended(waiting["streamId"])).status == "completed"


async def test_a_queue_that_cannot_start_is_told_once(
    world: World, held: Held, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from app.streams import ledger

    async def refuse(*_: Any, **__: Any) -> None:
        raise ConstraintViolation("no")

    caller = await world.guest()
    await world.ask(caller)
    await world.ask(caller, ifActive="queue")
    world.supervisor.draining = True
    held.gate.set()
    assert await world.supervisor._crew.idle(5)
    world.supervisor.draining = False
    monkeypatch.setattr(ledger, "start_waiting", refuse)
    for _ in range(5):
        await world.ownership.look()
    assert caplog.text.count("cannot start") == 1
