"""The daily token budget, over a real store and a clock that is moved by hand across midnight."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.commands.reply import Caller
from app.models.interface import FinishReason, ModelFailure, Prompt, Sink
from app.store import usage
from app.store.engine import Database
from app.store.usage import Spent
from app.streams.quota import DAY_MS, day_of
from protocol.errors import Refusal
from tests.app.fakes import answer_hello
from tests.app.world import Held, World, opened, sending, until

BUDGET = 100


@pytest.fixture
async def world(store: Database) -> AsyncIterator[World]:
    async with opened(World(store, daily_tokens=BUDGET)) as world:
        world.model.script = costing(30, 30)
        yield world


def costing(asked: int, answered: int) -> Any:
    """A script that answers and says what it cost."""

    async def script(prompt: Prompt, sink: Sink) -> FinishReason:
        sink.usage(asked, answered)
        return await answer_hello(prompt, sink)

    return script


class Costly(Held):
    """An answer that is held, and costs the whole budget."""

    async def __call__(self, prompt: Prompt, sink: Sink) -> FinishReason:
        sink.usage(BUDGET, 0)
        return await super().__call__(prompt, sink)


async def refused(world: World, caller: Caller, **fields: Any) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        await world.run(caller, "message.send", **sending("another"), **fields)
    return refusal.value


def to_midnight(world: World) -> int:
    return DAY_MS - world.clock.now_ms() % DAY_MS


async def spent(world: World, caller: Caller) -> Spent:
    return await usage.of_day(world.store, caller.user_id, day_of(world.clock.now_ms()))


async def test_over_the_budget_nothing_is_answered_until_midnight(world: World) -> None:
    caller, other = await world.guest(), await world.guest()
    for number in range(2):
        assert (await world.answered(caller, f"c{number}")).status == "completed"
    refusal = await refused(world, caller)
    assert refusal.code == "quota_exceeded"
    assert refusal.error.retry_after_ms == to_midnight(world)
    assert refusal.error.details == {
        "renewsAt": world.clock.now_ms() + to_midnight(world),
        "used": 120,
        "budget": BUDGET,
    }
    chats = (await world.run(caller, "dashboard.get")).result["chats"]
    assert {chat["chatId"] for chat in chats} == {"c0", "c1"}, "a refused command left a chat"
    assert (await world.answered(other)).status == "completed", "each has a budget of their own"
    world.pass_ms(to_midnight(world) - 1)
    assert (await refused(world, caller)).error.retry_after_ms == 1
    world.pass_ms(1)
    assert (await world.answered(caller)).status == "completed"
    assert await spent(world, caller) == Spent(answers=1, estimated_answers=0, input_tokens=30, output_tokens=30)


async def test_a_command_that_was_carried_out_answers_over_the_budget_too(world: World) -> None:
    caller, fields = await world.guest(), sending()
    world.model.script = costing(BUDGET, 0)
    first = await world.run(caller, "message.send", id="once", **fields)
    await world.ended(first.result["streamId"])
    assert (await refused(world, caller)).code == "quota_exceeded"
    assert (await world.run(caller, "message.send", id="once", **fields)).result == first.result


async def test_a_refused_command_may_be_sent_again_when_the_budget_is_new(world: World) -> None:
    caller = await world.guest()
    world.model.script = costing(BUDGET, 0)
    await world.answered(caller)
    fields = sending()
    with pytest.raises(Refusal):
        await world.run(caller, "message.send", id="again", **fields)
    world.pass_ms(to_midnight(world))
    assert not (await world.run(caller, "message.send", id="again", **fields)).duplicate


async def test_a_running_answer_may_finish_and_what_waits_behind_it_fails_in_words(world: World) -> None:
    caller = await world.guest()
    world.model.script = held = Costly()
    first = await world.ask(caller)
    waiting = [await world.ask(caller, text=text, ifActive="queue") for text in ("Two", "Three")]
    held.gate.set()
    assert (await world.ended(first["streamId"])).status == "completed"
    assert (await world.ended(waiting[0]["streamId"])).status == "failed"
    await world.quiet()
    assert held.started == 1, "the model was asked over the budget"
    question, answer = (await world.history(caller))[-2:]
    assert question["parts"][0]["text"] == "Two", "a question was lost"
    error = answer["metadata"]["error"]
    assert (answer["metadata"]["status"], error["code"]) == ("failed", "quota_exceeded")
    assert "00:00 UTC" in error["message"]
    chat = (await world.run(caller, "chat.get", chatId="c")).result["chat"]
    assert (chat["queuePaused"], [queued["text"] for queued in chat["queue"]]) == (True, ["Three"])
    assert (await world.row(caller, waiting[1]["streamId"])).status == "queued"

    await world.run(caller, "queue.update", chatId="c", paused=False)  # too early: the next one fails as well
    assert (await world.ended(waiting[1]["streamId"])).status == "failed"
    world.pass_ms(to_midnight(world))
    await world.run(caller, "message.retry", chatId="c")
    await world.quiet()
    answer = (await world.history(caller))[-1]
    assert (answer["metadata"]["status"], answer["metadata"]["versions"]["index"]) == ("completed", 0)


async def test_what_waits_over_midnight_is_answered(world: World) -> None:
    caller = await world.guest()
    world.model.script = held = Costly()
    await world.ask(caller)
    second = await world.ask(caller, ifActive="queue")
    world.pass_ms(to_midnight(world) + 1)
    world.model.script = costing(1, 1)
    held.gate.set()
    assert (await world.ended(second["streamId"])).status == "failed", "the first counts on the day it ends"
    world.pass_ms(DAY_MS)
    assert (await world.answered(caller, "d")).status == "completed"


async def test_a_stop_that_came_first_costs_nothing(world: World) -> None:
    caller = await world.guest()
    world.model.script = held = Costly()
    await world.run(caller, "stream.stop", commandId="later")
    first = await world.ask(caller)
    second = await world.ask(caller, id="later", ifActive="queue")
    held.gate.set()
    await world.ended(first["streamId"])
    assert (await world.ended(second["streamId"])).status == "stopped"
    assert await spent(world, caller) == Spent(1, 0, BUDGET, 0)


async def test_stopped_and_failed_answers_are_paid_for_too(world: World) -> None:
    async def fail(_prompt: Prompt, sink: Sink) -> FinishReason:
        sink.usage(7, 2, estimated=True)
        raise ModelFailure("model_error", "It broke.")

    caller = await world.guest()
    world.model.script = fail
    await world.answered(caller)
    world.model.script = held = Held()  # which never says what it costs
    stopped = await world.ask(caller, "d")
    await until(lambda: held.started == 1)
    await world.run(caller, "stream.stop", streamId=stopped["streamId"])
    await world.ended(stopped["streamId"])
    assert await spent(world, caller) == Spent(answers=2, estimated_answers=2, input_tokens=7, output_tokens=4)
    await world.run(caller, "chat.delete", chatId="d")
    assert (await spent(world, caller)).answers == 2, "deleting a chat gives nothing back"
