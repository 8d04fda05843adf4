"""Deleting a user: what runs ends first, then everything is gone, and nothing comes back."""

import asyncio
from typing import Any

import pytest

from app.commands import leaving as module
from app.commands.accounts import Newcomer
from app.commands.identity import Granted, Proof
from app.commands.reply import Caller
from app.streams import leaving
from protocol.errors import Refusal
from tests.app.realtime.test_signed_in import tab_of
from tests.app.world import Held, World, until


async def rows_of(world: World, user_id: str) -> dict[str, int]:
    """How many rows each table has that say they are this user's, or are of a session of theirs."""
    tables = await world.store.fetch_all(
        "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'user_id'"
    )
    found = {}
    for table in (row["name"] for row in tables):
        rows = await world.store.fetch_all(f"SELECT 1 AS one FROM {table} WHERE user_id = :id", {"id": user_id})
        found[table] = len(rows)
    return {table: count for table, count in found.items() if count}


async def registered(world: World) -> tuple[Granted, Caller]:
    """Somebody with an account who has used everything there is."""
    newcomer = Newcomer("ada@example.org", "correct horse", "Ada", None, "x")
    granted = await world.accounts.register(newcomer, None)
    caller = Caller(granted.user_id, "tab")
    session = await world.identity.session(Proof(granted.token, "bearer"))
    await world.identity.ticket(session)
    await world.tokens.create(session, "A script", None)
    await world.answered(caller, "ended")
    await world.run(caller, "project.create", projectId="p", title="A project")
    await world.run(caller, "stream.stop", commandId="early")
    await world.run(caller, "chat.create", chatId="deleted")
    await world.run(caller, "chat.delete", chatId="deleted")
    await world.quiet()
    return granted, caller


async def test_everything_of_a_user_goes_and_nothing_of_anybody_else(world: World) -> None:
    other, others = await world.guest(), await world.granted()
    await world.answered(other, "ended")
    await world.quiet()
    before = await rows_of(world, other.user_id)
    granted, _ = await registered(world)
    assert len(await rows_of(world, granted.user_id)) >= 9
    tabs = [await tab_of(world, who) for who in (granted, others)]
    await world.leaving.leave(granted.user_id)
    assert await rows_of(world, granted.user_id) == {"deleted_users": 1}
    assert [tab.refused for tab in tabs] == [["session_revoked"], []]
    assert await rows_of(world, other.user_id) == before
    assert (await world.history(other, "ended"))[0]["role"] == "user"
    for text in ("ada@example.org", "Ada", "argon2"):
        for table in ("users", "sessions", "events", "search_entries"):
            assert text not in str(await world.store.fetch_all(f"SELECT * FROM {table}"))


async def test_what_runs_is_stopped_and_what_waits_never_starts(world: World) -> None:
    _, caller = await registered(world)
    world.model.script = held = Held()
    running, waiting = await world.ask(caller, "a"), await world.ask(caller, "a", ifActive="queue")
    elsewhere = await world.ask(caller, "b")
    await until(lambda: held.started == 2)
    streams = [world.registry.get(each["streamId"]) for each in (running, waiting, elsewhere)]
    await world.leaving.leave(caller.user_id)
    assert [stream and stream.status for stream in streams] == ["stopped"] * 3
    assert (held.started, world.supervisor.running) == (2, 0)
    assert [world.registry.get(each["streamId"]) for each in (running, waiting, elsewhere)] == [None] * 3
    assert await rows_of(world, caller.user_id) == {"deleted_users": 1}


async def test_whoever_is_gone_can_do_nothing_and_the_email_is_free(world: World) -> None:
    granted, caller = await registered(world)
    await world.leaving.leave(caller.user_id)
    with pytest.raises(Refusal) as refused:
        await world.identity.session(Proof(granted.token, "bearer"))
    assert refused.value.code == "unauthenticated"
    for kind, fields in (("chat.create", {"chatId": "c"}), ("message.send", {})):
        with pytest.raises(Refusal) as gone:
            await (world.ask(caller) if kind == "message.send" else world.run(caller, kind, **fields))
        assert gone.value.code == "session_revoked"
    with pytest.raises(Refusal):
        await world.leaving.leave(caller.user_id)
    _, again = await registered(world)
    assert again.user_id != caller.user_id
    snapshot = (await world.run(again, "dashboard.get")).result
    assert [chat["chatId"] for chat in snapshot["chats"]] == ["ended"]


async def test_a_question_that_is_asked_meanwhile_comes_to_nothing(world: World) -> None:
    _, caller = await registered(world)
    world.model.script = Held()
    await world.ask(caller, "first")
    asks = [asyncio.create_task(world.ask(caller, f"c{n}")) for n in range(10)]
    await world.leaving.leave(caller.user_id)
    done: list[Any] = await asyncio.gather(*asks, return_exceptions=True)
    assert any(isinstance(each, dict) for each in done), "some came first"
    for each in done:
        assert isinstance(each, dict) or (isinstance(each, Refusal) and each.code == "session_revoked"), each
    assert world.supervisor.running == 0
    assert await rows_of(world, caller.user_id) == {"deleted_users": 1}


async def test_an_account_of_many_chats_goes_in_steps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = await world.guest()
    monkeypatch.setattr(leaving, "CHATS_AT_ONCE", 2)
    for n in range(5):
        await world.run(caller, "chat.create", chatId=f"c{n}")
    steps = 1
    while await leaving.step(world.outbox, caller.user_id) is not None:
        steps += 1
    assert steps == 4, "two, two, one, and the user"


async def test_an_answer_that_does_not_end_leaves_the_user_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    granted, caller = await registered(world)
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    world.model.script = Held()
    stream = await world.ask(caller, "a")
    monkeypatch.setattr(world.supervisor, "stop", lambda _: asyncio.sleep(0, False))
    with pytest.raises(Refusal) as refused:
        await world.leaving.leave(caller.user_id)
    assert (refused.value.code, refused.value.error.retryable) == ("timeout", True)
    await world.identity.session(Proof(granted.token, "bearer"))
    monkeypatch.undo()
    await world.leaving.leave(caller.user_id)
    assert world.registry.get(stream["streamId"]) is None
