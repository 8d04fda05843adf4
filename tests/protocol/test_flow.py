"""The flow window by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.flow import FlowWindow
from protocol.limits import KIB, FlowLimits

LIMITS = FlowLimits()
STEPS = st.lists(st.tuples(st.sampled_from(["send", "ping", "pong"]), st.integers(1, 40_000)), max_size=60)


@given(STEPS, st.none() | st.integers(1, 2**31))
def test_g27_no_more_than_the_window_and_one_frame_is_ever_unconfirmed(
    steps: list[tuple[str, int]], granted: int | None
) -> None:
    window, now = FlowWindow(LIMITS, granted), 0.0
    unconfirmed, since_ping, frame = 0, 0, 0
    most = max(LIMITS.least, min(LIMITS.most, granted or LIMITS.most))
    for step, size in steps:
        if step == "send" and window.room:
            if window.wants_ping:
                window.pinged(now)
                since_ping = 0
            frame = max(frame, size)
            unconfirmed += size
            since_ping += size
            window.sent(size)
        elif step == "pong" and window.awaits_pong:
            now += size / 40_000
            window.ponged(now)
            unconfirmed = since_ping
        elif step == "ping" and not window.awaits_pong:
            window.pinged(now)
            since_ping = 0
        assert unconfirmed <= most + frame
        assert window.room == max(0, window.size - unconfirmed)
        assert LIMITS.least <= window.size <= most


def test_nothing_goes_before_the_first_ping_and_no_other_while_it_is_out() -> None:
    window = FlowWindow(LIMITS)
    before = window.wants_ping, window.awaits_pong
    window.pinged(0.0)
    assert before == (True, False)
    assert (window.wants_ping, window.awaits_pong) == (False, True)


def test_the_next_ping_is_due_after_a_quarter_of_the_window() -> None:
    window = FlowWindow(LIMITS)
    window.pinged(0.0)
    window.ponged(0.2)
    window.sent(4 * KIB - 1)
    assert not window.wants_ping
    window.sent(1)
    assert window.wants_ping


def test_there_is_never_more_than_one_ping_under_way() -> None:
    window = FlowWindow(LIMITS)
    window.pinged(0.0)
    window.sent(100 * KIB)
    assert not window.wants_ping
    assert window.pinged_at == 0.0


def test_a_full_window_wants_a_ping_as_soon_as_none_is_out() -> None:
    window = FlowWindow(LIMITS)
    window.pinged(0.0)
    window.sent(16 * KIB)
    window.ponged(0.2)
    assert (window.room, window.wants_ping) == (0, True)


def pongs(*seconds: float, granted: int | None = None) -> list[int]:
    """The size of the window after pongs that took so long."""
    window = FlowWindow(LIMITS, granted)
    sizes = [window.size]
    for took in seconds:
        window.pinged(0.0)
        window.ponged(took)
        sizes.append(window.size)
    return [size // KIB for size in sizes]


def test_quick_pongs_double_the_window_up_to_128_kib() -> None:
    assert pongs(0.0, 0.05, 0.099, 0.0) == [16, 32, 64, 128, 128]


def test_slow_pongs_halve_the_window_down_to_4_kib() -> None:
    assert pongs(0.51, 1.0, 9.0) == [16, 8, 4, 4]


def test_pongs_in_between_leave_it() -> None:
    assert pongs(0.1, 0.3, 0.5) == [16, 16, 16, 16]


@pytest.mark.parametrize(
    ("granted", "expected"), [(8 * KIB, [8, 8, 8]), (1, [4, 4, 4]), (40 * KIB, [16, 32, 40]), (2**31, [16, 32, 64])]
)
def test_the_client_may_ask_for_less_but_not_for_more_than_the_limit(granted: int, expected: list[int]) -> None:
    assert pongs(0.0, 0.0, granted=granted) == expected


def test_a_pong_that_was_not_asked_for_changes_nothing() -> None:
    window = FlowWindow(LIMITS)
    window.ponged(0.0)
    assert window.size == 16 * KIB
    window.pinged(0.0)
    window.ponged(0.01)
    window.ponged(0.01)
    assert window.size == 32 * KIB
