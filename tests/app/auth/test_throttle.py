import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.throttle import Throttle
from protocol.errors import Refusal


def throttle(*, most: int = 100) -> Throttle:
    """Three at once, and one a minute."""
    return Throttle(60, 3, "Too many.", most=most)


def tries(limit: Throttle, key: str, now: float) -> int:
    """How many tries a key gets at this moment."""
    for count in range(1_000):
        try:
            limit.take(key, now)
        except Refusal:
            return count
    raise AssertionError("there is no limit")


def test_a_key_gets_so_many_at_once_and_then_one_a_while() -> None:
    limit = throttle()
    assert [tries(limit, "a", now) for now in (0, 0, 59, 60, 61, 121, 10_000)] == [3, 0, 0, 1, 0, 1, 3]
    assert tries(limit, "b", 0) == 3


def test_who_is_refused_learns_when_to_come_back() -> None:
    limit = throttle()
    tries(limit, "a", 0)
    with pytest.raises(Refusal) as refused:
        limit.take("a", 20)
    assert (refused.value.code, str(refused.value)) == ("rate_limited", "Too many.")
    wait = refused.value.error.retry_after_ms
    assert wait is not None
    assert 40_000 <= wait <= 40_001
    assert tries(limit, "a", 20 + wait / 1000) == 1


def test_a_check_refuses_what_a_try_would_and_counts_nothing() -> None:
    limit = throttle()
    for _ in range(5):
        limit.check("a", 0)
    assert [limit.count("a", 0) for _ in range(4)] == [0.0, 0.0, 0.0, 60.0]
    with pytest.raises(Refusal) as refused:
        limit.check("a", 30)
    assert refused.value.error.retry_after_ms == 30_001
    limit.check("a", 60)
    assert tries(limit, "a", 60) == 1


def test_who_was_right_begins_anew() -> None:
    limit = throttle()
    tries(limit, "a", 0)
    limit.forgive("a")
    limit.forgive("nobody")
    assert tries(limit, "a", 0) == 3


def test_only_those_are_remembered_who_have_tried_lately() -> None:
    limit = throttle()
    tries(limit, "a", 0)
    limit.take("b", 100)
    limit.retire(150)
    assert len(limit) == 2
    limit.retire(181)
    assert len(limit) == 0


@given(st.lists(st.integers(0, 50), max_size=200))
def test_the_memory_is_bounded_and_whoever_tries_most_is_remembered(keys: list[int]) -> None:
    limit = throttle(most=10)
    tries(limit, "guesser", 0)
    for key in keys:
        limit.take(str(key), 0) if limit._buckets.get(str(key)) is None else None
        assert tries(limit, "guesser", 0) == 0
        assert len(limit) <= 10
