"""Usage by user and day, on both databases."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.store import usage, users
from app.store.engine import Database
from app.store.migrations import migrate
from app.store.usage import Spent
from protocol.frames.objects import Usage


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, database_url)
    database = Database(database_url)
    await database.connect()
    for user_id in ("a", "b"):
        await users.create_user(database, user_id, kind="guest", epoch="e", now=1)
    yield database
    await database.close()


def cost(asked: int, answered: int, *, estimated: bool = False) -> Usage:
    return Usage(input_tokens=asked, output_tokens=answered, estimated=estimated)


async def test_a_day_is_the_sum_of_its_answers(store: Database) -> None:
    assert await usage.of_day(store, "a", "2026-11-26") == Spent(0, 0, 0, 0)
    for one in (cost(10, 1), cost(20, 2, estimated=True), cost(0, 4)):
        await usage.add(store, "a", "2026-11-26", one)
    await usage.add(store, "b", "2026-11-26", cost(1_000, 1_000))
    await usage.add(store, "a", "2026-11-27", cost(5, 5))
    spent = await usage.of_day(store, "a", "2026-11-26")
    assert spent == Spent(answers=3, estimated_answers=1, input_tokens=30, output_tokens=7)
    assert spent.tokens == 37
    assert await usage.by_day(store, "a", since="2026-11-01") == [
        ("2026-11-26", spent),
        ("2026-11-27", Spent(1, 0, 5, 5)),
    ]
    assert await usage.by_day(store, "a", since="2026-11-27") == [("2026-11-27", Spent(1, 0, 5, 5))]


async def test_users_are_listed_by_what_they_spent_since(store: Database) -> None:
    await usage.add(store, "a", "2026-11-26", cost(2**40, 1))
    await usage.add(store, "a", "2026-11-27", cost(1, 1))
    await usage.add(store, "b", "2026-11-27", cost(2, 2))
    assert [user_id for user_id, _ in await usage.by_user(store, since="2026-11-26")] == ["a", "b"]
    assert await usage.by_user(store, since="2026-11-27") == [("b", Spent(1, 0, 2, 2)), ("a", Spent(1, 0, 1, 1))]


async def test_what_is_undone_was_not_spent(store: Database) -> None:
    async def undone() -> None:
        async with store.transaction() as tx:
            await usage.add(tx, "a", "2026-11-26", cost(1, 1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await undone()
    assert await usage.of_day(store, "a", "2026-11-26") == Spent(0, 0, 0, 0)


async def test_usage_goes_with_its_user(store: Database) -> None:
    await usage.add(store, "a", "2026-11-26", cost(1, 1))
    await store.execute("DELETE FROM users WHERE user_id = 'a'")
    assert await usage.by_user(store, since="2026-01-01") == []
