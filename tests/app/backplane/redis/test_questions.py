"""Questions and their answers, in whichever order they come."""

import asyncio

import pytest

from app.backplane.news import Answered
from app.backplane.redis.questions import Question, Questions


async def outcome(question: Question, expected: int) -> bool | None:
    """How it is decided; None when it is not."""
    try:
        async with asyncio.timeout(1):
            return await question.outcome(expected)
    except TimeoutError:
        return None


@pytest.mark.parametrize(
    ("answers", "expected", "decided"),
    [
        ([], 0, False),
        ([], 1, None),
        ([False], 2, None),
        ([False, False], 2, False),
        ([False, True], 3, True),
        ([True, False], 2, True),
        ([True], 0, True),
        ([False], -1, False),
    ],
)
@pytest.mark.parametrize("early", [True, False])
async def test_the_first_yes_or_everybodys_no_decides(
    answers: list[bool], expected: int, decided: bool | None, early: bool
) -> None:
    questions = Questions()
    with questions.ask() as question:
        waiting = None if early else asyncio.create_task(outcome(question, expected))
        await asyncio.sleep(0)
        for answer in answers:
            questions.take(Answered(question.number, answer))
        got = await (waiting or outcome(question, expected))
    # One who hears that nobody else was asked decides at once.
    assert got == (decided if early or expected > 0 else False)


async def test_answers_find_their_question_and_late_ones_none() -> None:
    questions = Questions()
    with questions.ask() as one, questions.ask() as two:
        questions.take(Answered(two.number, answer=True))
        assert await outcome(one, 1) is None
        assert await outcome(two, 1) is True
    questions.take(Answered(one.number, answer=True))
    with questions.ask() as three:
        assert await outcome(three, 1) is None
