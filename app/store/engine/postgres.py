"""PostgreSQL through `aiopg`: connections that outlive the cancellation of a statement.

`aiopg` closes a connection whose statement is cancelled, while the server goes on with the statement and its locks, and
reports a statement the server stopped as a cancellation of the task. `PatientConnection` mends both at their root.
"""

import asyncio
import socket
import weakref
from contextlib import suppress
from typing import Any

import psycopg2
from aiopg.connection import Connection
from psycopg2 import extensions

from app.store.engine.backend import LinkBackend, Row
from app.store.engine.cancellation import settle
from app.store.engine.postgres_errors import translate
from app.store.engine.statement import Statement
from app.store.errors import StoreError, StoreUnavailable

# Each shorter than the next, so that the most telling one speaks: a lock, a statement, a server that does not answer.
_LOCK_TIMEOUT_MS = 5_000
_STATEMENT_TIMEOUT_MS = 8_000
ANSWER_TIMEOUT = 10.0  # seconds
# A transaction here awaits nothing foreign; one that stands still this long has lost its program.
_IDLE_TIMEOUT_MS = 15_000
# How long a cancelled caller waits for its statement, in seconds. Statements take milliseconds; what takes longer waits
# for a lock, and then giving up the connection is cheaper than holding up a stop.
CANCEL_PATIENCE = 1.0

_OPTIONS = (
    f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c lock_timeout={_LOCK_TIMEOUT_MS} "
    f"-c idle_in_transaction_session_timeout={_IDLE_TIMEOUT_MS}"
)
# A peer that vanished without a word is noticed after 30 s at rest, after 10 s with bytes under way.
_TCP = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 10_000}


class PostgresBackend(LinkBackend):
    """The `databases` backend of PostgreSQL.

    Args:
        target: the address for libpq, with its options (`sslmode`, `application_name`, `options` …).
        shown: the address for people.
        size: how many connections at most.
    """

    begin = Statement("BEGIN", {}, is_read=False)

    def __init__(self, _url: Any, *, target: str, shown: str, size: int) -> None:
        super().__init__(size)
        self._dsn = extensions.parse_dsn(target)
        self._shown = shown

    async def open_link(self) -> "PostgresLink":
        try:
            # The three switches are queries and casters of aiopg's that nothing here needs.
            connection: Connection = await PatientConnection(
                None,
                ANSWER_TIMEOUT,
                enable_hstore=False,
                enable_json=False,
                enable_uuid=False,
                **await self._arguments(),
            )
        except psycopg2.Error as error:
            raise translate(error, self._shown) from None
        except (OSError, TimeoutError):
            raise StoreUnavailable(f"The database {self._shown} cannot be reached.") from None
        for caster in _CASTERS:
            extensions.register_type(caster, connection.raw)
        return PostgresLink(connection, self._shown)

    async def _arguments(self) -> dict[str, Any]:
        # The address's own options come last and win.
        options = f"{_OPTIONS} {self._dsn.get('options', '')}"
        return {"application_name": "tidewire", **_TCP, **self._dsn, "options": options, **await self._addresses()}

    async def _addresses(self) -> dict[str, str]:
        # libpq looks names up while the event loop stands still. `host` stays beside the addresses for TLS to check.
        host = self._dsn.get("host", "")
        if not host or host.startswith("/") or "," in host or "hostaddr" in self._dsn:
            return {}
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, self._dsn.get("port"), type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(info[4][0] for info in found))
        return {"host": ",".join([host] * len(addresses)), "hostaddr": ",".join(map(str, addresses))}


class PatientConnection(Connection):
    """An aiopg connection that lets a cancelled statement end, and says which statements the server stopped.

    It also leaves nothing in the event loop when libpq gives up its socket. aiopg forgets to stop waiting for the
    socket to become writable; uvloop then refuses the next connection that gets the same number (aiopg#909).
    """

    @staticmethod
    def _ready(weak_self: "weakref.ref[Any]") -> None:
        connection = weak_self()
        if connection is None:
            return
        watched = connection._fileno
        Connection._ready(weak_self)
        if watched is not None and connection._fileno is None:
            loop = asyncio.get_running_loop()
            for stop_watching in (loop.remove_writer, loop.remove_reader):
                with suppress(OSError, RuntimeError):  # it is closed already, which is why
                    stop_watching(watched)

    async def _poll(self, waiter: asyncio.Future[None], timeout: float) -> None:  # noqa: ASYNC109  # aiopg's signature
        self._ready(self._weakref)
        try:
            # The shield keeps `waiter` waiting for the answer when this task is cancelled.
            async with asyncio.timeout(timeout):
                await asyncio.shield(waiter)
        except asyncio.CancelledError:
            await settle(waiter, patience=CANCEL_PATIENCE)
            self._give_up(waiter)
            raise
        except TimeoutError:
            self._give_up(waiter)
            raise
        finally:
            self._waiter = None

    def _give_up(self, waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            self.close()  # ends the waiter with an error
        waiter.exception()  # looked at, or asyncio would log it as forgotten


class PostgresLink:
    """One connection in autocommit mode."""

    _ROLLBACK = Statement("ROLLBACK", {}, is_read=False)

    def __init__(self, connection: Connection, shown: str) -> None:
        self._connection = connection
        self._shown = shown

    @property
    def is_open(self) -> bool:
        return not self._connection.closed

    async def run(self, statement: Statement) -> list[Row]:
        try:
            cursor = await self._connection.cursor()
            try:
                await cursor.execute(statement.sql, statement.args)
                return _as_dicts(cursor.raw)
            finally:
                cursor.close()
        except psycopg2.Error as error:
            raise translate(error, self._shown) from None
        except TimeoutError:
            raise StoreUnavailable(f"The database {self._shown} did not answer for {ANSWER_TIMEOUT:g} s.") from None

    async def rollback(self) -> None:
        if not self.is_open or self._connection.raw.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE:
            return
        try:
            await self.run(self._ROLLBACK)
        except StoreError:
            self._connection.close()

    async def close(self) -> None:
        self._connection.close()


def _as_dicts(cursor: Any) -> list[Row]:
    if cursor.description is None:
        return []
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _number(text: str | None, _cursor: Any) -> int | float | None:
    if text is None:
        return None
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _bytes(text: str | None, cursor: Any) -> bytes | None:
    return None if text is None else bytes(psycopg2.BINARY(text, cursor))


def _text(text: str | None, _cursor: Any) -> str | None:
    return text


# Values come back as SQLite gives them: sums as int, means as float, blobs as bytes, JSON as its text.
_CASTERS = (
    extensions.new_type((1700,), "NUMBER", _number),
    extensions.new_type((17,), "BYTES", _bytes),
    extensions.new_type((114, 3802), "JSON_TEXT", _text),
)
