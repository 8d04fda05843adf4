"""Leases and claims, on both databases, by the clock of the database: time passes by changing what it wrote."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.store import chats, leases, streams, users
from app.store.engine import Database
from app.store.migrations import migrate
from app.store.streams import StreamRow

TERM = 9_000


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, database_url)
    database = Database(database_url)
    await database.connect()
    yield database
    await database.close()


async def ages(store: Database, node: str, ms: int) -> None:
    """Let a lease have been renewed so much earlier."""
    await store.execute(
        "UPDATE leases SET renewed_at = renewed_at - :ms, expires_at = expires_at - :ms WHERE node = :node",
        {"ms": ms, "node": node},
    )


async def running(store: Database, stream_id: str, node: str | None, *, status: str = "streaming") -> None:
    """A stream of a chat of its own, owned by this node; `queued` without one."""
    async with store.transaction() as tx:
        if await leases_user_missing(tx):
            await users.create_user(tx, "u", kind="guest", epoch="e", now=1)
        await chats.create(tx, "u", f"chat_{stream_id}", title="t", project_id=None, now=1)
        row = StreamRow(
            stream_id, "u", f"chat_{stream_id}", f"msg_{stream_id}", f"cmd_{stream_id}", None, "queued", {"text": ""}, 1
        )
        await streams.insert(tx, row, rank=0)
        if node is not None:
            await streams.start(tx, stream_id, node=node, request={}, now=2)
            await tx.execute("UPDATE streams SET status = :s WHERE stream_id = :id", {"s": status, "id": stream_id})


async def leases_user_missing(tx: object) -> bool:
    return not await tx.fetch_all("SELECT 1 AS one FROM users")  # type: ignore[attr-defined]


async def test_a_lease_is_prolonged_without_a_break_for_as_long_as_it_is_renewed_in_time(store: Database) -> None:
    first = await leases.renew(store, "a", term_ms=TERM)
    assert first.acquired_at == first.renewed_at
    assert first.expires_at - first.renewed_at == TERM
    await ages(store, "a", TERM - 1_000)
    second = await leases.renew(store, "a", term_ms=TERM)
    assert second.acquired_at == first.acquired_at
    await ages(store, "a", TERM + 1)
    third = await leases.renew(store, "a", term_ms=TERM)
    assert third.acquired_at == third.renewed_at > first.acquired_at, "it had run out: others may have acted"


async def test_neighbours_are_those_whose_lease_is_good_the_shortest_first(store: Database) -> None:
    for node in ("a", "b", "c", "dead"):
        await leases.renew(store, node, term_ms=TERM)
    await ages(store, "c", 5_000)
    await ages(store, "dead", TERM + 1)
    found = await leases.neighbours(store, "a")
    assert [neighbour.node for neighbour in found] == ["c", "b"]
    assert 0 < found[0].remaining_ms <= TERM - 5_000 < found[1].remaining_ms <= TERM
    await leases.release(store, "b")
    assert [neighbour.node for neighbour in await leases.neighbours(store, "a")] == ["c"]


async def test_leases_of_the_long_dead_are_forgotten(store: Database) -> None:
    await leases.renew(store, "a", term_ms=TERM)
    await leases.renew(store, "dead", term_ms=TERM)
    await ages(store, "dead", TERM + 1_001)
    await leases.forget_dead(store, older_than_ms=1_000)
    assert [row["node"] for row in await store.fetch_all("SELECT node FROM leases")] == ["a"]


async def test_g18_only_streams_of_the_dead_are_claimed_and_each_by_one(store: Database) -> None:
    for node in ("a", "b", "lives", "dead"):
        await leases.renew(store, node, term_ms=TERM)
    await ages(store, "dead", TERM + 1)
    await running(store, "of_dead", "dead")
    await running(store, "stopping_of_dead", "dead", status="stopping")
    await running(store, "of_nobody_known", "gone")
    await running(store, "of_living", "lives")
    await running(store, "of_a", "a")
    await running(store, "ended", "dead", status="completed")
    await running(store, "queued", None)
    claimed = await asyncio.gather(*(streams.claim_orphans(store, node, limit=10) for node in ("a", "b", "a", "b")))
    ids = [row.stream_id for rows in claimed for row in rows]
    assert sorted(ids) == ["of_dead", "of_nobody_known", "stopping_of_dead"]
    for rows, node in zip(claimed, ("a", "b", "a", "b"), strict=True):
        assert {row.node for row in rows} <= {node}


async def test_what_was_claimed_cannot_be_ended_by_its_former_owner(store: Database) -> None:
    await leases.renew(store, "a", term_ms=TERM)
    await running(store, "s", "dead")
    await streams.claim_orphans(store, "a", limit=10)
    ended = {"status": "completed", "seq": 3, "outcome": {}, "now": 9}
    assert not await streams.finish(store, "s", node="dead", **ended)  # type: ignore[arg-type]
    assert await streams.finish(store, "s", node="a", **ended)  # type: ignore[arg-type]


async def test_whoever_is_alone_claims_everything(store: Database) -> None:
    await running(store, "s", "dead")
    await running(store, "t", "also dead")
    await running(store, "queued", None)
    await streams.claim_all(store, "a")
    assert {row.stream_id for row in await streams.owned(store, "a")} == {"s", "t"}


async def test_users_are_served_whose_next_stream_nobody_starts(store: Database) -> None:
    assert await streams.users_to_serve(store, at_once=2, limit=10) == []
    await running(store, "free", None)
    assert await streams.users_to_serve(store, at_once=2, limit=10) == ["u"]
    await running(store, "one", "a")
    assert await streams.users_to_serve(store, at_once=1, limit=10) == [], "as many run as may"
    await store.execute("UPDATE chats SET queue_paused = 1")
    assert await streams.users_to_serve(store, at_once=2, limit=10) == [], "what is paused waits for a word"
