"""The rules of how much one user may have, without a database."""

import pytest

from app.streams.quota import DAY_MS, Quota, day_of

MIDNIGHT = 20_718 * DAY_MS  # the end of 2026-09-21


@pytest.mark.parametrize(("now", "day"), [(0, "1970-01-01"), (MIDNIGHT - 1, "2026-09-21"), (MIDNIGHT, "2026-09-22")])
def test_a_day_is_a_utc_date(now: int, day: str) -> None:
    assert day_of(now) == day


def test_a_budget_may_be_spent_to_its_last_token() -> None:
    quota = Quota(16, 1_000)
    assert quota.refusal(999, MIDNIGHT) is None
    assert quota.refusal(1_000, MIDNIGHT) is not None
    assert Quota(16).refusal(10**12, MIDNIGHT) is None, "no budget is no limit"


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (1, "1 minute"),
        (60_001, "2 minutes"),
        (59 * 60_000, "59 minutes"),
        (60 * 60_000, "1 hour"),
        (5 * 3_600_000 + 1, "5 hours"),
        (DAY_MS, "24 hours"),
    ],
)
def test_a_refusal_says_when_the_budget_renews(before: int, words: str) -> None:
    refusal = Quota(16, 100_000).refusal(123_456, MIDNIGHT - before)
    assert refusal is not None
    assert str(refusal) == f"Today's budget of 100,000 tokens is used up. It renews at 00:00 UTC, in {words}."
    assert refusal.error.retry_after_ms == before
    assert refusal.error.details == {"renewsAt": MIDNIGHT, "used": 123_456, "budget": 100_000}
