"""A pool of connections that loses none: not to cancellation, not to a dead server.

A slot is a connection or the right to open one. Taking a connection takes a slot, giving it back returns the slot,
empty when the connection broke. So the number of slots never changes, and every return wakes whoever waits. Stock
`databases` over `aiopg.Pool` breaks both rules: a slot vanishes with the cancelled task that held it, and waiters sleep
on when a broken connection comes back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from app.store.engine.cancellation import settle
from app.store.errors import StoreUnavailable


class Pooled(Protocol):
    """What the pool needs to know of a connection."""

    @property
    def is_open(self) -> bool: ...

    async def close(self) -> None: ...


C = TypeVar("C", bound=Pooled)


class Pool(Generic[C]):
    """At most `size` open connections, handed out newest first, to waiters in order.

    Args:
        opener: opens one connection, or raises and leaves nothing behind.
        size: the number of slots.
        patience: seconds to wait for a slot before giving up.
    """

    def __init__(self, opener: Callable[[], Awaitable[C]], *, size: int, patience: float) -> None:
        self._opener = opener
        self._size = size
        self._patience = patience
        self._closed = False
        self._lent: set[C] = set()
        # Last in, first out: few connections stay warm, and an empty slot is taken only when no connection is free.
        self._slots: asyncio.LifoQueue[C | None] = asyncio.LifoQueue()
        for _ in range(size):
            self._slots.put_nowait(None)

    @property
    def free(self) -> int:
        """How many slots nobody holds."""
        return self._slots.qsize()

    async def acquire(self) -> C:
        """Take a connection; give it back with `release`, whatever happened to it.

        Raises:
            StoreUnavailable: no slot came free in time, the pool is closed, or the database cannot be reached.
        """
        connection = await self._take()
        if connection is None or not connection.is_open:
            connection = await self._open()
        self._lent.add(connection)
        return connection

    def release(self, connection: C) -> None:
        """Give a connection back; a broken one leaves its slot empty."""
        self._lent.discard(connection)
        self._slots.put_nowait(connection if connection.is_open else None)

    async def close(self, *, patience: float) -> None:
        """Close every connection; those still in use after `patience` seconds are closed under their users."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(patience):
                for _ in range(self._size):
                    await self._close_slot(await self._slots.get())
        except TimeoutError:
            for connection in tuple(self._lent):
                await connection.close()

    async def _close_slot(self, connection: C | None) -> None:
        if connection is not None and connection.is_open:
            await connection.close()

    async def _take(self) -> C | None:
        if self._closed:
            raise StoreUnavailable("The database is closed: this program is stopping.")
        try:
            return self._slots.get_nowait()
        except asyncio.QueueEmpty:
            pass
        try:
            async with asyncio.timeout(self._patience):
                return await self._slots.get()
        except TimeoutError:
            message = f"All {self._size} database connections stayed busy for {self._patience:g} s."
            raise StoreUnavailable(message) from None

    async def _open(self) -> C:
        opening = asyncio.ensure_future(self._opener())
        cancelled = await settle(opening)
        if opening.cancelled() or opening.exception() is not None:
            self._slots.put_nowait(None)
        elif cancelled is not None:
            self.release(opening.result())
        if cancelled is not None:
            raise cancelled
        return opening.result()
