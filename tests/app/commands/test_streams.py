from typing import Any

import pytest

from app.commands.reply import Caller
from app.store.errors import StoreUnavailable
from protocol.codec import decode_server
from protocol.errors import Refusal
from protocol.frames.server import StreamEnd
from tests.app.world import Held, World, until


async def refused(world: World, caller: Caller, kind: str, **fields: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        await world.run(caller, kind, **fields)
    return refusal.value.code


async def running(world: World, caller: Caller, chat_id: str = "c") -> dict[str, Any]:
    """Start an answer that goes on until it is stopped."""
    world.model.script = Held()
    result = await world.ask(caller, chat_id)
    stream = world.registry.get(result["streamId"])
    assert stream is not None
    await until(lambda: stream.head == 4)
    return result


# subscribe, unsubscribe


async def test_g10_a_subscription_names_the_head_it_starts_before(world: World) -> None:
    caller = await world.guest()
    result = await running(world, caller)
    reply = await world.run(caller, "stream.subscribe", streamId=result["streamId"], after=2)
    assert reply.subscribe == (world.registry.get(result["streamId"]), 2)
    assert reply.result == {
        "streamId": result["streamId"],
        "chatId": "c",
        "messageId": result["messageId"],
        "status": "streaming",
        "seq": 4,
    }


async def test_g11_a_position_beyond_the_head_is_refused(world: World) -> None:
    caller = await world.guest()
    result = await running(world, caller)
    fields = {"streamId": result["streamId"]}
    assert (await world.run(caller, "stream.subscribe", **fields, after=4)).subscribe
    assert await refused(world, caller, "stream.subscribe", **fields, after=5) == "position_invalid"


async def test_g32_a_foreign_stream_is_not_found(world: World) -> None:
    result = await running(world, await world.guest())
    other = await world.guest()
    fields = {"streamId": result["streamId"]}
    assert await refused(world, other, "stream.subscribe", **fields, after=0) == "not_found"
    assert await refused(world, other, "stream.unsubscribe", **fields) == "not_found"
    assert await refused(world, other, "stream.stop", **fields) == "not_found"
    assert await refused(world, other, "stream.stop", chatId="c") == "not_found"


async def test_g14_leaving_does_not_stop(world: World) -> None:
    caller = await world.guest()
    result = await running(world, caller)
    reply = await world.run(caller, "stream.unsubscribe", streamId=result["streamId"])
    assert (reply.result, reply.unsubscribe) == ({}, result["streamId"])
    assert world.supervisor.running == 1


# stop


@pytest.mark.parametrize("name", ["streamId", "chatId", "commandId"])
async def test_g15_a_stop_by_any_name_stops_that_stream_and_no_other(world: World, name: str) -> None:
    caller = await world.guest()
    other = await running(world, caller, "other")
    world.model.script = Held()
    result = await world.ask(caller, "c", id="cmd_of_the_send")
    names = {"streamId": result["streamId"], "chatId": "c", "commandId": "cmd_of_the_send"}
    reply = await world.run(caller, "stream.stop", **{name: names[name]})
    assert reply.result == {"streamId": result["streamId"], "status": "stopping"}
    assert (await world.ended(result["streamId"])).status == "stopped"
    assert (await world.row(caller, other["streamId"])).status == "streaming"


async def test_g15_a_stop_is_idempotent(world: World) -> None:
    caller = await world.guest()
    result = await running(world, caller)
    fields = {"streamId": result["streamId"]}
    first = await world.run(caller, "stream.stop", id="stop", **fields)
    second = await world.run(caller, "stream.stop", **fields)
    assert second.result["status"] in ("stopping", "stopped")
    await world.ended(result["streamId"])
    again = await world.run(caller, "stream.stop", id="stop", **fields)
    assert (again.result, again.duplicate) == (first.result, True)
    assert (await world.run(caller, "stream.stop", **fields)).result["status"] == "stopped"


@pytest.mark.parametrize("name", ["streamId", "chatId", "commandId"])
async def test_g15_a_stop_that_comes_too_late_says_how_it_ended(world: World, name: str) -> None:
    caller = await world.guest()
    stream = await world.answered(caller, id="send")
    names = {"streamId": stream.stream_id, "chatId": "c", "commandId": "send"}
    reply = await world.run(caller, "stream.stop", **{name: names[name]})
    assert reply.result == {"streamId": stream.stream_id, "status": "completed"}


async def test_a_stop_of_a_question_that_waits_takes_it_out_of_the_queue(world: World) -> None:
    caller = await world.guest()
    first = await running(world, caller)
    waiting = await world.ask(caller, ifActive="queue")
    world.pass_ms(1_000_000)
    reply = await world.run(caller, "stream.stop", streamId=waiting["streamId"])
    assert reply.result == {"streamId": waiting["streamId"], "status": "stopped"}
    stream = world.registry.get(waiting["streamId"])
    assert stream is not None
    assert stream.end is not None
    end = decode_server(stream.end)
    assert isinstance(end, StreamEnd)
    assert (end.status, end.seq) == ("stopped", 0)
    world.registry.retire(world.clock.now_ms() + 1)
    assert world.registry.get(waiting["streamId"]) is stream, "its end is there as long as any other"
    await world.run(caller, "stream.stop", streamId=first["streamId"])
    await world.ended(first["streamId"])
    await world.quiet()
    assert [message["role"] for message in await world.history(caller)] == ["user", "assistant"]
    snapshot = (await world.run(caller, "dashboard.get")).result
    assert "queue" not in snapshot["chats"][0]


@pytest.mark.parametrize("names", [{}, {"streamId": "s", "chatId": "c"}])
async def test_a_stop_names_exactly_one_thing(world: World, names: dict[str, str]) -> None:
    assert await refused(world, await world.guest(), "stream.stop", **names) == "invalid_argument"


async def test_a_stop_of_nothing_is_not_found(world: World) -> None:
    caller = await world.guest()
    assert await refused(world, caller, "stream.stop", streamId="str_none") == "not_found"
    assert await refused(world, caller, "stream.stop", chatId="none") == "not_found"


async def test_g16_a_stop_works_while_the_store_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = await world.guest()
    result = await running(world, caller)
    other = await world.guest()

    def away(_user_id: str) -> Any:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(world.outbox, "change", away)
        for who in (other, caller):
            assert world.registry.get(result["streamId"]).status == "streaming"  # type: ignore[union-attr]  # it is there
            with pytest.raises(StoreUnavailable):
                await world.run(who, "stream.stop", streamId=result["streamId"])
        with pytest.raises(StoreUnavailable):
            await world.run(caller, "stream.stop", chatId="c")
    assert (await world.ended(result["streamId"])).status == "stopped"
