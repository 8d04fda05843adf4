"""One query for everybody who asks the same question at the same moment.

When a node dies, two thousand sockets come to its neighbours within seconds, and each asks whose it is, where its
events stand and what is running. Those that ask within a tick are answered by one query. The leading edge counts:
whoever asks after a quiet moment is answered at once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from app.clock import Clock
from app.tasks import Crew

log = logging.getLogger("tidewire.store")

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

TICK = 0.016
# Far below the number of values that a statement takes.
MOST = 500


class Batch(Generic[K, V]):
    """Answers one kind of question, many at a time.

    What is read is never older than the question: a key joins a query only before that has begun.

    Args:
        name: what is asked, as a failure is reported.
        read: answers many keys with one query; a key it leaves out has no answer.
        clock: measures ticks.
    """

    def __init__(self, name: str, read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._is_reading = False
        self._next_at = 0.0
        self._crew = Crew(f"batch of {name}")

    async def get(self, key: K) -> V | None:
        """Ask; None when there is no answer.

        Raises:
            StoreError: the query failed; everybody who waited for it hears so.
        """
        if not self._is_reading:
            self._is_reading = True
            self._crew.start(self._answer(), name="reading")
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(future)  # others may wait for it, too

    async def close(self) -> None:
        """Give up what is under way."""
        await self._crew.close()
        for future in self._waiting.values():
            future.cancel()

    async def _answer(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(self._next_at - self._clock.monotonic())
                self._next_at = self._clock.monotonic() + TICK
                await self._settle({key: self._waiting.pop(key) for key in list(self._waiting)[:MOST]})
        finally:
            self._is_reading = False  # not when the task is seen to be done: somebody may ask in between

    async def _settle(self, asked: Mapping[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await self._read(list(asked))
        except Exception as problem:  # noqa: BLE001 - handed to everybody who asked
            for future in asked.values():
                future.set_exception(problem)
                future.exception()  # whoever asked may be gone, and nobody else need hear of it
        except BaseException:
            for future in asked.values():
                future.cancel()
            raise
        else:
            for key, future in asked.items():
                future.set_result(found.get(key))
