"""Creating, changing and deleting chats, and what happens to an answer that is being written in one."""

import asyncio
from typing import Any

import pytest

from app.commands.reply import Caller
from app.store import retention, streams
from app.streams.generation import Generation
from app.streams.titles import UNTITLED
from protocol.errors import Refusal
from tests.app.fakes import MemoryJournal, say
from tests.app.world import Held, World, until


async def refused(world: World, caller: Caller, kind: str, **fields: Any) -> tuple[str, str | None]:
    with pytest.raises(Refusal) as refusal:
        await world.run(caller, kind, **fields)
    assert refusal.value.error.message.endswith("."), "a sentence"
    return refusal.value.code, refusal.value.error.param


async def shown(world: World, caller: Caller, chat_id: str = "c") -> dict[str, Any]:
    chat: dict[str, Any] = (await world.run(caller, "chat.get", chatId=chat_id)).result["chat"]
    return chat


async def test_a_chat_is_created_as_the_client_wants_it(world: World) -> None:
    caller = await world.guest()
    reply = await world.run(caller, "chat.create", chatId="c", title="  My \n chat ", pinned=True, archived=True)
    chat = await shown(world, caller)
    assert (chat["title"], chat["pinned"], chat["archived"]) == ("My chat", True, True)
    assert reply.result == {"version": chat["version"]}
    assert [(name, data["chat"]) for name, data in await world.events(caller)] == [("chat.created", chat)]


async def test_a_chat_without_a_title_is_named_by_its_first_answer(world: World) -> None:
    caller = await world.guest()
    await world.run(caller, "chat.create", chatId="c", projectId="")
    assert (await shown(world, caller))["title"] == UNTITLED
    await world.answered(caller)
    await world.quiet()
    assert (await shown(world, caller))["title"] == "A title"


async def test_an_id_that_is_taken_is_refused(world: World) -> None:
    caller = await world.guest()
    await world.run(caller, "chat.create", chatId="c", title="First")
    assert await refused(world, caller, "chat.create", chatId="c") == ("message_conflict", "$.chatId")
    assert (await shown(world, caller))["title"] == "First"


async def test_g32_the_same_id_of_another_user_is_another_chat(world: World) -> None:
    caller, other = await world.guest(), await world.guest()
    await world.run(caller, "chat.create", chatId="c", title="Mine")
    for kind in ("chat.update", "chat.delete"):
        for chat_id in ("c", "unknown"):
            assert await refused(world, other, kind, chatId=chat_id, title="x") == ("not_found", "$.chatId")
    await world.run(other, "chat.create", chatId="c", title="Theirs")
    await world.run(other, "chat.delete", chatId="c")
    assert (await shown(world, caller))["title"] == "Mine"


@pytest.mark.parametrize(
    ("fields", "param"),
    [({}, "$"), ({"title": ""}, "$.title"), ({"title": " \t\n"}, "$.title")],
)
async def test_an_update_says_something(world: World, fields: dict[str, Any], param: str) -> None:
    caller = await world.guest()
    await world.run(caller, "chat.create", chatId="c")
    assert await refused(world, caller, "chat.update", chatId="c", **fields) == ("invalid_argument", param)


@pytest.mark.parametrize("kind", ["chat.create", "chat.update"])
async def test_an_unknown_project_is_not_found(world: World, kind: str) -> None:
    caller = await world.guest()
    if kind == "chat.update":
        await world.run(caller, "chat.create", chatId="c")
    assert await refused(world, caller, kind, chatId="c", projectId="none") == ("not_found", "$.projectId")


async def test_an_update_changes_what_it_names_and_nothing_else(world: World) -> None:
    caller = await world.guest()
    await world.answered(caller)
    await world.quiet()
    world.pass_ms(60_000)
    chat = await shown(world, caller)
    for field, value in [("title", "Mine"), ("pinned", True), ("archived", True), ("pinned", False)]:
        reply = await world.run(caller, "chat.update", chatId="c", **{field: value})
        chat |= {field: value, "version": chat["version"] + 1}
        assert await shown(world, caller) == chat
        assert reply.result == {"version": chat["version"]}
        assert (await world.events(caller))[-1] == ("chat.updated", {"chatId": "c", "chat": chat})


@pytest.mark.parametrize("kind", ["chat.create", "chat.update", "chat.delete"])
async def test_g03_a_repeat_answers_the_same_and_does_nothing(world: World, kind: str) -> None:
    caller = await world.guest()
    if kind != "chat.create":
        await world.run(caller, "chat.create", chatId="c")
    first = await world.run(caller, kind, id="once", chatId="c", title="T")
    told = await world.events(caller)
    again = await world.run(caller, kind, id="once", chatId="c", title="T")
    assert (again.result, again.duplicate) == (first.result, True)
    assert await world.events(caller) == told
    assert (await refused(world, caller, kind, id="once", chatId="c", title="U"))[0] == "idempotency_conflict"


async def test_a_persons_title_wins_over_a_title_the_model_is_thinking_of(world: World) -> None:
    caller = await world.guest()
    asked, gate = asyncio.Event(), asyncio.Event()

    async def title(_question: str, _answer: str) -> str:
        asked.set()
        await gate.wait()
        return "By the model"

    world.model.title = title  # type: ignore[method-assign, assignment]  # of this one model
    await world.answered(caller)
    await asked.wait()
    await world.run(caller, "chat.update", chatId="c", title="By me")
    gate.set()
    await world.quiet()
    assert (await shown(world, caller))["title"] == "By me"


async def test_deleting_a_quiet_chat_leaves_nothing_of_it(world: World) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    await world.quiet()
    version = (await shown(world, caller))["version"]
    reply = await world.run(caller, "chat.delete", chatId="c")
    assert reply.result == {"version": version + 1}
    assert (await world.events(caller))[-1] == ("chat.deleted", {"chatId": "c", "version": version + 1})
    for kind in ("chat.get", "chat.update", "chat.delete"):
        assert (await refused(world, caller, kind, chatId="c", **named(kind)))[0] == "not_found"
    assert (await refused(world, caller, "stream.subscribe", streamId=stream.stream_id, after=0))[0] == "not_found"
    assert (await refused(world, caller, "stream.stop", chatId="c"))[0] == "not_found"
    for table in ("messages", "streams"):
        assert await world.store.fetch_all(f"SELECT * FROM {table}") == []
    assert (await world.run(caller, "dashboard.get")).result["chats"] == []
    with pytest.raises(Refusal) as refusal:
        await world.ask(caller)
    assert refusal.value.code == "not_found"


def named(kind: str) -> dict[str, str]:
    return {"title": "x"} if kind == "chat.update" else {}


async def test_a_deleted_id_can_be_used_again_after_a_day_with_a_newer_version(world: World) -> None:
    caller = await world.guest()
    await world.run(caller, "chat.create", chatId="c")
    for n in range(5):
        await world.run(caller, "chat.update", chatId="c", title=str(n))
    deleted = (await world.run(caller, "chat.delete", chatId="c")).result["version"]
    assert await refused(world, caller, "chat.create", chatId="c") == ("not_found", "$.chatId")
    world.pass_ms(retention.TOMBSTONE_MS + 1)
    await retention.sweep(world.store, world.limits, now=world.clock.now_ms())
    created = (await world.run(caller, "chat.create", chatId="c")).result["version"]
    assert created > deleted, "else whoever remembers the deletion would not show it"


async def test_an_answer_being_written_is_stopped_before_its_chat_goes(world: World) -> None:
    caller = await world.guest()
    world.model.script = held = Held()
    sent = await world.ask(caller)
    await until(lambda: held.started == 1)
    waiting = await world.ask(caller, ifActive="queue")
    stream, queued = (world.registry.get(result["streamId"]) for result in (sent, waiting))
    assert stream is not None
    assert queued is not None
    await world.run(caller, "chat.delete", chatId="c")
    assert (stream.status, queued.status) == ("stopped", "stopped")
    assert stream.end is not None, "whoever follows it has its end"
    last = [(name, data.get("streamId"), data.get("status")) for name, data in await world.events(caller)][-3:]
    assert last == [
        ("stream.ended", waiting["streamId"], "stopped"),
        ("stream.ended", sent["streamId"], "stopped"),
        ("chat.deleted", None, None),
    ]
    assert all("chat" in data for name, data in await world.events(caller) if name == "stream.ended")
    assert held.started == 1, "what waited is not started"
    await world.quiet()
    assert world.supervisor.running == 0


async def test_two_deletes_at_once_delete_once(world: World) -> None:
    caller = await world.guest()
    world.model.script = Held()
    await world.ask(caller)
    outcomes = await asyncio.gather(
        *(world.run(caller, "chat.delete", chatId="c") for _ in range(3)), return_exceptions=True
    )
    assert sorted(getattr(outcome, "code", "done") for outcome in outcomes) == ["done", "not_found", "not_found"]
    assert [name for name, _ in await world.events(caller)].count("chat.deleted") == 1


async def test_an_answer_asked_for_while_its_chat_is_deleted_is_stopped_or_refused(world: World) -> None:
    caller = await world.guest()
    world.model.script = Held()
    for n in range(12):
        chat_id = f"c{n}"
        await world.ask(caller, chat_id)
        sends = (world.ask(caller, chat_id, ifActive=mode) for mode in ("stop", "queue", "reject"))
        await asyncio.gather(world.run(caller, "chat.delete", chatId=chat_id), *sends, return_exceptions=True)
        assert (await refused(world, caller, "chat.get", chatId=chat_id))[0] == "not_found"
        assert await streams.active_of_user(world.store, caller.user_id) == []
    await world.quiet()
    assert await world.store.fetch_all("SELECT * FROM messages") == []


async def test_a_delete_that_races_the_finish_leaves_nothing(world: World) -> None:
    caller = await world.guest()
    for n in range(20):
        world.model.script = held = Held()
        chat_id = f"c{n}"
        await world.ask(caller, chat_id)
        held.gate.set()
        for _ in range(n):
            await asyncio.sleep(0)
        await world.run(caller, "chat.delete", chatId=chat_id)
        told = [name for name, data in await world.events(caller) if data.get("chatId") == chat_id]
        assert told[-1] == "chat.deleted"
        assert told.count("stream.ended") == 1
    await world.quiet()
    told = [name for name, data in await world.events(caller)]
    assert told.count("chat.deleted") == 20, "no late title brings one back"
    assert await world.store.fetch_all("SELECT * FROM messages") == []
    assert (await world.run(caller, "dashboard.get")).result["chats"] == []


async def test_a_stream_that_nobody_runs_does_not_keep_its_chat(world: World) -> None:
    """Its owner's commit was thought to have failed: its row says streaming, and no runner has it."""
    caller = await world.guest()
    world.model.script = Held()
    sent = await world.ask(caller)
    world.supervisor._runners[sent["streamId"]].halt("stop")
    await world.ended(sent["streamId"])
    await world.quiet()
    await world.store.execute("UPDATE streams SET status = 'streaming', ended_at = NULL")
    await world.run(caller, "chat.delete", chatId="c")
    assert [name for name, _ in await world.events(caller)][-2:] == ["stream.ended", "chat.deleted"]


async def test_a_title_that_comes_late_does_not_bring_a_chat_back(world: World) -> None:
    caller = await world.guest()
    stream = await world.answered(caller)
    await world.quiet()
    await world.run(caller, "chat.delete", chatId="c")
    told = await world.events(caller)
    late = Generation(
        stream_id=stream.stream_id,
        user_id=caller.user_id,
        chat_id="c",
        message_id=stream.message_id,
        question_id="q",
        model="scripted",
        options={},
        started_at=0,
        metadata={},
    )
    await world.entitling._store(late, "Late")
    await world.entitling.entitle(late)
    assert await world.events(caller) == told


async def test_a_start_closes_the_logs_of_chats_that_were_deleted(world: World) -> None:
    """The process died after a chat was deleted, and before the journal had the end of its answer."""
    caller = await world.guest()

    async def script(_prompt: Any, sink: Any) -> Any:
        say(sink, "x")
        await asyncio.Event().wait()

    world.model.script = script
    sent = await world.ask(caller)
    await world.run(caller, "stream.stop", chatId="c")
    await world.ended(sent["streamId"])
    await world.quiet()
    assert isinstance(world.journal, MemoryJournal)
    world.journal.ends.clear()
    await world.run(caller, "chat.delete", chatId="c")
    await world.recovery.run()
    assert all(held.ended_at_ms is not None for held in (await world.journal.streams()).values())
