"""What nobody saw is unseen on every device until somebody sees it (guarantee 26)."""

import asyncio
from typing import Any

import pytest

from app.commands.reply import Caller
from app.models.interface import FinishReason, ModelFailure, Prompt, Sink
from protocol.errors import Refusal
from tests.app.fakes import Tab
from tests.app.world import Held, World, until


async def fail(_prompt: Prompt, _sink: Sink) -> FinishReason:
    raise ModelFailure("model_error", "The model fell asleep.")


async def shown(world: World, caller: Caller, chat_id: str = "c") -> dict[str, Any]:
    chat: dict[str, Any] = (await world.run(caller, "chat.get", chatId=chat_id)).result["chat"]
    return chat


async def marks(world: World, caller: Caller, chat_id: str = "c") -> list[tuple[str, str]]:
    """What events say of a chat's mark: their name and message."""
    told = await world.events(caller)
    return [
        (name, data["messageId"])
        for name, data in told
        if name in ("chat.unseen", "chat.seen") and data["chatId"] == chat_id
    ]


async def refused(world: World, caller: Caller, **fields: Any) -> tuple[str, str | None]:
    with pytest.raises(Refusal) as refusal:
        await world.run(caller, "chat.seen", **fields)
    assert refusal.value.error.message.endswith("."), "a sentence"
    return refusal.value.code, refusal.value.error.param


# When an answer ends


async def test_g26_an_answer_that_nobody_saw_end_is_unseen(world: World) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    await world.quiet()
    assert await marks(world, caller) == [("chat.unseen", stream.message_id)]
    told = await world.events(caller)
    names = [name for name, _ in told]
    assert names[names.index("stream.ended") + 1] == "chat.unseen", "right behind the end"
    assert told[names.index("chat.unseen")][1]["chat"]["unseen"]
    assert (await shown(world, caller))["unseen"]


@pytest.mark.parametrize("looks", ["c", "d", None])
async def test_g26_what_counts_is_a_tab_that_shows_the_chat(world: World, looks: str | None) -> None:
    caller = await world.guest()
    for chat_id in (None, looks, "e"):
        await world.hub.join(caller.user_id, Tab(chat_id))
    await world.hub.join((await world.guest()).user_id, Tab("c"))
    await world.answered(caller)
    await world.quiet()
    assert bool(await marks(world, caller)) is (looks != "c")
    unseen_ever = any(data.get("chat", {}).get("unseen") for _, data in await world.events(caller))
    assert unseen_ever is (looks != "c"), "not even for an instant"


async def test_g26_who_looks_when_it_ends_counts_not_who_looked_before(world: World) -> None:
    caller = await world.guest()
    tab = Tab("c")
    await world.hub.join(caller.user_id, tab)
    held = world.model.script = Held()
    for number, (before, after) in enumerate([("c", "d"), ("d", "c"), ("c", None)]):
        tab.shows, held.gate = before, asyncio.Event()
        result = await world.ask(caller, chat_id := f"chat{number}")
        await until(lambda number=number: held.started > number)  # type: ignore[misc]  # bound per turn
        tab.shows = chat_id if after == "c" else after
        held.gate.set()
        await world.ended(result["streamId"])
        assert bool(await marks(world, caller, chat_id)) is (after != "c")


async def test_g26_a_failed_answer_is_unseen_too(world: World) -> None:
    caller = await world.guest()
    world.model.script = fail
    stream = await world.answered(caller)
    assert await marks(world, caller) == [("chat.unseen", stream.message_id)]
    chat = await shown(world, caller)
    assert (chat["unseen"], chat["lastStatus"]) == (True, "failed")


async def test_g26_a_stop_is_somebodys_own_act(world: World) -> None:
    caller = await world.guest()
    world.model.script = Held()
    running = await world.ask(caller)
    waiting = await world.ask(caller, ifActive="queue")
    for result in (waiting, running):
        await world.run(caller, "stream.stop", streamId=result["streamId"])
        await world.ended(result["streamId"])
    assert await marks(world, caller) == []
    assert not (await shown(world, caller))["unseen"]


async def test_g26_a_deleted_chat_is_not_marked_first(world: World) -> None:
    caller = await world.guest()
    world.model.script = Held()
    await world.ask(caller)
    await world.run(caller, "chat.delete", chatId="c")
    assert await marks(world, caller) == []


async def test_g26_the_next_question_takes_no_mark_away(world: World) -> None:
    """Both are readable at once: what was not seen, and that something runs."""
    caller = await world.guest()
    await world.answered(caller)
    world.model.script = Held()
    await world.ask(caller)
    chat = await shown(world, caller)
    assert chat["unseen"]
    assert chat["activeStreamId"]


async def test_g26_an_answer_that_was_seen_does_not_make_up_for_one_that_was_not(world: World) -> None:
    caller = await world.guest()
    first = await world.answered(caller)
    await world.hub.join(caller.user_id, Tab("c"))
    await world.answered(caller)
    assert await marks(world, caller) == [("chat.unseen", first.message_id)]
    assert (await shown(world, caller))["unseen"], "until its tab says that it showed it"


# chat.seen


async def test_g26_seen_clears_the_mark_and_tells_every_device(world: World) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    reply = await world.run(caller, "chat.seen", chatId="c", messageId=stream.message_id)
    assert (reply.result, reply.duplicate) == ({}, False)
    name, data = (await world.events(caller))[-1]
    chat = await shown(world, caller)
    assert (name, data) == ("chat.seen", {"chatId": "c", "chat": chat, "messageId": stream.message_id})
    assert not chat["unseen"]


async def test_g26_what_is_seen_already_changes_nothing(world: World) -> None:
    caller = await world.guest()
    await world.hub.join(caller.user_id, Tab("c"))
    stream = await world.answered(caller)
    await world.quiet()
    before = await world.events(caller)
    await world.run(caller, "chat.seen", chatId="c", messageId=stream.message_id)
    assert await world.events(caller) == before


async def test_g03_a_repeated_seen_answers_the_same_and_clears_nothing_newer(world: World) -> None:
    caller = await world.guest()
    first = await world.answered(caller)
    once = {"id": "once", "chatId": "c", "messageId": first.message_id}
    assert not (await world.run(caller, "chat.seen", **once)).duplicate
    second = await world.answered(caller)
    assert (await world.run(caller, "chat.seen", **once)).duplicate
    assert (await marks(world, caller))[-1] == ("chat.unseen", second.message_id)
    assert await refused(world, caller, **once | {"messageId": second.message_id}) == ("idempotency_conflict", None)


async def test_g26_an_older_message_does_not_clear_the_mark_of_a_newer_answer(world: World) -> None:
    caller = await world.guest()
    await world.answered(caller)
    second = await world.answered(caller)
    *older, question, answer = [message["id"] for message in await world.history(caller)]
    assert answer == second.message_id
    for message_id in (*older, question):
        await world.run(caller, "chat.seen", chatId="c", messageId=message_id)
        assert (await shown(world, caller))["unseen"]
    await world.run(caller, "chat.seen", chatId="c", messageId=answer)
    assert (await marks(world, caller))[-1] == ("chat.seen", answer)


async def test_g26_while_the_next_answer_is_written_the_last_whole_one_is_the_newest(world: World) -> None:
    caller = await world.guest()
    first = await world.answered(caller)
    held = world.model.script = Held()
    running = await world.ask(caller)
    await world.run(caller, "chat.seen", chatId="c", messageId=first.message_id)
    assert not (await shown(world, caller))["unseen"]
    held.gate.set()
    await world.ended(running["streamId"])
    assert (await marks(world, caller))[-1] == ("chat.unseen", running["messageId"])
    await world.run(caller, "chat.seen", chatId="c", messageId=first.message_id)
    assert (await shown(world, caller))["unseen"], "what came behind it was not seen"


async def test_g26_of_versions_the_one_that_is_shown_must_be_seen(world: World) -> None:
    caller = await world.guest()
    old = await world.answered(caller)
    new = (await world.run(caller, "message.regenerate", chatId="c")).result
    await world.ended(new["streamId"])
    await world.run(caller, "chat.seen", chatId="c", messageId=old.message_id)
    assert (await shown(world, caller))["unseen"]
    await world.run(caller, "message.select", chatId="c", messageId=old.message_id)
    await world.run(caller, "chat.seen", chatId="c", messageId=old.message_id)
    assert not (await shown(world, caller))["unseen"], "a page that shows all there is to show must be able to clear it"


async def test_g32_what_is_unknown_or_foreign_is_not_found(world: World) -> None:
    caller, other = await world.guest(), await world.guest()
    mine = await world.answered(caller)
    theirs = await world.answered(other, "d")
    await world.run(caller, "chat.create", chatId="empty")
    for chat_id, message_id, param in [
        ("nothing", mine.message_id, "$.chatId"),
        ("d", theirs.message_id, "$.chatId"),
        ("c", "nothing", "$.messageId"),
        ("c", theirs.message_id, "$.messageId"),
        ("empty", mine.message_id, "$.messageId"),
    ]:
        assert await refused(world, caller, chatId=chat_id, messageId=message_id) == ("not_found", param)
    await world.run(caller, "chat.delete", chatId="c")
    assert await refused(world, caller, chatId="c", messageId=mine.message_id) == ("not_found", "$.chatId")
