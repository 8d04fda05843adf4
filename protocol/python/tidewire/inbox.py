"""Dashboard events on their way to one reader; bounded, because a reader may stand still."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from protocol.client import Refreshed, Reset
from protocol.frames.server import Event

Change = Event | Refreshed | Reset

MOST_BYTES = 1024 * 1024


class Inbox:
    """A queue of at most 1 MiB of frames.

    When it overflows everything in it is replaced by one `Reset` with the reason `slow_consumer`: the reader looks at
    `Client.dashboard`, which is always true, instead of at events it was too slow for.
    """

    __slots__ = ("_arrived", "_bytes", "_closed", "_failure", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[tuple[Change, int]] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._closed = False
        self._failure: Exception | None = None

    def put(self, change: Change, size: int) -> None:
        """Add one change; `size` is that of its frame in bytes."""
        self._waiting.append((change, size))
        self._bytes += size
        if self._bytes > MOST_BYTES and len(self._waiting) > 1:
            self._waiting.clear()
            offset = change.offset if isinstance(change, Event | Reset) else change.snapshot.offset
            self._waiting.append((Reset("", offset, "slow_consumer"), 0))
            self._bytes = 0
        self._arrived.set()

    def close(self, failure: Exception | None) -> None:
        """Nothing comes any more; the reader ends, or raises the failure, once it has read what is there."""
        self._closed, self._failure = True, failure
        self._arrived.set()

    async def read(self) -> AsyncGenerator[Change, None]:
        """Every change, in order."""
        while True:
            while self._waiting:
                change, size = self._waiting.popleft()
                self._bytes -= size
                yield change
            if self._closed:
                break
            self._arrived.clear()
            await self._arrived.wait()
        if self._failure is not None:
            raise self._failure
