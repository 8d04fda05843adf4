"""Asks people what a running answer needs to know: whether a tool may run, or the output of one that a client runs.

A request is a row in the database, and so is its answer: written in the change of whoever gives it, from any tab. The
runner is told of it behind the commit by a plain call, on another node by an order. Where neither reaches, a round
finds the row.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from app.store import tool_requests
from app.store.engine import Database
from app.store.outbox import Outbox
from app.store.tool_requests import Answer, Request
from app.streams.generation import Generation

LOOK_EVERY = 1.0
TOO_LATE = "Nobody answered in time."


class Asking:
    """The requests that runners of this node wait for.

    Args:
        database, outbox: where requests and answers are written.
        patience: how long one waits for its answer, in seconds.
    """

    def __init__(self, database: Database, outbox: Outbox, *, patience: float) -> None:
        self._database = database
        self._outbox = outbox
        self._patience = patience
        self._waiting: dict[Request, asyncio.Future[Answer]] = {}

    async def ask(self, generation: Generation, request: Request, show: Callable[[], None]) -> Answer:
        """Ask, and wait for the answer; when nobody gives it in time, that is the answer.

        Args:
            generation: the answer that waits.
            request: what it asks.
            show: puts the request before people, once it is written down and can be answered.

        Raises:
            StoreUnavailable: it cannot be written down.
        """
        # Known before it is committed: the answer may come before this task has its turn again.
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[request] = future
        try:
            if (early := await self._write(generation, request)) is not None:
                return early
            show()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    return await future
            return await self._give_up(generation, request)
        finally:
            del self._waiting[request]

    def told(self, request: Request, answer: Answer) -> bool:
        """Take an answer that was committed, the first one counts; say whether somebody here waits for it."""
        future = self._waiting.get(request)
        if future is not None and not future.done():
            future.set_result(answer)
        return future is not None

    async def look(self) -> None:
        """Read the answers that nobody told this node of.

        Raises:
            StoreUnavailable: they cannot be read now.
        """
        if self._waiting:
            stream_ids = {request.stream_id for request in self._waiting}
            for request, answer in (await tool_requests.answered(self._database, stream_ids)).items():
                self.told(request, answer)

    async def _write(self, generation: Generation, request: Request) -> Answer | None:
        """Write a request down, unless its answer is there: clients may run a tool as soon as they see the call."""
        async with self._outbox.change(generation.user_id) as change:
            asked = await tool_requests.find(change.tx, generation.user_id, request)
            if asked is not None:
                return asked.answer
            await tool_requests.ask(change.tx, request, now=change.now)
            change.tell("chat.updated", source=None, chat_id=generation.chat_id)
        return None

    async def _give_up(self, generation: Generation, request: Request) -> Answer:
        """Answer in the place of people, unless one of them just did."""
        refusal = {"approved": False, "reason": TOO_LATE} if request.kind == "approval" else {"errorText": TOO_LATE}
        async with self._outbox.change(generation.user_id) as change:
            asked = await tool_requests.find(change.tx, generation.user_id, request)
            if asked is not None and asked.answer is not None:
                return asked.answer
            await tool_requests.answer(change.tx, request, refusal)
            change.tell("chat.updated", source=None, chat_id=generation.chat_id)
        return refusal
