"""`message.send` over a real store; what a test sends is what the wire brings."""

from typing import Any

import pytest

from app.commands.content import MOST_CHARACTERS, MOST_PARTS
from app.commands.reply import Caller
from app.models.interface import InvalidOption
from app.store.engine import Database
from protocol.errors import Refusal
from protocol.limits import Limits
from tests.app.world import Held, World, command, opened, sending, until


async def refused(world: World, caller: Caller, kind: str, **fields: Any) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        await world.run(caller, kind, **fields)
    return refusal.value


async def counted(world: World, table: str) -> int:
    row = await world.store.fetch_one(f"SELECT COUNT(*) AS n FROM {table}")
    assert row is not None
    return int(row["n"])


async def test_a_send_makes_the_chat_the_question_and_the_answer(world: World) -> None:
    caller = await world.guest()
    reply = await world.run(caller, "message.send", **sending("c", "What is a tide?"))
    assert reply.subscribe is not None
    stream, after = reply.subscribe
    assert (reply.result["streamId"], after, reply.result["seq"]) == (stream.stream_id, 0, 0)
    assert reply.result["status"] == "streaming"
    await world.ended(stream.stream_id)
    await world.quiet()
    names = [name for name, _ in await world.events(caller)]
    ended = ["stream.ended", "chat.unseen"]
    assert names == ["chat.created", "message.created", "stream.started", *ended, "chat.updated"]


async def test_a_send_that_wants_no_subscription_gets_none(world: World) -> None:
    reply = await world.run(await world.guest(), "message.send", **sending(), subscribe=False)
    assert reply.subscribe is None


# Guarantee 3


async def test_g03_a_repeat_has_no_second_effect_and_the_same_result(world: World) -> None:
    caller, fields = await world.guest(), sending()
    first = await world.run(caller, "message.send", id="once", **fields)
    await world.ended(first.result["streamId"])
    again = await world.run(caller, "message.send", id="once", **fields)
    assert (again.result, again.duplicate) == (first.result, True)
    assert again.subscribe == first.subscribe
    assert await counted(world, "messages") == 2


async def test_g03_another_body_under_the_same_id_is_a_conflict(world: World) -> None:
    caller, fields = await world.guest(), sending()
    await world.run(caller, "message.send", id="once", **fields)
    refusal = await refused(world, caller, "message.send", id="once", **sending(text="Something else"))
    assert refusal.code == "idempotency_conflict"


async def test_g03_an_absent_field_equals_one_at_its_default(world: World) -> None:
    caller, fields = await world.guest(), sending()
    await world.run(caller, "message.send", id="once", **fields)
    again = await world.run(caller, "message.send", id="once", ifActive="reject", subscribe=True, model=None, **fields)
    assert again.duplicate


async def test_g03_another_user_may_use_the_same_ids(world: World) -> None:
    fields = sending()
    for _ in range(2):
        reply = await world.run(await world.guest(), "message.send", id="once", **fields)
        assert not reply.duplicate


async def test_g03_an_error_is_not_remembered(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    first = await world.ask(caller)
    fields = sending()
    assert (await refused(world, caller, "message.send", id="again", **fields)).code == "stream_active"
    held.gate.set()
    await world.ended(first["streamId"])
    assert not (await world.run(caller, "message.send", id="again", **fields)).duplicate


async def test_g03_a_repeat_after_the_log_is_gone_still_answers(world: World) -> None:
    caller, fields = await world.guest(), sending()
    first = await world.run(caller, "message.send", id="once", **fields)
    stream = await world.ended(first.result["streamId"])
    await world.quiet()
    world.registry.retire((stream.ended_at or 0) + world.limits.stream_log_ms + 1)
    world.journal.logs.clear()  # type: ignore[attr-defined]  # the journal in memory
    world.journal.ends.clear()  # type: ignore[attr-defined]
    again = await world.run(caller, "message.send", id="once", **fields)
    assert (again.result, again.duplicate, again.subscribe) == (first.result, True, None)


# Guarantees 15 and 17


async def test_g17_a_second_question_is_refused_and_names_the_stream_that_is_in_its_way(world: World) -> None:
    caller = await world.guest()
    world.model.script = Held()
    first = await world.ask(caller)
    refusal = await refused(world, caller, "message.send", **sending())
    assert (refusal.code, refusal.error.details) == ("stream_active", {"streamId": first["streamId"]})


async def test_g17_a_question_may_stop_the_answer_before(world: World) -> None:
    caller = await world.guest()
    world.model.script = Held()
    first = await world.ask(caller)
    await until(lambda: world.model.prompts != [])
    queued = await world.ask(caller, ifActive="queue")
    second = await world.ask(caller, ifActive="stop")
    assert second["status"] == "queued"
    assert (await world.ended(first["streamId"])).status == "stopped"
    await until(lambda: len(world.model.prompts) == 2)
    assert (await world.row(caller, second["streamId"])).status == "streaming", "who waits in line was before it"
    assert (await world.row(caller, queued["streamId"])).status == "queued"


async def test_g15_a_stop_that_comes_first_is_kept_for_its_send(world: World) -> None:
    caller = await world.guest()
    reply = await world.run(caller, "stream.stop", commandId="later")
    assert reply.result == {"status": "stopping"}
    stream = await world.answered(caller, id="later")
    assert stream.status == "stopped"
    assert not world.model.prompts
    question, answer = await world.history(caller)
    assert (question["parts"][0]["text"], answer["parts"]) == ("Hello?", [])
    assert (await world.answered(caller)).status == "completed", "it stopped more than it named"


async def test_g15_a_stop_that_came_first_is_forgotten_after_a_minute(world: World) -> None:
    caller = await world.guest()
    await world.run(caller, "stream.stop", commandId="later")
    world.pass_ms(60_001)
    assert (await world.answered(caller, id="later")).status == "completed"


async def test_g15_a_stop_that_came_first_outlasts_the_queue(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    first = await world.ask(caller)
    await world.run(caller, "stream.stop", commandId="later")
    second = await world.ask(caller, id="later", ifActive="queue")
    await until(lambda: held.started == 1)
    world.pass_ms(120_000)
    held.gate.set()
    await world.ended(first["streamId"])
    assert (await world.ended(second["streamId"])).status == "stopped"
    assert held.started == 1


async def test_g15_the_stop_of_another_user_stops_nobody(world: World) -> None:
    await world.run(await world.guest(), "stream.stop", commandId="later")
    assert (await world.answered(await world.guest(), id="later")).status == "completed"


# What is refused


@pytest.mark.parametrize(
    ("parts", "code", "param"),
    [
        ([], "invalid_argument", "$.message.parts"),
        ([{"type": "text", "text": " \n"}], "invalid_argument", "$.message.parts"),
        ([{"type": "text"}], "invalid_argument", "$.message.parts[0].text"),
        ([{"type": "text", "text": 5}], "invalid_argument", "$.message.parts[0].text"),
        ([{"type": "text", "text": "x"}, {"type": "reasoning"}], "invalid_argument", "$.message.parts[1].type"),
        ([{}], "invalid_argument", "$.message.parts[0].type"),
        ([{"type": "text", "text": "x"}] * (MOST_PARTS + 1), "frame_too_large", "$.message.parts"),
        ([{"type": "text", "text": "x" * (MOST_CHARACTERS + 1)}], "frame_too_large", "$.message.parts"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_question_must_say_something_that_can_be_stored(
    world: World, parts: list[Any], code: str, param: str
) -> None:
    message = {"id": "q", "role": "user", "parts": parts}
    refusal = await refused(world, await world.guest(), "message.send", chatId="c", message=message)
    assert (refusal.code, refusal.error.param) == (code, param)
    assert await counted(world, "chats") == 0


async def test_a_question_is_stored_clean_and_without_what_it_says_of_itself(world: World) -> None:
    caller = await world.guest()
    parts = [{"type": "text", "text": "a\0b", "state": "done"}]
    message = {"id": "q", "role": "user", "parts": parts, "metadata": {"status": "completed"}}
    await world.run(caller, "message.send", chatId="c", message=message)
    question = (await world.history(caller))[0]
    assert question["parts"] == [{"type": "text", "text": question["parts"][0]["text"]}]
    assert "\0" not in question["parts"][0]["text"]
    assert question["metadata"].keys() == {"createdAt", "versions"}


@pytest.mark.parametrize("chat_id", ["c", "another"])
async def test_a_message_id_is_used_once(world: World, chat_id: str) -> None:
    caller, fields = await world.guest(), sending()
    await world.answered(caller, **fields)
    refusal = await refused(world, caller, "message.send", **fields | {"chatId": chat_id})
    assert (refusal.code, refusal.error.param) == ("message_conflict", "$.message.id")


async def test_a_message_id_that_waits_in_the_queue_is_used_too(world: World) -> None:
    caller = await world.guest()
    world.model.script = Held()
    await world.ask(caller)
    fields = sending()
    waiting = await world.ask(caller, **fields, ifActive="queue")
    for taken in (fields["message"]["id"], waiting["messageId"]):
        again = sending("another")
        again["message"]["id"] = taken
        assert (await refused(world, caller, "message.send", **again)).code == "message_conflict"


async def test_a_project_must_be_there(world: World) -> None:
    refusal = await refused(world, await world.guest(), "message.send", **sending(), projectId="p")
    assert (refusal.code, refusal.error.param) == ("not_found", "$.projectId")


async def test_a_deleted_chat_takes_no_questions(world: World) -> None:
    caller = await world.guest()
    await world.answered(caller)
    await world.store.execute("UPDATE chats SET deleted_at = 1")
    assert (await refused(world, caller, "message.send", **sending())).error.param == "$.chatId"
    assert (await refused(world, caller, "chat.get", chatId="c")).code == "not_found"


async def test_the_model_must_be_offered_and_take_the_options(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = await world.guest()
    refusal = await refused(world, caller, "message.send", **sending(), model="gone")
    assert (refusal.code, refusal.error.param) == ("model_not_available", "$.model")

    def check(_options: object) -> None:
        raise InvalidOption("pace", "`pace` must be a number.")

    monkeypatch.setattr(world.model, "check_options", check)
    refusal = await refused(world, caller, "message.send", **sending(), options={"pace": "x"})
    assert (refusal.code, refusal.error.param) == ("invalid_argument", "$.options.pace")


async def test_so_many_answers_a_minute_and_no_more(store: Database) -> None:
    async with opened(World(store, limits=Limits(generations_per_minute=3, generations_at_once=9))) as world:
        caller, other = await world.guest(), await world.guest()
        for n in range(3):
            await world.ask(caller, f"c{n}")
        refusal = await refused(world, caller, "message.send", **sending("more"))
        assert refusal.code == "rate_limited"
        assert refusal.error.retry_after_ms == 20_000
        await world.ask(other)
        world.pass_ms(19_999)
        assert (await refused(world, caller, "message.send", **sending("more"))).error.retry_after_ms == 1
        world.pass_ms(1)
        await world.ask(caller, "more")
        world.pass_ms(-3_600_000)  # the clock is set right, or another node's is behind
        assert (await refused(world, caller, "message.send", **sending("again"))).error.retry_after_ms == 20_000


async def test_a_repeat_costs_no_rate(store: Database) -> None:
    async with opened(World(store, limits=Limits(generations_per_minute=1))) as world:
        caller, fields = await world.guest(), sending()
        for n in range(5):
            reply = await world.run(caller, "message.send", id="once", **fields)
            assert reply.duplicate is (n > 0)
        assert (await refused(world, caller, "message.send", **sending("d"))).code == "rate_limited"


async def test_g30_a_draining_node_takes_no_questions_but_answers_repeats(world: World) -> None:
    caller, fields = await world.guest(), sending()
    await world.run(caller, "message.send", id="once", **fields)
    world.supervisor.draining = True
    assert (await refused(world, caller, "message.send", **sending())).code == "draining"
    assert (await world.run(caller, "message.send", id="once", **fields)).duplicate


async def test_a_user_who_is_gone_is_signed_out(world: World) -> None:
    assert (await refused(world, Caller("usr_gone", "client"), "message.send", **sending())).code == "session_revoked"


async def test_a_command_nobody_carries_out_is_unknown(world: World) -> None:
    with pytest.raises(Refusal) as refusal:
        await world.commands.run(await world.guest(), command("auth.refresh", token="t"))
    assert refusal.value.code == "unknown_type"
