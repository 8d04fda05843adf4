"""One query for everybody who asks the same question while the last one is answered.

When a node dies, its sockets come to a neighbour within a second or two, and each asks whose it is, where its events
stand and what is running. Whoever asks alone is answered at once; those who ask while a query runs share the next one.
So a crowd costs about as many queries as fit into the time it takes, and a slow database is asked less often.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from app.tasks import Crew

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# Far below the number of values that a statement takes.
MOST = 500


class Batch(Generic[K, V]):
    """Answers one kind of question, many at a time.

    What is read is never older than the question: a key joins a query only before that has begun. Nothing needs to be
    closed: a query that is under way ends with the database.

    Args:
        name: what is asked, as a failure is reported.
        read: answers many keys with one query; a key it leaves out has no answer.
        most: keys in one query.
    """

    def __init__(self, name: str, read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, most: int = MOST) -> None:
        self._read = read
        self._most = most
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._is_reading = False
        self._crew = Crew(f"batch of {name}")

    async def get(self, key: K) -> V | None:
        """Ask; None when there is no answer.

        Raises:
            StoreError: the query failed; everybody who waited for it hears so.
        """
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if not self._is_reading:
            self._is_reading = True
            self._crew.start(self._answer(), name="reading")
        return await asyncio.shield(future)  # others may wait for it, too

    async def _answer(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # those who were answered together ask their next question together
                await self._settle({key: self._waiting.pop(key) for key in list(self._waiting)[: self._most]})
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
            for future in (*asked.values(), *self._waiting.values()):
                future.cancel()
            self._waiting.clear()
            raise
        else:
            for key, future in asked.items():
                future.set_result(found.get(key))
