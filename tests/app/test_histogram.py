from math import inf

from hypothesis import given
from hypothesis import strategies as st

from app.histogram import Histogram

BOUNDS = (1.0, 2.0, 5.0)


@given(st.lists(st.floats(-10, 10)))
def test_each_bucket_holds_what_stayed_within_its_bound(values: list[float]) -> None:
    histogram = Histogram(BOUNDS)
    for value in values:
        histogram.observe(value)
    assert list(histogram.buckets()) == [(bound, sum(value <= bound for value in values)) for bound in (*BOUNDS, inf)]
    assert (histogram.count, histogram.total) == (len(values), sum(values))
