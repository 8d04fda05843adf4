"""Questions and their answers, in whichever order they come."""

import asyncio

import pytest

from app.backplane.news import Answered
from app.backplane.redis.questions import Question, Questions


async def outcome(question: Question, expected: int) -> int | None:
    """How it is decided; None when it is not."""
    try:
        async with asyncio.timeout(1):
            return await question.outcome(expected)
    except TimeoutError:
        return None


@pytest.mark.parametrize(
    ("answers", "enough", "expected", "decided"),
    [
        ([], 1, 0, 0),
        ([], 1, 1, None),
        ([False], 1, 2, None),
        ([False, False], 1, 2, 0),
        ([False, True], 1, 3, 1),
        ([True, False], 1, 2, 1),
        ([False], 1, -1, 0),
        ([2, 3], 9, 2, 5),
        ([2, 3], 9, 3, None),
        ([2, 3], 5, 3, 5),
        ([0, 0], 5, 2, 0),
    ],
)
async def test_enough_or_everybodys_answer_decides(
    answers: list[int], enough: int, expected: int, decided: int | None
) -> None:
    questions = Questions()
    with questions.ask(enough) as question:
        waiting = asyncio.create_task(outcome(question, expected))
        await asyncio.sleep(0)
        for answer in answers:
            questions.take(Answered(question.number, answer))
        assert await waiting == decided
        assert question.total == sum(answers), "what is said when not all have answered in time"


async def test_answers_may_come_before_it_is_known_how_many_are_expected() -> None:
    questions = Questions()
    with questions.ask(9) as question:
        for answer in (2, 3):
            questions.take(Answered(question.number, answer))
        assert await outcome(question, 2) == 5
    with questions.ask() as question:
        questions.take(Answered(question.number, answer=True))
        assert await outcome(question, 0) == 1, "whoever answers was asked"


async def test_answers_find_their_question_and_late_ones_none() -> None:
    questions = Questions()
    with questions.ask() as one, questions.ask() as two:
        questions.take(Answered(two.number, answer=True))
        assert await outcome(one, 1) is None
        assert await outcome(two, 1) == 1
    questions.take(Answered(one.number, answer=True))
    with questions.ask() as three:
        assert await outcome(three, 1) is None
