"""Questions that were put to other nodes, and their answers as they come."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from app.backplane.news import Answered


class Question:
    """A question under way: it is decided by the first yes, or by everybody's no."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._refusals = 0
        self._expected: int | None = None
        self._decided: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def outcome(self, expected: int) -> bool:
        """Wait for what so many nodes answer."""
        self._expected = expected
        self._look()
        return await self._decided

    def take(self, answer: bool) -> None:
        """Take one answer; it may come before it is known how many are expected."""
        if answer and not self._decided.done():
            self._decided.set_result(True)
        self._refusals += not answer
        self._look()

    def _look(self) -> None:
        if self._expected is not None and self._refusals >= self._expected and not self._decided.done():
            self._decided.set_result(False)


class Questions:
    """All questions of a node that are under way."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._open: dict[int, Question] = {}

    @contextmanager
    def ask(self) -> Iterator[Question]:
        """A new question; answers that come after the block are too late."""
        question = Question(next(self._numbers))
        self._open[question.number] = question
        try:
            yield question
        finally:
            del self._open[question.number]

    def take(self, answered: Answered) -> None:
        """Take an answer in."""
        question = self._open.get(answered.number)
        if question is not None:
            question.take(answered.answer)
