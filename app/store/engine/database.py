"""The database as the rest of the program sees it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import databases

from app.store.engine.backend import LinkBackend, LinkConnection, LinkTransaction, Row
from app.store.engine.statement import Statement, Translator
from app.store.engine.url import Dialect, StoreURL, parse_url
from app.store.errors import BadQuery

Values = Mapping[str, Any]
NO_VALUES: Values = MappingProxyType({})


class Loan(databases.core.Connection):
    """A connection for one `async with`, whoever uses it: `databases` binds its own to the current task."""

    _connection: LinkConnection
    _database: "Engine"

    async def run(self, statement: Statement) -> list[Row]:
        """Run one statement; tasks that share a transaction take turns."""
        async with self._query_lock:
            self._database.queries += 1
            return await self._connection.link.run(statement)

    def scope(self) -> LinkTransaction:
        return self._connection.transaction()


class Engine(databases.Database):
    """`databases` with our backends."""

    SUPPORTED_BACKENDS = {  # noqa: RUF012  # overrides one that databases types as an instance variable
        "sqlite": "app.store.engine.sqlite:SQLiteBackend",
        "postgresql": "app.store.engine.postgres:PostgresBackend",
    }

    _backend: LinkBackend
    queries = 0

    def loan(self) -> Loan:
        return Loan(self, self._backend)

    async def close(self) -> None:
        """As `disconnect`, which does nothing after a `connect` that failed or was cancelled half way."""
        await self._backend.disconnect()
        self.is_connected = False

    @property
    def free(self) -> int:
        return self._backend.links.free


class Database:
    """One open database, SQLite or PostgreSQL, safe under cancellation.

    A cancelled call raises once its connection is quiet, with no transaction open; it may still have had its effect.
    Statements are SQL with `:name` values; a list value stands for a parenthesised list (`IN :ids`).

    Args:
        url: `sqlite:///path`, `postgresql://…` or `postgres://…`.
        pool_size: how many connections at most; SQLite keeps one of them for writing.

    Raises:
        ValueError: the address is not understood; a sentence.
    """

    def __init__(self, url: str, *, pool_size: int | None = None) -> None:
        self._url = parse_url(url)
        self._translator = Translator(self._url.dialect)
        self._writes, self._reads = _engines(self._url, pool_size)

    @property
    def dialect(self) -> Dialect:
        return self._url.dialect

    def __repr__(self) -> str:
        return f"Database({self._url.shown})"

    @property
    def free_connections(self) -> int:
        """How many connections nobody holds, open or not."""
        return sum(engine.free for engine in {self._writes, self._reads})

    @property
    def queries(self) -> int:
        """How many statements it was sent so far, apart from those that begin and end transactions."""
        return sum(engine.queries for engine in {self._writes, self._reads})

    async def connect(self) -> None:
        """Open the database.

        Raises:
            StoreUnavailable: it cannot be reached; may be tried again.
        """
        await self._writes.connect()
        await self._reads.connect()

    async def close(self) -> None:
        """Close every connection, for good; calls still under way after a moment fail with StoreUnavailable."""
        await self._reads.close()
        await self._writes.close()

    async def fetch_all(self, sql: str, values: Values = NO_VALUES) -> list[Row]:
        """Run one statement by itself and return its rows, each a dict by column name.

        Raises:
            UniqueViolation, ConstraintViolation, BadQuery, StoreUnavailable: see `app.store.errors`.
        """
        statement = self._translator.bind(sql, values)
        loan = (self._reads if statement.is_read else self._writes).loan()
        async with loan:
            return await loan.run(statement)

    async def fetch_one(self, sql: str, values: Values = NO_VALUES) -> Row | None:
        """As `fetch_all`, for the first row; all of them are fetched, so ask for one."""
        rows = await self.fetch_all(sql, values)
        return rows[0] if rows else None

    async def execute(self, sql: str, values: Values = NO_VALUES) -> None:
        """As `fetch_all`, for statements without rows. To learn what changed, use RETURNING."""
        await self.fetch_all(sql, values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Transaction"]:
        """Begin a writing transaction; it commits at the end of the block and rolls back on any exception.

        On SQLite it holds the one right to write, and holds up every other: await nothing foreign inside it.
        An exception of `commit` that is not a BadQuery leaves open whether it took place.
        """
        loan = self._writes.loan()
        async with loan:
            scope = loan.scope()
            transaction = Transaction(loan, self._translator)
            try:
                await scope.start(is_root=True, extra_options={})
                yield transaction
                transaction.end()
                await scope.commit()
            except BaseException:
                transaction.abandon()
                await scope.rollback()
                raise


class Transaction:
    """One open transaction and the only way into it: a query elsewhere never joins by accident.

    After any failed or cancelled statement it is lost, on both databases: further statements and the commit raise
    BadQuery. (PostgreSQL refuses them anyway, and answers the COMMIT with a silent rollback. SQLite would go on after
    an error, and after an interruption outside of any transaction.) Use ON CONFLICT where a conflict is expected.
    """

    __slots__ = ("_loan", "_state", "_translator")

    def __init__(self, loan: Loan, translator: Translator) -> None:
        self._loan = loan
        self._translator = translator
        self._state = "open"

    async def fetch_all(self, sql: str, values: Values = NO_VALUES) -> list[Row]:
        """Run one statement in this transaction and return its rows, each a dict by column name."""
        statement = self._translator.bind(sql, values)
        self._check()
        try:
            return await self._loan.run(statement)
        except BaseException:
            self.abandon()
            raise

    async def fetch_one(self, sql: str, values: Values = NO_VALUES) -> Row | None:
        """As `fetch_all`, for the first row; all of them are fetched, so ask for one."""
        rows = await self.fetch_all(sql, values)
        return rows[0] if rows else None

    async def execute(self, sql: str, values: Values = NO_VALUES) -> None:
        """As `fetch_all`, for statements without rows."""
        await self.fetch_all(sql, values)

    def end(self) -> None:
        """Admit no further statement.

        Raises:
            BadQuery: a statement failed and the block went on.
        """
        self._check()
        self._state = "over"

    def abandon(self) -> None:
        """Admit no further statement, and no commit."""
        self._state = "lost"

    def _check(self) -> None:
        if self._state != "open":
            raise BadQuery(_REFUSALS[self._state])


_REFUSALS = {
    "lost": "This transaction is lost, since a statement of it failed or was cancelled; leave its block.",
    "over": "This transaction is over; statements after its block belong to the database.",
}


def _engines(url: StoreURL, pool_size: int | None) -> tuple[Engine, Engine]:
    """The engines for writes and for reads, which are the same one on PostgreSQL."""
    if url.dialect == "postgresql":
        engine = Engine(url.for_databases, target=url.target, shown=url.shown, size=pool_size or 10)
        return engine, engine
    readers = max(1, (pool_size or 4) - 1)
    return (
        Engine(url.for_databases, path=url.target, size=1, read_only=False),
        Engine(url.for_databases, path=url.target, size=readers, read_only=True),
    )
