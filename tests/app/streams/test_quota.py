"""The rules of how much one user may have, without a database."""

import pytest

from app.streams.quota import DAY_MS, MINUTE_MS, Quota, day_of

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


@pytest.mark.parametrize("per_minute", [1, 7, 60, 100_000])
def test_so_many_questions_at_once_and_one_more_with_every_share_of_a_minute(per_minute: int) -> None:
    quota, now, asked_until = Quota(16, per_minute=per_minute), MIDNIGHT, MIDNIGHT
    for _ in range(min(per_minute, 1_000)):
        asked_until += quota.share_ms
        assert quota.too_soon(asked_until, now) is None
    full = now + quota.most_ms
    refusal = quota.too_soon(full + quota.share_ms, now)
    assert refusal is not None
    assert (refusal.code, refusal.error.retry_after_ms) == ("rate_limited", quota.share_ms)
    assert quota.too_soon(full + quota.share_ms, now + quota.share_ms) is None
    assert quota.most_ms >= MINUTE_MS, "never more a minute than that on average"
