"""SQLite through `aiosqlite`: kept connections, one writer, cancellation that leaves nothing open.

Stock `databases` opens a connection and a thread per query and starts deferred transactions, of which all but one fail
when several read and then write. Here a writing transaction begins IMMEDIATE on the only writing connection, so
transactions of this process queue in order instead of failing, and reads run beside them on connections of their own
(in WAL mode a reader sees the last commit and never waits for the writer).
"""

import asyncio
import logging
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import aiosqlite

from app.store.engine.backend import LinkBackend, Row
from app.store.engine.cancellation import settle
from app.store.engine.private import create_private
from app.store.engine.sqlite_errors import translate
from app.store.engine.statement import Statement
from app.store.errors import StoreUnavailable

# Another program on the same file (`tidewire user`, a backup) may hold the lock this long, in seconds.
BUSY_TIMEOUT = 5.0

# WAL with synchronous=NORMAL would forget the last commits when the power fails, and a stored answer must survive that.
# FULL adds one fsync a commit: 0.36 ms instead of 0.13 on an ordinary SSD.
_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA temp_store = MEMORY;
PRAGMA journal_size_limit = 67108864;
"""


class SQLiteBackend(LinkBackend):
    """The `databases` backend of SQLite files.

    Args:
        path: the database file; its folder must exist.
        size: how many connections at most.
        read_only: refuse statements that write, a net under the sorting of reads from writes.
    """

    begin = Statement("BEGIN IMMEDIATE", {}, is_read=False)

    def __init__(self, _url: Any, *, path: str, size: int, read_only: bool) -> None:
        super().__init__(size)
        self._path = path
        self._read_only = read_only

    async def open_link(self) -> "SQLiteLink":
        # aiosqlite logs every statement with its values at DEBUG (guarantee 33: no message text in a log).
        logging.getLogger("aiosqlite").setLevel(logging.INFO)
        create_private(self._path)
        connection = aiosqlite.connect(self._path, isolation_level=None, timeout=BUSY_TIMEOUT, cached_statements=512)
        # A program that dies before it closes the store must not hang on this thread at exit.
        connection._thread.daemon = True
        try:
            await connection
            await connection.executescript(_PRAGMAS + f"PRAGMA query_only = {int(self._read_only)};")
            connection.row_factory = sqlite3.Row
        except sqlite3.Error as error:
            await connection.close()
            # aiosqlite does not wait for its thread when the file cannot be opened, and the thread reports to the loop.
            await asyncio.to_thread(connection._thread.join)
            raise translate(error, self._path) from None
        return SQLiteLink(connection, self._path)


class SQLiteLink:
    """One connection and its thread, which runs what it is given in order."""

    def __init__(self, connection: aiosqlite.Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._broken = False

    @property
    def is_open(self) -> bool:
        return not self._broken

    async def run(self, statement: Statement) -> list[Row]:
        """Run one statement and fetch all its rows, in a single visit to the thread (a visit costs about 40 us)."""
        try:
            rows = await self._connection.execute_fetchall(statement.sql, statement.args)
        except asyncio.CancelledError:
            # The thread is still at it. Stop the statement, then queue a rollback behind it: when that returns, nothing
            # of the cancelled caller runs any more, and nothing it began is open.
            await self._connection.interrupt()
            await self.rollback()
            raise
        except (sqlite3.Error, OverflowError, ValueError) as error:
            raise self._closed() if self._broken else translate(error, self._path) from None
        return _as_dicts(rows)

    async def rollback(self) -> None:
        """Roll back if a transaction is open, else only wait for the thread."""
        if self._broken:
            return
        rolling = asyncio.ensure_future(self._connection.rollback())
        cancelled = await settle(rolling)
        if rolling.exception() is not None:
            cancelled = await settle(asyncio.ensure_future(self.close())) or cancelled
        if cancelled is not None:
            raise cancelled

    async def close(self) -> None:
        self._broken = True
        with suppress(sqlite3.Error):
            await self._connection.close()

    def _closed(self) -> StoreUnavailable:
        return StoreUnavailable("The database was closed while this was running: the program is stopping.")


def _as_dicts(rows: Iterable[sqlite3.Row]) -> list[Row]:
    names: list[str] | None = None
    dicts = []
    for row in rows:
        if names is None:
            names = row.keys()
        dicts.append(dict(zip(names, row, strict=True)))
    return dicts
