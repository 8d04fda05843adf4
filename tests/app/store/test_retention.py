from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from app.store import events, invites, retention, sessions
from app.store.commands import stop_early
from app.store.engine.database import Transaction
from app.store.events import StoredEvent
from app.store.outbox import Outbox
from app.store.sessions import Session
from protocol.limits import Limits
from tests.app.world import World

HOUR = 3_600_000
AGING = [value for value in vars(retention).values() if isinstance(value, retention._Aging)]


async def count(world: World, table: str) -> int:
    return len(await world.store.fetch_all(f"SELECT * FROM {table}"))


async def logged(world: World, *times: int) -> str:
    """A user with an event at each of these times."""
    user_id = (await world.guest()).user_id
    stored = [StoredEvent(n, "chat.updated", time, None, "{}") for n, time in enumerate(times, start=1)]
    async with world.store.transaction() as tx:
        await events.append(tx, user_id, stored, keep=1_000)
    return user_id


async def left(world: World, user_id: str) -> list[int]:
    return [event.offset for event in await events.after(world.store, user_id, 0, limit=100)]


async def test_old_events_go_and_the_head_stays(world: World) -> None:
    user_id = await logged(world, 1, 2, 3, 4)
    await retention.sweep(world.store, Limits(event_log_ms=10), now=13)
    assert await left(world, user_id) == [3, 4]
    head = await events.head(world.store, user_id)
    assert head is not None
    assert head.offset == 4


async def test_only_so_many_events_of_each_user_are_kept(world: World) -> None:
    first, second = await logged(world, *[9] * 5), await logged(world, *[9] * 2)
    outbox = Outbox(world.store, world.clock, lambda _: None, keep=3)
    for user_id in (first, second):
        async with outbox.change(user_id) as change:
            change.tell("chat.updated", source=None)
    assert (await left(world, first), await left(world, second)) == ([4, 5, 6], [1, 2, 3])


async def test_receipts_stops_tickets_and_sessions_go_when_their_time_is_over(world: World) -> None:
    caller = await world.guest()
    await world.answered(caller, id="once")
    await world.quiet()
    now = world.clock.now_ms()
    await stop_early(world.store, caller.user_id, "x", expires_at=now + HOUR)
    session_id = (await world.store.fetch_all("SELECT session_id FROM sessions"))[0]["session_id"]
    session = Session(session_id, caller.user_id, "guest", now + HOUR)
    await sessions.create_ticket(world.store, "hash", session, expires_at=now + HOUR)
    await invites.create(world.store, "hash", expires_at=now + HOUR)
    await world.store.execute("INSERT INTO deleted_users VALUES ('gone', :now)", {"now": now})
    tables = ["idempotency", "early_stops", "tickets", "invites", "deleted_users", "sessions", "messages"]
    await retention.sweep(world.store, world.limits, now=now + HOUR)
    assert [await count(world, table) for table in tables] == [1, 1, 1, 1, 1, 1, 2]
    await retention.sweep(world.store, world.limits, now=now + HOUR + 1)
    assert [await count(world, table) for table in tables] == [1, 0, 0, 0, 0, 1, 2]
    await retention.sweep(world.store, world.limits, now=now + 24 * HOUR + 1)
    assert await count(world, "idempotency") == 0
    await retention.sweep(world.store, world.limits, now=now + 31 * 24 * HOUR)
    assert await count(world, "sessions") == 0
    assert await count(world, "messages") == 2, "what people wrote is kept"


async def test_a_command_is_remembered_for_so_long(world: World) -> None:
    caller, fields = await world.guest(), {"id": "once", "chatId": "c"}
    await world.run(caller, "chat.create", **fields)
    limits, now = Limits(idempotency_ms=100), world.clock.now_ms()
    await retention.sweep(world.store, limits, now=now + 100)
    assert (await world.run(caller, "chat.create", **fields)).duplicate
    await retention.sweep(world.store, limits, now=now + 101)
    assert await count(world, "idempotency") == 0


async def test_a_sweep_takes_only_so_many_rows_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    user_id = await logged(world, *range(1, 8))
    monkeypatch.setattr(retention, "_EVENTS", retention._EVENTS._replace(batch=2))
    begun: list[int] = []
    transaction = world.store.transaction

    def counted() -> AbstractAsyncContextManager[Transaction]:
        begun.append(1)
        return transaction()

    monkeypatch.setattr(world.store, "transaction", counted)
    await retention.sweep(world.store, Limits(event_log_ms=0), now=6)
    assert await left(world, user_id) == [6, 7]
    assert len(begun) == 3 + len(AGING) - 1, "2, 2 and 1 events, and one look at each other table"


@pytest.mark.parametrize("aging", AGING, ids=lambda aging: aging.table)
async def test_a_sweep_finds_old_rows_by_an_index(world: World, aging: Any) -> None:
    plan = await world.store.fetch_all(
        f"EXPLAIN QUERY PLAN SELECT {aging.key} FROM {aging.table} WHERE {aging.time} < 5 LIMIT 5"
    )
    assert [row["detail"].split()[0] for row in plan] == ["SEARCH"]


async def test_guests_who_cannot_come_back_and_left_nothing_go(world: World) -> None:
    writer, passer, returning = [await world.guest() for _ in range(3)]
    await world.answered(writer)
    await world.quiet()
    await world.store.execute("UPDATE users SET kind = 'account' WHERE user_id = :id", {"id": returning.user_id})
    month = world.clock.now_ms() + 30 * 24 * HOUR
    await retention.sweep(world.store, world.limits, now=month)
    assert await count(world, "users") == 3, "their sessions are good still"
    await retention.sweep(world.store, world.limits, now=month + 1)
    left = {row["user_id"] for row in await world.store.fetch_all("SELECT user_id FROM users")}
    assert left == {writer.user_id, returning.user_id}
    assert passer.user_id not in left
    await world.store.execute("UPDATE chats SET deleted_at = 1")
    await retention.sweep(world.store, world.limits, now=month + 2)
    assert {row["user_id"] for row in await world.store.fetch_all("SELECT user_id FROM users")} == {returning.user_id}


async def test_the_id_of_a_deleted_chat_is_free_after_a_day(world: World) -> None:
    caller = await world.guest()
    await world.answered(caller)
    await world.store.execute("UPDATE chats SET deleted_at = 1000")
    await retention.sweep(world.store, world.limits, now=1000 + retention.TOMBSTONE_MS)
    assert [await count(world, table) for table in ("chats", "messages", "streams")] == [1, 2, 1]
    await retention.sweep(world.store, world.limits, now=1001 + retention.TOMBSTONE_MS)
    assert [await count(world, table) for table in ("chats", "messages", "streams")] == [0, 0, 0]
