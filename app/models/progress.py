"""A clock that runs out when nothing happens for too long."""

import asyncio
from types import TracebackType
from typing import Self


class ProgressClock:
    """Cancels the block when `made` was not called for `limit` seconds; the block then raises TimeoutError.

        async with ProgressClock(60) as progress:
            async for event in events:
                progress.made()

    `made` costs one read of the loop's clock: the timer is not moved per event, it looks back when it fires.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._timeout = asyncio.timeout(None)
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._look_back()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def made(self) -> None:
        """Say that something happened."""
        self._last = self._loop.time()

    def _look_back(self) -> None:
        now, deadline = self._loop.time(), self._last + self._limit
        if now >= deadline:
            self._timeout.reschedule(now)
        else:
            self._timer = self._loop.call_at(deadline, self._look_back)
