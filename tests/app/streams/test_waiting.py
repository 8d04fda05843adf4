"""Streams that were withdrawn elsewhere end for their readers here."""

from app.store import streams
from app.streams import ledger
from app.streams.waiting import Waiting
from tests.app.fakes import Noting
from tests.app.world import Held, World


async def test_a_withdrawal_that_was_only_written_down_is_told(world: World) -> None:
    caller, waiting = await world.guest(), Waiting(world.store, world.registry)
    world.model.script = held = Held()
    await world.ask(caller)
    queued = [(await world.ask(caller, text=text, ifActive="queue"))["streamId"] for text in ("a", "b")]
    followed = [world.registry.get(stream_id) for stream_id in queued]
    assert followed[0] is not None
    reader = Noting(followed[0])
    async with world.change(caller) as change:
        row = await streams.get(change.tx, caller.user_id, queued[0])
        assert row is not None
        await ledger.withdraw(change, row)
    await waiting.look()
    assert [stream.status for stream in followed if stream] == ["stopped", "queued"]
    assert (reader.touched, followed[0].end is not None) == (1, True)
    await waiting.look()  # and only once
    held.gate.set()
    assert (await world.ended(queued[1])).status == "completed"
    await waiting.look()


async def test_what_began_elsewhere_is_its_owners(world: World) -> None:
    caller, waiting = await world.guest(), Waiting(world.store, world.registry)
    world.model.script = Held()
    await world.ask(caller)
    stream_id = (await world.ask(caller, ifActive="queue"))["streamId"]
    await world.store.execute(
        "UPDATE streams SET status = 'completed', started_at = 1, ended_at = 2, seq = 9 WHERE stream_id = :id",
        {"id": stream_id},
    )
    await waiting.look()
    stream = world.registry.get(stream_id)
    assert stream is not None
    assert not stream.ended
