"""What answers cost: tokens by user and day. A day is a UTC date, written as 2026-11-26."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.store.queries import Queries, Row
from protocol.frames.objects import Usage


@dataclass(frozen=True, slots=True)
class Spent:
    """What some answers cost together.

    Attributes:
        answers: how many they are.
        estimated_answers: those of them whose provider did not say.
    """

    answers: int
    estimated_answers: int
    input_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


_SUMS = """
    COALESCE(SUM(answers), 0) AS answers, COALESCE(SUM(estimated_answers), 0) AS estimated_answers,
    COALESCE(SUM(input_tokens), 0) AS input_tokens, COALESCE(SUM(output_tokens), 0) AS output_tokens
"""


async def add(q: Queries, user_id: str, day: str, usage: Usage) -> None:
    """Add what one answer cost to its day."""
    await q.execute(
        """
        INSERT INTO usage_by_day (user_id, day, answers, estimated_answers, input_tokens, output_tokens)
        VALUES (:user_id, :day, 1, :estimated, :input, :output)
        ON CONFLICT (user_id, day) DO UPDATE SET
            answers = usage_by_day.answers + 1,
            estimated_answers = usage_by_day.estimated_answers + excluded.estimated_answers,
            input_tokens = usage_by_day.input_tokens + excluded.input_tokens,
            output_tokens = usage_by_day.output_tokens + excluded.output_tokens
        """,
        {
            "user_id": user_id,
            "day": day,
            "estimated": int(usage.estimated),
            "input": usage.input_tokens,
            "output": usage.output_tokens,
        },
    )


async def of_day(q: Queries, user_id: str, day: str) -> Spent:
    """Read what a user has spent on one day."""
    rows = await q.fetch_all(
        f"SELECT {_SUMS} FROM usage_by_day WHERE user_id = :user_id AND day = :day",  # noqa: S608 - constants
        {"user_id": user_id, "day": day},
    )
    return _spent(rows[0])


async def by_day(q: Queries, user_id: str, *, since: str) -> Sequence[tuple[str, Spent]]:
    """Read what a user spent on each day from `since` on; days without answers are left out."""
    rows = await q.fetch_all(
        f"""
        SELECT day, {_SUMS} FROM usage_by_day WHERE user_id = :user_id AND day >= :since GROUP BY day ORDER BY day
        """,  # noqa: S608 - constants
        {"user_id": user_id, "since": since},
    )
    return [(row["day"], _spent(row)) for row in rows]


async def by_user(q: Queries, *, since: str) -> Sequence[tuple[str, Spent]]:
    """Read what every user spent from the day `since` on, the one who spent most in front."""
    rows = await q.fetch_all(
        f"""
        SELECT user_id, {_SUMS} FROM usage_by_day WHERE day >= :since GROUP BY user_id
        ORDER BY SUM(input_tokens) + SUM(output_tokens) DESC, user_id
        """,  # noqa: S608 - constants
        {"since": since},
    )
    return [(row["user_id"], _spent(row)) for row in rows]


def _spent(row: Row) -> Spent:
    # PostgreSQL sums integers to decimals.
    return Spent(
        answers=int(row["answers"]),
        estimated_answers=int(row["estimated_answers"]),
        input_tokens=int(row["input_tokens"]),
        output_tokens=int(row["output_tokens"]),
    )
