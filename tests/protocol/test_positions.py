"""What to do with the next thing of a numbered log."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.positions import follow_chunks, follow_events

N = st.integers(0, 30)


@given(st.lists(st.tuples(N, N), max_size=60))
def test_g08_whatever_ranges_come_each_chunk_is_applied_once_and_in_order(ranges: list[tuple[int, int]]) -> None:
    applied: list[int] = []
    for prev, seq in ((min(r), max(r)) for r in ranges if r[0] != r[1]):
        last = len(applied)
        step = follow_chunks(last, prev, seq)
        if step == "apply":
            applied += range(prev + 1, seq + 1)
        elif step == "drop":
            assert seq <= last
        else:
            assert prev != last
    assert applied == list(range(1, len(applied) + 1))


@given(N, N)
def test_g08_the_next_range_is_always_applied(last: int, length: int) -> None:
    assert follow_chunks(last, last, last + length + 1) == "apply"


@given(st.lists(N, max_size=60))
def test_g20_whatever_events_come_each_is_applied_once_and_in_order(offsets: list[int]) -> None:
    applied: list[int] = []
    for offset in offsets:
        if follow_events(len(applied), offset) == "apply":
            applied.append(offset)
    assert applied == list(range(1, len(applied) + 1))


def test_a_range_that_overlaps_what_was_applied_is_a_gap() -> None:
    assert follow_chunks(5, 3, 8) == "gap"
    assert follow_chunks(5, 6, 8) == "gap"
    assert follow_chunks(5, 3, 5) == "drop"


def test_events_behind_are_dropped_and_events_ahead_are_a_gap() -> None:
    assert [follow_events(5, offset) for offset in (4, 5, 6, 7)] == ["drop", "drop", "apply", "gap"]
