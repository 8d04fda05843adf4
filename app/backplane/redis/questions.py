"""Questions that were put to other nodes, and their answers as they come."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from app.backplane.news import Answered


class Question:
    """A question under way: it is decided by enough, or by everybody's answer.

    Args:
        number: by which its answers name it.
        enough: the sum that decides without the rest; a yes counts one.
    """

    def __init__(self, number: int, enough: int = 1) -> None:
        self.number = number
        self.total = 0
        self._enough = enough
        self._answers = 0
        self._expected: int | None = None
        self._decided: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def outcome(self, expected: int) -> int:
        """Wait for what so many nodes answer; return the sum."""
        self._expected = expected
        self._look()
        return await self._decided

    def take(self, answer: int) -> None:
        """Take one answer; it may come before it is known how many are expected."""
        self.total += answer
        self._answers += 1
        self._look()

    def _look(self) -> None:
        is_complete = self._expected is not None and self._answers >= self._expected
        if (is_complete or self.total >= self._enough) and not self._decided.done():
            self._decided.set_result(self.total)


class Questions:
    """All questions of a node that are under way."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._open: dict[int, Question] = {}

    @contextmanager
    def ask(self, enough: int = 1) -> Iterator[Question]:
        """A new question; answers that come after the block are too late."""
        question = Question(next(self._numbers), enough)
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
