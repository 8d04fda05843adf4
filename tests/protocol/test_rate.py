"""The token bucket."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.rate import TokenBucket

GAPS = st.lists(st.floats(0, 3), max_size=60)


@given(GAPS, st.integers(1, 30), st.integers(1, 10))
def test_never_more_than_the_burst_and_what_the_time_gave(gaps: list[float], burst: int, per_second: int) -> None:
    bucket, now, taken = TokenBucket(per_second, burst, 50.0), 50.0, 0
    for gap in gaps:
        now += gap
        while not bucket.take(now):
            taken += 1
        assert taken <= burst + (now - 50.0) * per_second + 1e-6


@given(GAPS, st.integers(1, 5), st.floats(0.01, 30))
def test_whoever_waits_as_long_as_was_said_is_served(gaps: list[float], burst: int, per_second: float) -> None:
    bucket, now = TokenBucket(per_second, burst, 0.0), 0.0
    for gap in gaps:
        now += gap
        if wait := bucket.take(now):
            now += (int(wait * 1000) + 1) / 1000
            assert bucket.take(now) == 0.0


@given(GAPS, st.integers(1, 5), st.floats(0.01, 30))
def test_asking_tells_what_taking_would_and_takes_nothing(gaps: list[float], burst: int, per_second: float) -> None:
    bucket, now = TokenBucket(per_second, burst, 0.0), 0.0
    for gap in gaps:
        now += gap
        told = bucket.wait(now)
        assert bucket.wait(now) == told
        assert bucket.take(now) == told


def test_it_starts_full_and_refills_to_its_burst() -> None:
    bucket = TokenBucket(2, 3, 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert [bucket.take(100.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_it_is_full_when_nothing_was_taken_lately() -> None:
    bucket = TokenBucket(2, 3, 0.0)
    assert bucket.is_full(0.0)
    bucket.take(0.0)
    assert not bucket.is_full(0.4)
    assert bucket.is_full(0.5)
