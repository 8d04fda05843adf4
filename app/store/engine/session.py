"""One synchronous connection with the schema's version, for the migrations."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import psycopg2
import psycopg2.extensions

from app.store.engine import postgres_errors, sqlite_errors
from app.store.engine.private import create_private
from app.store.engine.url import StoreURL

# Another process may be migrating; its step can take a while on a large table. Seconds.
LOCK_WAIT = 60
# Any number will do: all programs of one database share the space of advisory locks. The bytes of "tide".
_LOCK_KEY = 0x74696465

_CREATE = "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL)"
_NEWEST = "SELECT version, name FROM schema_migrations ORDER BY version DESC LIMIT 1"

Version = tuple[int, str]  # number and name of the newest step applied; (0, "") when there is none
NO_VERSION: Version = (0, "")


class Session(Protocol):
    """What the migrations need of a database."""

    def version(self) -> Version: ...

    def apply(self, version: int, name: str, sql: str) -> bool:
        """Apply one step and note its version, in one transaction under the lock of the whole database.

        Returns:
            False if another process has applied it meanwhile.
        """

    def close(self) -> None: ...


def open_session(url: StoreURL) -> Session:
    """Connect, or raise StoreUnavailable."""
    return _SQLiteSession(url.target) if url.dialect == "sqlite" else _PostgresSession(url)


class _SQLiteSession:
    def __init__(self, path: str) -> None:
        self._path = path
        create_private(path)
        with self._translated():
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=LOCK_WAIT)

    def version(self) -> Version:
        with self._translated():
            if not self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_migrations'").fetchall():
                return NO_VERSION
            return self._newest()

    def apply(self, version: int, name: str, sql: str) -> bool:
        with self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.execute(_CREATE)
                if version <= self._newest()[0]:
                    return False
                for statement in split(sql):
                    self._connection.execute(statement)
                self._connection.execute("INSERT INTO schema_migrations VALUES (?, ?)", (version, name))
                self._connection.execute("COMMIT")
                return True
            finally:
                self._connection.rollback()  # nothing after the COMMIT

    def close(self) -> None:
        self._connection.close()

    def _newest(self) -> Version:
        return self._connection.execute(_NEWEST).fetchone() or NO_VERSION

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise sqlite_errors.translate(error, self._path) from None


class _PostgresSession:
    def __init__(self, url: StoreURL) -> None:
        self._shown = url.shown
        with self._translated():
            self._connection = psycopg2.connect(
                url.target, connect_timeout=10, options=f"-c lock_timeout={LOCK_WAIT}s -c statement_timeout=0"
            )

    def version(self) -> Version:
        with self._translated(), self._connection, self._connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('schema_migrations') IS NOT NULL")
            return _newest(cursor) if cursor.fetchone()[0] else NO_VERSION

    def apply(self, version: int, name: str, sql: str) -> bool:
        with self._translated(), self._connection, self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
            cursor.execute(_CREATE)
            if version <= _newest(cursor)[0]:
                return False
            cursor.execute(sql)
            cursor.execute("INSERT INTO schema_migrations VALUES (%s, %s)", (version, name))
            return True

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg2.Error as error:
            raise postgres_errors.translate(error, self._shown) from None


def _newest(cursor: psycopg2.extensions.cursor) -> Version:
    cursor.execute(_NEWEST)
    return cursor.fetchone() or NO_VERSION


def split(sql: str) -> Iterator[str]:
    """Cut a SQLite script into statements: sqlite3 runs one at a time inside a transaction."""
    start = 0
    for end, character in enumerate(sql, start=1):
        # SQLite itself says where a statement ends; a semicolon may stand in a trigger, a string or a comment.
        if character == ";" and sqlite3.complete_statement(sql[start:end]):
            yield sql[start:end]
            start = end
    if sql[start:].strip():
        yield sql[start:]  # comments, or a statement that lacks its semicolon
