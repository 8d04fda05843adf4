from app.store import events, retention, users
from app.store.commands import stop_early
from app.store.events import StoredEvent
from protocol.limits import Limits
from tests.app.world import World

HOUR = 3_600_000


async def count(world: World, table: str) -> int:
    return len(await world.store.fetch_all(f"SELECT * FROM {table}"))


async def logged(world: World, *times: int) -> str:
    """A user with an event at each of these times."""
    user_id = (await world.guest()).user_id
    stored = [StoredEvent(n, "chat.updated", time, None, "{}") for n, time in enumerate(times, start=1)]
    async with world.store.transaction() as tx:
        await events.append(tx, user_id, stored)
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
    await retention.sweep(world.store, Limits(event_log_events=3), now=10)
    assert (await left(world, first), await left(world, second)) == ([3, 4, 5], [1, 2])


async def test_receipts_stops_tickets_and_sessions_go_when_their_time_is_over(world: World) -> None:
    caller = await world.guest()
    await world.answered(caller, id="once")
    await world.quiet()
    now = world.clock.now_ms()
    await stop_early(world.store, caller.user_id, "x", expires_at=now + HOUR)
    session_id = (await world.store.fetch_all("SELECT session_id FROM sessions"))[0]["session_id"]
    await users.create_ticket(world.store, "hash", session_id, expires_at=now + HOUR)
    tables = ["idempotency", "early_stops", "tickets", "sessions", "messages"]
    await retention.sweep(world.store, world.limits, now=now + HOUR)
    assert [await count(world, table) for table in tables] == [1, 1, 1, 1, 2]
    await retention.sweep(world.store, world.limits, now=now + HOUR + 1)
    assert [await count(world, table) for table in tables] == [1, 0, 0, 1, 2]
    await retention.sweep(world.store, world.limits, now=now + 24 * HOUR + 1)
    assert await count(world, "idempotency") == 0
    await retention.sweep(world.store, world.limits, now=now + 31 * 24 * HOUR)
    assert await count(world, "sessions") == 0
    assert await count(world, "messages") == 2, "what people wrote is kept"


async def test_the_id_of_a_deleted_chat_is_free_after_a_day(world: World) -> None:
    caller = await world.guest()
    await world.answered(caller)
    await world.store.execute("UPDATE chats SET deleted_at = 1000")
    await retention.sweep(world.store, world.limits, now=1000 + retention.TOMBSTONE_MS)
    assert [await count(world, table) for table in ("chats", "messages", "streams")] == [1, 2, 1]
    await retention.sweep(world.store, world.limits, now=1001 + retention.TOMBSTONE_MS)
    assert [await count(world, table) for table in ("chats", "messages", "streams")] == [0, 0, 0]
