"""The contract of Database and Transaction, on both dialects."""

import asyncio
import random
from collections.abc import Awaitable
from typing import Any

import pytest

from app.store.engine import Database, Row, Transaction, Values
from app.store.engine.database import NO_VALUES
from app.store.errors import BadQuery, ConstraintViolation, StoreUnavailable, UniqueViolation

INSERT = "INSERT INTO notes (user_id, id, body) VALUES (:user, :id, :body)"
COUNT = "SELECT count(*) AS n FROM notes"
# A statement that is certainly still under way when the event loop turns.
SLOW = "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 30000) SELECT max(n) AS n FROM t"


async def add(target: Database | Transaction, number: int, body: str | None = "text") -> None:
    await target.execute(INSERT, {"user": "u", "id": number, "body": body})


async def count(target: Database | Transaction) -> int:
    return int((await one(target, COUNT))["n"])


async def one(target: Database | Transaction, sql: str, values: Values = NO_VALUES) -> Row:
    row = await target.fetch_one(sql, values)
    assert row is not None
    return row


async def test_rows_are_dicts_by_column_name(database: Database) -> None:
    await add(database, 1, "one % of ö")
    await add(database, 2, None)
    rows = await database.fetch_all(
        "SELECT id, body AS words FROM notes WHERE user_id = :user ORDER BY id", {"user": "u"}
    )
    assert rows == [{"id": 1, "words": "one % of ö"}, {"id": 2, "words": None}]


async def test_fetch_one_of_nothing_is_none(database: Database) -> None:
    assert await database.fetch_one("SELECT id FROM notes WHERE id = :id", {"id": 5}) is None


async def test_returning_gives_the_changed_rows(database: Database) -> None:
    await add(database, 1)
    await add(database, 2)
    rows = await database.fetch_all("UPDATE notes SET body = :body RETURNING id", {"body": "new"})
    assert sorted(row["id"] for row in rows) == [1, 2]


async def test_a_statement_that_writes_inside_with_is_a_write(database: Database) -> None:
    sql = "WITH fresh AS (SELECT 'u' AS u, 9 AS i) INSERT INTO notes (user_id, id) SELECT u, i FROM fresh RETURNING id"
    assert await database.fetch_all(sql) == [{"id": 9}]


async def test_quotes_casts_and_percent_signs_are_left_alone(database: Database) -> None:
    row = await one(database, "SELECT ':no' AS a, '100%' AS b, CAST(:x AS TEXT) AS c -- :not %s", {"x": "%s"})
    assert row == {"a": ":no", "b": "100%", "c": "%s"}


async def test_a_list_stands_for_a_parenthesised_list(database: Database) -> None:
    for number in range(4):
        await add(database, number)
    rows = await database.fetch_all("SELECT id FROM notes WHERE id IN :ids ORDER BY id", {"ids": [1, 3, 9]})
    assert [row["id"] for row in rows] == [1, 3]


async def test_values_come_back_as_the_same_types(database: Database) -> None:
    blob = "BLOB" if database.dialect == "sqlite" else "BYTEA"
    await database.execute(f"CREATE TABLE kinds (big BIGINT, real DOUBLE PRECISION, raw {blob}, flag BOOLEAN)")
    values = {"big": 2**53 - 1, "real": 0.5, "raw": b"\x00\xff", "flag": True}
    await database.execute("INSERT INTO kinds VALUES (:big, :real, :raw, :flag)", values)
    row = await one(database, "SELECT * FROM kinds WHERE flag = :flag", {"flag": True})
    assert row == values
    assert type(row["raw"]) is bytes


async def test_bytes_of_every_value_and_of_any_length_pass(database: Database) -> None:
    blob = "BLOB" if database.dialect == "sqlite" else "BYTEA"
    await database.execute(f"CREATE TABLE pieces (number BIGINT, bytes {blob})")
    all_bytes = bytes(range(256))
    written = [b"", all_bytes, b"\\x00'%s:name", all_bytes * 4_096]
    async with database.transaction() as tx:
        for number, value in enumerate(written):
            await tx.execute("INSERT INTO pieces VALUES (:number, :bytes)", {"number": number, "bytes": value})
    rows = await database.fetch_all("SELECT bytes, LENGTH(bytes) AS size FROM pieces ORDER BY number")
    assert [row["bytes"] for row in rows] == written
    assert [row["size"] for row in rows] == [len(value) for value in written]


async def test_a_sum_is_an_int(database: Database) -> None:
    await add(database, 1)
    await add(database, 2)
    total = await one(database, "SELECT sum(id) AS total, avg(id) AS mean FROM notes")
    assert (total, type(total["total"]), type(total["mean"])) == ({"total": 3, "mean": 1.5}, int, float)


@pytest.mark.parametrize(
    "values",
    [{"user": "u", "id": 1}, {"user": "u", "id": 1, "body": "", "more": 1}, {"user": "u\0", "id": 1, "body": ""}],
)
async def test_values_that_do_not_fit_the_statement_are_our_mistake(database: Database, values: dict[str, Any]) -> None:
    with pytest.raises(BadQuery):
        await database.execute(INSERT, values)


async def test_an_unknown_table_is_our_mistake(database: Database) -> None:
    with pytest.raises(BadQuery, match="nowhere"):
        await database.fetch_all("SELECT 1 FROM nowhere")


async def test_a_second_row_with_a_key_is_a_unique_violation(database: Database) -> None:
    await add(database, 1)
    with pytest.raises(UniqueViolation) as caught:
        await add(database, 1, "secret words")
    assert (caught.value.table, caught.value.columns) == ("notes", ("user_id", "id"))


async def test_a_unique_index_names_its_columns(database: Database) -> None:
    await database.execute("CREATE UNIQUE INDEX one_body ON notes (body) WHERE id > 10")
    await add(database, 11, "same")
    with pytest.raises(UniqueViolation) as caught:
        await add(database, 12, "same")
    assert (caught.value.table, caught.value.columns) == ("notes", ("body",))


async def test_a_foreign_key_is_enforced(database: Database) -> None:
    await database.execute("CREATE TABLE roots (id BIGINT PRIMARY KEY)")
    await database.execute("CREATE TABLE leaves (root BIGINT NOT NULL REFERENCES roots (id))")
    with pytest.raises(ConstraintViolation) as caught:
        await database.execute("INSERT INTO leaves VALUES (:root)", {"root": 7})
    assert not isinstance(caught.value, UniqueViolation)


async def test_g33_no_error_holds_a_value_of_its_statement(database: Database) -> None:
    await add(database, 1, "hidden words")
    await database.execute("CREATE TABLE strict (n BIGINT NOT NULL CHECK (n > 0), words TEXT UNIQUE)")
    await database.execute("INSERT INTO strict VALUES (1, 'hidden words')")
    bad = [
        "INSERT INTO strict VALUES (-1, :words)",
        "INSERT INTO strict VALUES (NULL, :words)",
        "INSERT INTO strict VALUES (2, :words)",
        "INSERT INTO strict VALUE (2, :words)",
        "SELECT CAST(:words AS BIGINT) + nothing FROM notes",
    ]
    for sql in bad:
        with pytest.raises((BadQuery, ConstraintViolation)) as caught:
            await database.execute(sql, {"words": "hidden words"})
        assert "hidden" not in str(caught.value)
        assert caught.value.__suppress_context__


# Transactions


async def test_a_transaction_commits_at_the_end_of_its_block(database: Database) -> None:
    async with database.transaction() as transaction:
        await add(transaction, 1)
        assert await count(transaction) == 1
        assert await count(database) == 0  # the database is another conversation: it does not join
    assert await count(database) == 1


async def test_an_exception_rolls_back(database: Database) -> None:
    async def work() -> None:
        async with database.transaction() as transaction:
            await add(transaction, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert await count(database) == 0


@pytest.mark.parametrize("more", [False, True])
async def test_a_failed_statement_loses_the_transaction_whatever_follows(database: Database, more: bool) -> None:
    await add(database, 1)

    async def work() -> None:
        async with database.transaction() as transaction:
            await add(transaction, 2)
            with pytest.raises(UniqueViolation):
                await add(transaction, 1)
            if more:
                await add(transaction, 3)

    with pytest.raises(BadQuery, match="lost"):
        await work()
    assert await count(database) == 1


async def test_a_transaction_is_of_no_use_after_its_block(database: Database) -> None:
    async with database.transaction() as transaction:
        await add(transaction, 1)
    with pytest.raises(BadQuery, match="over"):
        await add(transaction, 2)


async def test_tasks_that_share_a_transaction_take_turns(database: Database) -> None:
    async with database.transaction() as transaction:
        await asyncio.gather(*(add(transaction, number) for number in range(20)))
    assert await count(database) == 20


async def test_transactions_that_read_and_then_write_lose_no_update(database: Database) -> None:
    await add(database, 1, "0")

    async def increment() -> None:
        async with database.transaction() as transaction:
            lock = "" if database.dialect == "sqlite" else " FOR UPDATE"
            row = await one(transaction, "SELECT body FROM notes" + lock)
            await transaction.execute("UPDATE notes SET body = :body", {"body": str(int(row["body"]) + 1)})

    await asyncio.gather(*(increment() for _ in range(32)))
    assert await database.fetch_one("SELECT body FROM notes") == {"body": "32"}


# Cancellation


async def cancelled_after_steps(work: Awaitable[None], steps: int) -> None:
    """Run `work` in a task, cancel it after so many turns of the loop, and wait for its end."""
    task = asyncio.ensure_future(work)
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def test_a_transaction_cancelled_anywhere_leaves_nothing_open(database: Database) -> None:
    """Also with a second cancellation while the first is being cleaned up after."""

    async def work(number: int) -> None:
        async with database.transaction() as transaction:
            await add(transaction, number)
            await add(transaction, number + 1)

    dice = random.Random(1)
    for round_ in range(150):
        await cancelled_after_steps(work(round_ * 2), dice.randrange(40))
        rows = await database.fetch_all("SELECT id FROM notes WHERE id IN :ids", {"ids": [round_ * 2, round_ * 2 + 1]})
        assert len(rows) in (0, 2)  # both rows or none
    await add(database, 10_000)


async def test_many_cancelled_at_random_lose_no_connection(database: Database) -> None:
    dice = random.Random(2)

    async def work(number: int) -> None:
        if number % 3 == 0:
            await count(database)
        elif number % 3 == 1:
            await add(database, number)
        else:
            async with database.transaction() as transaction:
                await add(transaction, number)

    tasks = [asyncio.ensure_future(work(number)) for number in range(600)]
    while not all(task.done() for task in tasks):
        for task in dice.sample(tasks, 20):
            task.cancel()
        await asyncio.sleep(0)
    failures = [task.exception() for task in tasks if not task.cancelled()]
    assert not any(failures)


async def test_a_timeout_swallowed_inside_a_transaction_still_loses_it(database: Database) -> None:
    async def work() -> None:
        async with database.transaction() as transaction:
            await add(transaction, 1)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await transaction.fetch_all(SLOW)
            await add(transaction, 3)

    with pytest.raises(BadQuery, match="lost"):
        await work()
    assert await count(database) == 0


async def test_a_cancelled_commit_is_whole(database: Database) -> None:
    """The cancellation arrives while COMMIT runs: all of it or nothing, and the next transaction can begin."""
    for steps in range(12):
        entered = asyncio.Event()

        async def work(entered: asyncio.Event, number: int) -> None:
            async with database.transaction() as transaction:
                await add(transaction, number)
                await add(transaction, number + 1)
                entered.set()

        task = asyncio.ensure_future(work(entered, steps * 2))
        await entered.wait()
        await cancelled_after_steps(asyncio.wait_for(task, None), steps)
        rows = await database.fetch_all("SELECT id FROM notes WHERE id IN :ids", {"ids": [steps * 2, steps * 2 + 1]})
        assert len(rows) in (0, 2)


# Opening and closing


async def test_statements_are_counted_in_and_out_of_transactions(database: Database) -> None:
    before = database.queries
    await add(database, 1)
    assert await count(database) == 1
    async with database.transaction() as tx:
        await add(tx, 2)
    assert database.queries - before == 3


async def test_a_closed_database_is_unavailable(database_url: str) -> None:
    database = Database(database_url)
    await database.connect()
    await database.close()
    with pytest.raises(StoreUnavailable):
        await database.fetch_all("SELECT 1 AS one")


async def test_close_ends_a_transaction_that_goes_on(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.store.engine.backend.CLOSE_PATIENCE", 0.01)
    database, reopened = Database(database_url), Database(database_url)
    await database.connect()
    await database.execute("CREATE TABLE notes (user_id TEXT, id BIGINT, body TEXT)")

    async def work() -> None:
        async with database.transaction() as transaction:
            await add(transaction, 1)
            await database.close()
            await add(transaction, 2)

    with pytest.raises(StoreUnavailable):
        await work()
    await reopened.connect()
    assert await count(reopened) == 0
    await reopened.close()


async def test_a_busy_pool_gives_up_in_the_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = database._writes._backend.links
    monkeypatch.setattr(pool, "_patience", 0.01)
    held = [await pool.acquire() for _ in range(pool.free)]
    with pytest.raises(StoreUnavailable, match="busy"):
        await add(database, 1)
    for link in held:
        pool.release(link)


async def test_repr_shows_no_password() -> None:
    database = Database("postgres://someone:secret@example.org:5433/chats?sslmode=require")
    assert repr(database) == "Database(postgresql://example.org:5433/chats)"
