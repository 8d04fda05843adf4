"""SQLite itself: its settings, its one writer, and what can be wrong with a file."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.store.engine import Database
from app.store.engine import sqlite as engine
from app.store.errors import BadQuery, StoreUnavailable

ENDLESS = "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def database(file: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{file}", pool_size=3)
    await database.connect()
    await database.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    yield database
    assert database.free_connections == 3
    await database.close()


async def test_a_new_file_and_those_beside_it_are_for_the_owner_alone(database: Database, file: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()}
    assert modes == dict.fromkeys(("store.db", "store.db-wal", "store.db-shm"), 0o600)


@pytest.mark.parametrize("inside", [False, True])
async def test_every_connection_has_our_settings(database: Database, inside: bool) -> None:
    names = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 5000}
    for name, wanted in names.items():
        sql = f"SELECT * FROM pragma_{name}"
        if inside:
            async with database.transaction() as transaction:
                row = await transaction.fetch_one(sql)
        else:
            row = await database.fetch_one(sql)
        assert row is not None
        assert next(iter(row.values())) == wanted


async def test_a_read_does_not_wait_for_the_writer(database: Database) -> None:
    async with database.transaction() as transaction:
        await transaction.execute("INSERT INTO notes VALUES (1)")
        assert await database.fetch_all("SELECT id FROM notes") == []


async def test_programs_that_read_and_then_write_lose_no_update(database: Database, file: Path) -> None:
    """Deferred transactions would fail: what they read is stale once the other program has written."""
    other = Database(f"sqlite:///{file}")
    await other.connect()
    await database.execute("INSERT INTO notes VALUES (0)")

    async def increment(target: Database) -> None:
        async with target.transaction() as transaction:
            row = await transaction.fetch_one("SELECT id FROM notes")
            assert row is not None
            await transaction.execute("UPDATE notes SET id = :id", {"id": row["id"] + 1})

    await asyncio.gather(*(increment(target) for target in (database, other) * 16))
    assert await other.fetch_all("SELECT id FROM notes") == [{"id": 32}]
    await other.close()


async def test_a_write_that_passes_for_a_read_is_refused(database: Database) -> None:
    backend = database._reads._backend
    link = await backend.links.acquire()
    with pytest.raises(StoreUnavailable, match="may not be written"):
        await link.run(database._translator.bind("INSERT INTO notes VALUES (1)", {}))
    backend.links.release(link)


async def test_a_cancelled_statement_is_interrupted(database: Database) -> None:
    """An endless statement ends at once, reading and writing, and its connection serves on."""
    for run in (database.fetch_all(ENDLESS), database.execute(f"INSERT INTO notes {ENDLESS}")):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await run
    await database.execute("INSERT INTO notes VALUES (1)")
    assert await database.fetch_all("SELECT id FROM notes") == [{"id": 1}]


@pytest.mark.parametrize("times", [1, 2])
async def test_nothing_runs_any_more_when_a_cancellation_arrives(database: Database, file: Path, times: int) -> None:
    task = asyncio.ensure_future(database.execute(f"INSERT INTO notes {ENDLESS}"))
    other = sqlite3.connect(file, isolation_level=None, timeout=0)
    while not is_locked(other):
        await turn()
    for _ in range(times):
        task.cancel()
        await turn()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_locked(other)
    other.close()


async def turn() -> None:
    await asyncio.sleep(0)


def is_locked(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return True
    connection.execute("ROLLBACK")
    return False


async def test_a_cancellation_during_a_rollback_is_not_lost(database: Database) -> None:
    async def work() -> None:
        async with database.transaction() as transaction:
            await transaction.execute("INSERT INTO notes VALUES (1)")
            asyncio.get_running_loop().call_soon(task.cancel)
            raise ZeroDivisionError

    task = asyncio.ensure_future(work())
    await asyncio.wait([task])
    assert task.cancelled()
    assert await database.fetch_all("SELECT id FROM notes") == []


async def test_another_program_that_holds_the_lock_is_unavailable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT", 0.01)
    database = Database(f"sqlite:///{file}")
    await database.connect()
    await database.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write() -> None:
        async with database.transaction() as transaction:
            await transaction.execute("INSERT INTO notes VALUES (1)")

    with pytest.raises(StoreUnavailable, match="locked by another program"):
        await write()
    other.execute("ROLLBACK")
    await write()
    other.close()
    await database.close()


async def test_a_missing_folder_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="folder"):
        await Database(f"sqlite:///{tmp_path}/none/store.db").connect()


def test_a_file_that_is_no_database_is_unavailable(file: Path) -> None:
    file.write_bytes(b"something else " * 100)
    with pytest.raises(StoreUnavailable, match="not a SQLite database"):
        asyncio.run(Database(f"sqlite:///{file}").connect())


async def test_a_value_sqlite_cannot_hold_is_our_mistake(database: Database) -> None:
    for value in (2**64, object()):
        with pytest.raises(BadQuery):
            await database.fetch_all("SELECT :x AS x", {"x": value})


def test_a_program_that_forgets_to_close_still_exits(file: Path) -> None:
    program = f"""
import asyncio
from app.store.engine import Database
async def main():
    database = Database("sqlite:///{file}")
    await database.connect()
    raise SystemExit(7)
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=120, check=False, capture_output=True)
    assert done.returncode == 7, done.stderr
