import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.interface import ModelFailure
from app.models.retries import PASSING, LastingFailure, RetryPolicy

POLICY = RetryPolicy(jitter=lambda low, high: high)


def failing(code: str = "model_error", retry_after_ms: int | None = None) -> ModelFailure:
    return ModelFailure(code, "A sentence.", retry_after_ms)


def test_the_longest_delays_double_and_end_after_two() -> None:
    assert [POLICY.delay(failing(), made, 0) for made in range(3)] == [0.5, 1.0, None]


@given(made=st.integers(0, 1), elapsed=st.floats(0, 30), asked=st.none() | st.integers(0, 30_000))
def test_a_delay_is_at_least_what_was_asked_and_ends_within_the_window(
    made: int, elapsed: float, asked: int | None
) -> None:
    delay = RetryPolicy().delay(failing(retry_after_ms=asked), made, elapsed)
    if delay is None:
        assert elapsed + max(0.5 * 2**made, (asked or 0) / 1000) > 20
    else:
        assert delay >= (asked or 0) / 1000
        assert elapsed + delay <= 20


@pytest.mark.parametrize("code", ["model_refused", "model_not_available", "context_too_long"])
def test_what_another_attempt_cannot_cure_is_not_retried(code: str) -> None:
    assert POLICY.delay(failing(code), 0, 0) is None


def test_a_lasting_failure_is_not_retried_whatever_its_code() -> None:
    for code in PASSING:
        assert POLICY.delay(failing(code), 0, 0) is not None
        assert POLICY.delay(LastingFailure(code, "A sentence."), 0, 0) is None
