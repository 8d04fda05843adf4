"""Questions about many at once have the answers that each would have alone, on both databases."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.store import chats, events, streams, users
from app.store.engine import Database
from app.store.events import StoredEvent
from app.store.migrations import migrate
from app.store.streams import StreamRow

USERS = ("u", "v", "w")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    """`u` has 8 events and `v` 3; each has a stream that waits, one that runs and one that ended; `w` has nothing."""
    await asyncio.to_thread(migrate, database_url)
    database = Database(database_url)
    await database.connect()
    async with database.transaction() as tx:
        for user_id in USERS:
            await users.create_user(tx, user_id, kind="guest", epoch=f"e_{user_id}", now=0)
        for user_id, count in (("u", 8), ("v", 3)):
            log = [
                StoredEvent(n, "chat.updated", n, f"tab_{user_id}" if n % 2 else None, "{}")
                for n in range(1, count + 1)
            ]
            await events.append(tx, user_id, log, keep=100)
            for number, status in enumerate(("queued", "streaming", "stopped")):
                chat_id, stream_id = f"chat_{number}", f"{user_id}_{status}"
                await chats.create(tx, user_id, chat_id, title="t", project_id=None, now=1)
                row = StreamRow(stream_id, user_id, chat_id, "m", stream_id, None, "queued", {}, 10 - number)
                await streams.insert(tx, row, rank=0)
                if status != "queued":
                    await streams.start(tx, stream_id, node="n", request={}, now=1)
                if status == "stopped":
                    await streams.finish(tx, stream_id, node="n", status="stopped", seq=4, outcome={}, now=2)
    yield database
    await database.close()


async def test_events_after_many_positions(store: Database) -> None:
    positions = [("u", 0), ("u", 6), ("v", 1), ("u", 8), ("w", 0), ("nobody", 0)]
    found = await events.after_each(store, positions, limit=5)
    assert found.keys() == {("u", 0), ("u", 6), ("v", 1)}
    for user_id, offset in positions:
        assert found.get((user_id, offset), []) == await events.after(store, user_id, offset, limit=5)


async def test_streams_that_have_not_ended_of_many_users(store: Database) -> None:
    found = await streams.active_of_users(store, [*USERS, "nobody"])
    assert found.keys() == {"u", "v"}
    for user_id in ("u", "v"):
        assert found[user_id] == await streams.active_of_user(store, user_id)
        assert [row.status for row in found[user_id]] == ["streaming", "queued"]


async def test_streams_by_many_ids(store: Database) -> None:
    found = await streams.each(store, ["u_stopped", "v_queued", "unknown"])
    assert found.keys() == {"u_stopped", "v_queued"}
    assert found["u_stopped"] == await streams.get(store, "u", "u_stopped")
    assert found["v_queued"] == await streams.get(store, "v", "v_queued")
