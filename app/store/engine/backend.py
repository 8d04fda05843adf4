"""What our two `databases` backends share: pooled connections and transactions that survive cancellation.

`databases` asks of a backend an object to connect and disconnect, connections to acquire and release, and transactions
to start, commit and roll back. A dialect supplies the `Link`, one real connection; everything else is here.
"""

from typing import Any, Protocol

from databases.interfaces import ConnectionBackend, DatabaseBackend, TransactionBackend

from app.store.engine.pool import Pool
from app.store.engine.statement import Statement

Row = dict[str, Any]

# How long a call waits for a free connection, and `disconnect` for those in use. Both in seconds. The wait matches the
# 10 s the drivers wait for an answer; the stop leaves room in the 2 s a program has to seal and exit.
POOL_PATIENCE = 10.0
CLOSE_PATIENCE = 1.5


class Link(Protocol):
    """One real connection.

    A cancelled `run` or `rollback` raises only once the connection is quiet again: either the statement ended, or the
    connection is closed and `is_open` says so.
    """

    @property
    def is_open(self) -> bool: ...

    async def run(self, statement: Statement) -> list[Row]: ...

    async def rollback(self) -> None:
        """Leave no transaction open; closes the connection when that cannot be had. Raises only a cancellation."""

    async def close(self) -> None: ...


class LinkBackend(DatabaseBackend):
    """A `databases` backend over a pool of links; a dialect says how to open one and how a transaction begins."""

    begin: Statement

    def __init__(self, size: int) -> None:
        self.links: Pool[Link] = Pool(self.open_link, size=size, patience=POOL_PATIENCE)

    async def open_link(self) -> Link:
        raise NotImplementedError

    async def connect(self) -> None:
        """Open one connection, so that an unreachable database is known at the start."""
        self.links.release(await self.links.acquire())

    async def disconnect(self) -> None:
        await self.links.close(patience=CLOSE_PATIENCE)

    def connection(self) -> "LinkConnection":
        return LinkConnection(self)


class LinkConnection(ConnectionBackend):
    """What `databases` calls a connection: the loan of a link.

    Its `fetch_*` and `execute` take SQLAlchemy clauses and stay unwritten: the engine runs ready statements on a link.
    """

    def __init__(self, backend: LinkBackend) -> None:
        self._backend = backend
        self._link: Link | None = None

    @property
    def link(self) -> Link:
        if self._link is None:
            raise RuntimeError("the connection is not acquired")
        return self._link

    async def acquire(self) -> None:
        self._link = await self._backend.links.acquire()

    async def release(self) -> None:
        # No await: a cancellation cannot come between taking the link off and giving it back.
        link = self.link
        self._link = None
        self._backend.links.release(link)

    def transaction(self) -> "LinkTransaction":
        return LinkTransaction(self, self._backend.begin)

    @property
    def raw_connection(self) -> Link:
        return self.link


class LinkTransaction(TransactionBackend):
    """A transaction of one link. There are no nested ones: nothing here needs savepoints."""

    _COMMIT = Statement("COMMIT", {}, is_read=False)

    def __init__(self, connection: LinkConnection, begin: Statement) -> None:
        self._connection = connection
        self._begin = begin

    async def start(self, is_root: bool, extra_options: dict[Any, Any]) -> None:  # noqa: ARG002  # databases' signature
        if not is_root:
            raise RuntimeError("transactions do not nest")
        await self._connection.link.run(self._begin)

    async def commit(self) -> None:
        await self._connection.link.run(self._COMMIT)

    async def rollback(self) -> None:
        await self._connection.link.rollback()
