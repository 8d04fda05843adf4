"""Background tasks with an owner: each is awaited, and a failure is reported where it happened."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("tidewire.tasks")


class Crew:
    """Owns the background tasks of one part of the program.

    A task that fails is reported with its name and traceback; the others go on, because one answer's bug must not end
    everybody's. (An asyncio.TaskGroup would cancel them all.)
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Run work in the background."""
        task = asyncio.create_task(work, name=f"{self._name}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def idle(self, within: float) -> bool:
        """Wait until every task is done, those included that start meanwhile; say whether that took no longer.

        Args:
            within: so many seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while self._tasks:
            done, _ = await asyncio.wait(self._tasks, timeout=max(0.0, deadline - loop.time()))
            if not done:
                return False
        return True

    async def close(self, within: float = 5.0) -> None:
        """Cancel what still runs and wait for it, at most `within` seconds."""
        for task in self._tasks:
            task.cancel()
        if not await self.idle(within):
            log.warning("%s: %d tasks did not end within %.0f s of being cancelled", self._name, len(self), within)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)
