"""PostgreSQL itself: the four traps of `databases` over aiopg, and what a real server can do to us."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.sockets.server import loop_factory
from app.store.engine import Database, postgres
from app.store.errors import StoreUnavailable, UniqueViolation
from tests.servers import PostgresServer, postgres_server

SIZE = 4


@pytest.fixture
def url(new_postgres_database: Callable[[], str]) -> str:
    return new_postgres_database()


@asynccontextmanager
async def opened(url: str, size: int = SIZE) -> AsyncIterator[Database]:
    """An open database; at the end every slot must be free."""
    database = Database(url, pool_size=size)
    await database.connect()
    try:
        yield database
        assert database.free_connections == size
    finally:
        await database.close()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with opened(url) as database:
        await database.execute("CREATE TABLE notes (id BIGINT PRIMARY KEY, body TEXT)")
        await database.execute("INSERT INTO notes VALUES (1, 'one'), (2, 'two')")
        yield database


@pytest.fixture
async def other(url: str) -> AsyncIterator[Database]:
    """Another program on the same database."""
    async with opened(url) as database:
        yield database


LOCK = "SELECT id FROM notes WHERE id = :id FOR UPDATE"


async def lock_row(database: Database, number: int, locked: asyncio.Event, done: asyncio.Event) -> None:
    async with database.transaction() as transaction:
        await transaction.fetch_all(LOCK, {"id": number})
        locked.set()
        await done.wait()


@asynccontextmanager
async def row_locked(database: Database) -> AsyncIterator[None]:
    locked, done = asyncio.Event(), asyncio.Event()
    holder = asyncio.ensure_future(lock_row(database, 1, locked, done))
    await locked.wait()
    yield
    done.set()
    await holder


async def waiting_for_a_lock(database: Database, wanted: int) -> None:
    """Return when so many statements wait for locks on the server."""
    sql = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(5):
        while await database.fetch_all(sql) != [{"n": wanted}]:
            continue


async def pid(database: Database) -> int:
    row = await database.fetch_one("SELECT pg_backend_pid() AS pid")
    assert row is not None
    return int(row["pid"])


async def kill(database: Database, victims: list[int]) -> None:
    sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN :pids"
    await database.fetch_all(sql, {"pids": victims})


async def touch(database: Database, number: int) -> None:
    async with database.transaction() as transaction:
        await transaction.fetch_all(LOCK, {"id": number})


# Trap 1: a task cancelled inside a transaction takes its slot with it.


async def test_tasks_cancelled_inside_transactions_leave_every_slot(database: Database, other: Database) -> None:
    async with row_locked(other):
        tasks = [asyncio.ensure_future(touch(database, 1)) for _ in range(SIZE)]
        await waiting_for_a_lock(other, SIZE)
        for task in tasks:
            task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    assert database.free_connections == SIZE
    await touch(database, 1)


async def test_a_cancelled_statement_that_ends_soon_keeps_its_connection(url: str) -> None:
    async with opened(url, 1) as database:
        before = await pid(database)
        task = asyncio.ensure_future(database.fetch_all("SELECT pg_sleep(0.02)"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await pid(database) == before


async def test_a_cancelled_statement_that_waits_gives_its_connection_up(
    database: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "CANCEL_PATIENCE", 0.01)
    async with row_locked(other):
        task = asyncio.ensure_future(touch(database, 1))
        await waiting_for_a_lock(other, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert database.free_connections == SIZE
    await touch(database, 1)


# Trap 2: waiters sleep on when the connections they wait for die.


async def test_waiters_wake_when_busy_connections_die(database: Database, other: Database) -> None:
    async with row_locked(other):
        doomed = [asyncio.ensure_future(touch(database, 1)) for _ in range(SIZE)]
        await waiting_for_a_lock(other, SIZE)
        waiters = [asyncio.ensure_future(touch(database, 2)) for _ in range(3 * SIZE)]
        sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        await kill(other, [row["pid"] for row in await other.fetch_all(sql)])
        # The pool would give up after POOL_PATIENCE and fail them.
        await asyncio.gather(*waiters)
        failures = await asyncio.gather(*doomed, return_exceptions=True)
    assert [type(failure) for failure in failures] == [StoreUnavailable] * SIZE


async def test_idle_connections_that_died_are_replaced(database: Database, other: Database) -> None:
    await asyncio.gather(*(database.fetch_all("SELECT pg_sleep(0.01)") for _ in range(SIZE)))
    clients = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    sql = clients + " AND pid <> pg_backend_pid()"
    victims = [row["pid"] for row in await other.fetch_all(sql)]
    assert len(victims) == SIZE
    await kill(other, victims)

    async def slow_pid() -> int:
        # Slow, so that the calls meet and each has a connection of its own.
        row = await database.fetch_one("SELECT pg_backend_pid() AS pid, CAST(pg_sleep(0.02) AS TEXT) AS slept")
        assert row is not None
        return int(row["pid"])

    async def pids() -> list[int | BaseException]:
        return await asyncio.gather(*(slow_pid() for _ in range(SIZE)), return_exceptions=True)

    # The server takes its time over each, and each may fail one call.
    async with asyncio.timeout(10):
        found = await pids()
        while not all(isinstance(result, int) and result not in victims for result in found):
            found = await pids()
    assert len(set(found)) == SIZE


# Trap 3: a statement stopped by the server looks like a cancellation of the task.


@pytest.mark.parametrize("option", ["statement_timeout", "lock_timeout"])
async def test_a_statement_the_server_stops_is_unavailable_and_nothing_else(
    url: str, other: Database, option: str
) -> None:
    await other.execute("CREATE TABLE notes (id BIGINT PRIMARY KEY)")
    await other.execute("INSERT INTO notes VALUES (1)")
    async with row_locked(other), opened(f"{url}?options=-c%20{option}%3D20", 1) as database:
        before = await pid(database)
        with pytest.raises(StoreUnavailable, match="too long"):
            await touch(database, 1)
        assert await pid(database) == before


async def test_the_server_is_told_our_limits(database: Database) -> None:
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        row = await database.fetch_one(f"SELECT current_setting('{name}') AS value")
        assert row is not None
        assert row["value"] not in ("0", "")


async def test_a_deadlock_ends_one_transaction_with_unavailable(database: Database) -> None:
    barrier = asyncio.Barrier(2)

    async def cross(first: int, second: int) -> None:
        async with database.transaction() as transaction:
            await transaction.execute("SET LOCAL deadlock_timeout = 10")
            await transaction.fetch_all(LOCK, {"id": first})
            await barrier.wait()
            await transaction.fetch_all(LOCK, {"id": second})

    results = await asyncio.gather(cross(1, 2), cross(2, 1), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "StoreUnavailable"]


# Trap 4: a killed server costs slots for ever.


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of this test's own, to be killed."""
    with postgres_server() as server:
        yield server


@pytest.mark.slow
async def test_a_killed_server_heals_by_itself(server: PostgresServer) -> None:
    async with opened(server.url) as database:
        await database.execute("CREATE TABLE notes (id BIGINT PRIMARY KEY)")
        await database.execute("INSERT INTO notes VALUES (1)")
        locked, done = asyncio.Event(), asyncio.Event()
        holder = asyncio.ensure_future(lock_row(database, 1, locked, done))
        await locked.wait()
        waiter = asyncio.ensure_future(touch(database, 1))
        await waiting_for_a_lock(database, 1)

        await asyncio.to_thread(server.stop)
        for task in (waiter, asyncio.ensure_future(touch(database, 1))):
            with pytest.raises(StoreUnavailable):
                await task
        done.set()
        with pytest.raises(StoreUnavailable):
            await holder
        assert database.free_connections == SIZE

        await asyncio.to_thread(server.start)
        await asyncio.gather(*(touch(database, 1) for _ in range(2 * SIZE)))


# Reaching the server


async def test_a_port_nobody_listens_on_is_unavailable(unused_tcp_port: int) -> None:
    database = Database(f"postgres://nobody:secret@127.0.0.1:{unused_tcp_port}/none")
    with pytest.raises(StoreUnavailable) as caught:
        await database.connect()
    assert "secret" not in str(caught.value)


def test_a_server_that_is_away_stays_unavailable_on_the_loop_we_serve_with(unused_tcp_port: int) -> None:
    async def try_three_times() -> None:
        for _ in range(3):  # the connection after a failed one gets the same file descriptor
            with pytest.raises(StoreUnavailable):
                await Database(f"postgres://nobody@127.0.0.1:{unused_tcp_port}/none").connect()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(try_three_times())


async def test_a_server_that_never_answers_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "ANSWER_TIMEOUT", 0.02)
    accepted: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _reader, writer: accepted.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    database = Database(f"postgresql://127.0.0.1:{port}/none")
    with pytest.raises(StoreUnavailable):
        await database.connect()
    assert database.free_connections == 10
    for writer in accepted:
        writer.close()
    silent.close()


async def test_an_unknown_host_is_unavailable() -> None:
    database = Database("postgresql://database.invalid/none")
    with pytest.raises(StoreUnavailable):
        await database.connect()


async def test_an_opening_cancelled_leaves_its_slot(url: str) -> None:
    database = Database(url, pool_size=1)
    for steps in range(30):
        task = asyncio.ensure_future(database.connect())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert database.free_connections == 1
    await database.close()  # else the connection opened last would be reported as unclosed


async def test_names_are_looked_up_beside_the_event_loop(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    loop = asyncio.get_running_loop()
    lookup = loop.getaddrinfo

    async def getaddrinfo(host: str, *args: Any, **options: Any) -> Any:
        asked.append(host)
        return await lookup("127.0.0.1", *args, **options)

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    async with opened(url.replace("127.0.0.1", "database.invalid"), 1) as database:
        await pid(database)
    assert asked == ["database.invalid"]


async def test_json_comes_back_as_its_text(database: Database) -> None:
    row = await database.fetch_one("""SELECT CAST('{"a": 1}' AS jsonb) AS a, CAST('[1]' AS json) AS b""")
    assert row == {"a": '{"a": 1}', "b": "[1]"}


async def test_a_deferred_constraint_fails_the_commit(database: Database) -> None:
    await database.execute("CREATE TABLE late (n BIGINT UNIQUE DEFERRABLE INITIALLY DEFERRED)")

    async def work() -> None:
        async with database.transaction() as transaction:
            await transaction.execute("INSERT INTO late VALUES (1), (1)")

    with pytest.raises(UniqueViolation):
        await work()
    assert await database.fetch_all("SELECT n FROM late") == []
