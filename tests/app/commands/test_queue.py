"""`queue.update` and the rules of the queue, over a real store."""

import asyncio
from typing import Any

import pytest

from app.commands.accepting import MOST_WAITING
from app.commands.reply import Caller
from app.models.interface import FinishReason, ModelFailure, Prompt, Sink
from app.store.engine import Database
from protocol.errors import Refusal
from protocol.limits import Limits
from tests.app.fakes import answer_hello, say
from tests.app.world import Held, World, opened, sending


async def chat_of(world: World, caller: Caller) -> dict[str, Any]:
    chat: dict[str, Any] = (await world.run(caller, "chat.get", chatId="c")).result["chat"]
    return chat


async def waiting(world: World, caller: Caller) -> list[str]:
    """The words of what waits, in their order."""
    return [queued["text"] for queued in (await chat_of(world, caller)).get("queue", [])]


async def lined_up(world: World, caller: Caller, *texts: str) -> tuple[Held, dict[str, Any]]:
    """An answer that is being written, and questions in line behind it under their own words as command ids."""
    held = Held()
    world.model.script = held
    first = await world.ask(caller)
    for text in texts:
        await world.ask(caller, text=text, id=text, ifActive="queue")
    return held, first


async def asked(world: World, caller: Caller) -> list[str]:
    history = await world.history(caller, limit=200)
    return [message["parts"][0]["text"] for message in history if message["role"] == "user"]


async def refused(world: World, caller: Caller, kind: str, **fields: Any) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        await world.run(caller, kind, **fields)
    return refusal.value


@pytest.mark.parametrize(
    ("order", "then"),
    [
        (["c"], ["c", "a", "b", "d"]),
        (["d", "b"], ["d", "b", "a", "c"]),
        (["gone", "b", "b", "a"], ["b", "a", "c", "d"]),
        (["a", "b"], ["a", "b", "c", "d"]),
        ([], ["a", "b", "c", "d"]),
    ],
)
async def test_the_first_are_put_first_and_the_rest_keeps_its_order(
    world: World, order: list[str], then: list[str]
) -> None:
    caller = await world.guest()
    held, _ = await lined_up(world, caller, "a", "b", "c", "d")
    before = (await chat_of(world, caller))["version"]
    reply = await world.run(caller, "queue.update", chatId="c", order=order)
    chat = await chat_of(world, caller)
    assert [queued["text"] for queued in chat["queue"]] == then
    assert reply.result == {"version": chat["version"]}
    assert chat["version"] == before + (then != ["a", "b", "c", "d"]), "nothing is told where nothing changed"
    await world.ask(caller, text="late", ifActive="queue")
    assert await waiting(world, caller) == [*then, "late"]
    held.gate.set()
    await world.quiet()
    assert await asked(world, caller) == ["Hello?", *then, "late"]


async def test_what_is_removed_is_never_asked_and_its_followers_are_told(world: World) -> None:
    caller = await world.guest()
    held, _ = await lined_up(world, caller, "a", "b", "c")
    ids = {queued["commandId"]: queued["streamId"] for queued in (await chat_of(world, caller))["queue"]}
    reply = await world.run(caller, "queue.update", id="once", chatId="c", remove=["a", "c", "gone"])
    assert await waiting(world, caller) == ["b"]
    for name in ("a", "c"):
        stream = await world.ended(ids[name])
        assert (stream.status, stream.head) == ("stopped", 0)
    told = [data["streamId"] for name, data in await world.events(caller) if name == "stream.ended"]
    assert told == [ids["a"], ids["c"]]
    again = await world.run(caller, "queue.update", id="once", chatId="c", remove=["a", "c", "gone"])
    assert (again.result, again.duplicate) == (reply.result, True)
    held.gate.set()
    await world.quiet()
    assert await asked(world, caller) == ["Hello?", "b"]


async def test_a_stop_pauses_what_waits_until_somebody_lets_it_go_on(world: World) -> None:
    caller = await world.guest()
    held, first = await lined_up(world, caller, "a", "b")
    await world.run(caller, "stream.stop", streamId=first["streamId"])
    await world.ended(first["streamId"])
    await world.quiet()
    assert (await chat_of(world, caller))["queuePaused"] is True
    assert await waiting(world, caller) == ["a", "b"]
    held.gate.set()
    await world.run(caller, "queue.update", chatId="c", paused=False)
    await world.quiet()
    assert "queuePaused" not in await chat_of(world, caller)
    assert await asked(world, caller) == ["Hello?", "a", "b"]


async def test_a_stop_of_an_answer_nobody_waits_behind_pauses_nothing(world: World) -> None:
    caller = await world.guest()
    _, first = await lined_up(world, caller)
    await world.run(caller, "stream.stop", streamId=first["streamId"])
    await world.ended(first["streamId"])
    assert "queuePaused" not in await chat_of(world, caller)
    world.model.script = answer_hello
    assert (await world.answered(caller, ifActive="queue")).status == "completed"


async def test_a_failure_pauses_what_waits(world: World) -> None:
    caller, gate = await world.guest(), asyncio.Event()

    async def fails(_prompt: Prompt, sink: Sink) -> FinishReason:
        say(sink, "x")
        await gate.wait()
        raise ModelFailure("model_error", "It broke.")

    world.model.script = fails
    first = await world.ask(caller)
    await world.ask(caller, text="a", ifActive="queue")
    gate.set()
    assert (await world.ended(first["streamId"])).status == "failed"
    await world.quiet()
    chat = await chat_of(world, caller)
    assert (chat["queuePaused"], chat["queue"][0]["text"]) == (True, "a")


async def test_send_now_stops_what_runs_and_asks_that_question_next(world: World) -> None:
    """The stop's end comes after the update here: it must not pause the queue again."""
    caller = await world.guest()
    held, first = await lined_up(world, caller, "a", "b", "c")
    held.gate = asyncio.Event()
    await asyncio.gather(
        world.run(caller, "stream.stop", streamId=first["streamId"]),
        world.run(caller, "queue.update", chatId="c", order=["c"], paused=False),
    )
    await world.run(caller, "stream.stop", streamId=first["streamId"])
    await world.ended(first["streamId"])
    world.model.script = answer_hello
    held.gate.set()
    await world.quiet()
    assert await asked(world, caller) == ["Hello?", "c", "a", "b"]


@pytest.mark.parametrize("if_active", ["reject", "stop"])
async def test_a_paused_queue_is_in_nobodys_way(world: World, if_active: str) -> None:
    caller = await world.guest()
    _, first = await lined_up(world, caller, "a")
    await world.run(caller, "stream.stop", streamId=first["streamId"])
    await world.ended(first["streamId"])
    world.model.script = answer_hello
    assert (await world.answered(caller, text="now", ifActive=if_active)).status == "completed"
    await world.quiet()
    chat = await chat_of(world, caller)
    assert (chat["queuePaused"], [queued["text"] for queued in chat["queue"]]) == (True, ["a"])
    result = await world.ask(caller, text="b", ifActive="queue")
    assert result["status"] == "queued", "whoever stands in line waits with it"
    assert await waiting(world, caller) == ["a", "b"]


async def test_what_stops_an_answer_starts_although_the_queue_is_paused(world: World) -> None:
    caller = await world.guest()
    held, first = await lined_up(world, caller, "a")
    await world.run(caller, "queue.update", chatId="c", paused=True)
    second = await world.ask(caller, text="instead", ifActive="stop")
    assert (await world.ended(first["streamId"])).status == "stopped"
    held.gate.set()
    assert (await world.ended(second["streamId"])).status == "completed"
    await world.quiet()
    assert await asked(world, caller) == ["Hello?", "instead"]
    assert (await chat_of(world, caller))["queuePaused"] is True


async def test_what_replaces_an_answer_does_not_pause_what_waits(world: World) -> None:
    caller = await world.guest()
    held, _ = await lined_up(world, caller, "a")
    await world.ask(caller, text="instead", ifActive="stop")
    held.gate.set()
    await world.quiet()
    assert await asked(world, caller) == ["Hello?", "instead", "a"]


async def test_an_empty_queue_is_not_paused(world: World) -> None:
    caller = await world.guest()
    _, first = await lined_up(world, caller, "a")
    await world.run(caller, "queue.update", chatId="c", paused=True)
    assert (await chat_of(world, caller))["queuePaused"] is True
    await world.run(caller, "queue.update", chatId="c", remove=["a"])
    assert "queuePaused" not in await chat_of(world, caller)
    await world.run(caller, "queue.update", chatId="c", paused=True)
    assert "queuePaused" not in await chat_of(world, caller)
    await world.run(caller, "stream.stop", streamId=first["streamId"])


async def test_the_queue_and_its_pause_outlive_the_server(store: Database) -> None:
    async with opened(World(store)) as world:
        caller = await world.guest()
        held, _ = await lined_up(world, caller, "a", "b")
        await world.run(caller, "queue.update", chatId="c", order=["b"], paused=True)
        held.gate.set()
        await world.supervisor.drain(5)
        assert (await world.run(caller, "queue.update", chatId="c", order=["a"])).result, "arranged while it drains"
        await world.run(caller, "queue.update", chatId="c", order=["b"])
    async with opened(World(store)) as world:
        await world.recovery.run()
        assert not world.supervisor.running
        assert await waiting(world, caller) == ["b", "a"]
        await world.run(caller, "queue.update", chatId="c", paused=False)
        await world.quiet()
        assert await asked(world, caller) == ["Hello?", "b", "a"]


async def test_g30_a_draining_node_starts_nothing_that_waits(world: World) -> None:
    caller = await world.guest()
    _, first = await lined_up(world, caller, "a")
    await world.run(caller, "stream.stop", streamId=first["streamId"])
    await world.ended(first["streamId"])
    world.supervisor.draining = True
    await world.run(caller, "queue.update", chatId="c", paused=False)
    assert await waiting(world, caller) == ["a"]
    assert not world.supervisor.running


async def test_what_waits_for_room_alone_is_ahead_of_a_paused_line(store: Database) -> None:
    async with opened(World(store, limits=Limits(generations_at_once=1))) as world:
        caller = await world.guest()
        held, first = await lined_up(world, caller, "a")
        await world.run(caller, "stream.stop", streamId=first["streamId"])
        await world.ended(first["streamId"])
        other = await world.ask(caller, "other")
        now = await world.ask(caller, text="now")
        assert (other["status"], now["status"]) == ("streaming", "queued")
        held.gate.set()
        assert (await world.ended(now["streamId"])).status == "completed"
        assert await waiting(world, caller) == ["a"]


async def test_so_many_wait_and_no_more(store: Database) -> None:
    async with opened(World(store, limits=Limits(generations_per_minute=1_000))) as world:
        caller = await world.guest()
        await lined_up(world, caller, *(f"q{n}" for n in range(MOST_WAITING)))
        refusal = await refused(world, caller, "message.send", **sending(), ifActive="queue")
        assert refusal.code == "quota_exceeded"
        await world.run(caller, "queue.update", chatId="c", remove=["q0"])
        await world.ask(caller, ifActive="queue")


async def test_an_update_says_what_to_change_and_where(world: World) -> None:
    caller = await world.guest()
    await world.answered(caller)
    await world.quiet()
    assert (await refused(world, caller, "queue.update", chatId="c")).error.param == "$"
    for who, chat_id in ((caller, "none"), (await world.guest(), "c")):
        refusal = await refused(world, who, "queue.update", chatId=chat_id, paused=True)
        assert (refusal.code, refusal.error.param) == ("not_found", "$.chatId")
    before = len(await world.events(caller))
    await world.run(caller, "queue.update", chatId="c", paused=False, order=[], remove=[])
    assert len(await world.events(caller)) == before
