"""In virtual time."""

import asyncio
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.clock import Clock
from app.sockets.wheel import GRAIN, Wheel
from tests.virtual import loop_clock, run_virtual

Deadlines = list[float]


class Timed:
    """Something that is due at some moments, one after the other, and notes when it was called for each."""

    def __init__(self, wheel: Wheel, deadlines: Deadlines) -> None:
        self.slot: int | None = None
        self.wheel = wheel
        self.deadlines = deadlines
        self.called: list[tuple[float, float]] = []
        self.calls = 0

    def on_time(self, now: float) -> float:
        self.calls += 1
        while self.deadlines and self.deadlines[0] <= now:
            self.called.append((self.deadlines.pop(0), now))
        return self.deadlines[0] if self.deadlines else math.inf


@settings(deadline=None, max_examples=50)
@given(
    st.floats(0, 1),
    st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=6).map(sorted), min_size=1, max_size=10),
)
def test_it_is_never_early_and_at_most_a_grain_late(start: float, plans: list[Deadlines]) -> None:
    async def main() -> list[tuple[float, float]]:
        await asyncio.sleep(start)
        wheel = Wheel(loop_clock())
        running = asyncio.create_task(wheel.run())
        timed = [Timed(wheel, [start + deadline for deadline in plan]) for plan in plans]
        for one in timed:
            wheel.arm(one, one.deadlines[0])
        await asyncio.sleep(110)
        running.cancel()
        assert not any(one.deadlines for one in timed)
        assert not any(wheel._slots.values()), "a slot is left behind"
        return [call for one in timed for call in one.called]

    for deadline, now in run_virtual(main()):
        assert deadline <= now < deadline + GRAIN + 1e-6


class Hand:
    def __init__(self) -> None:
        self.now = 0.0
        self.clock = Clock(monotonic=lambda: self.now, unix=lambda: self.now)


def turned(wheel: Wheel, hand: Hand, now: float) -> None:
    hand.now = now
    wheel.turn()


def test_a_deadline_that_is_pushed_back_costs_nothing() -> None:
    hand = Hand()
    wheel = Wheel(hand.clock)
    one = Timed(wheel, [10.0])
    wheel.arm(one, 1.0)
    slot = one.slot
    for deadline in (5.0, 10.0, math.inf):
        wheel.arm(one, deadline)
    assert one.slot == slot
    turned(wheel, hand, 1.0)
    assert (one.calls, one.called) == (1, [])
    turned(wheel, hand, 10.0)
    assert one.called == [(10.0, 10.0)]


def test_a_sooner_deadline_counts() -> None:
    hand = Hand()
    wheel = Wheel(hand.clock)
    one = Timed(wheel, [1.0])
    wheel.arm(one, 50.0)
    wheel.arm(one, 1.0)
    turned(wheel, hand, 1.0)
    assert one.called == [(1.0, 1.0)]
    turned(wheel, hand, 60.0)
    assert one.calls == 1


def test_what_is_disarmed_is_not_called() -> None:
    hand = Hand()
    wheel = Wheel(hand.clock)
    one = Timed(wheel, [1.0])
    wheel.disarm(one)
    wheel.arm(one, 1.0)
    wheel.disarm(one)
    turned(wheel, hand, 5.0)
    assert one.calls == 0


def test_what_is_disarmed_by_its_neighbour_in_the_same_slot_is_not_called() -> None:
    hand = Hand()
    wheel = Wheel(hand.clock)

    class Jealous(Timed):
        def on_time(self, now: float) -> float:
            for other in timed:
                if other is not self:
                    wheel.disarm(other)
            return super().on_time(now)

    timed = [Jealous(wheel, [1.0]) for _ in range(5)]
    for one in timed:
        wheel.arm(one, 1.0)
    turned(wheel, hand, 2.0)
    assert sum(one.calls for one in timed) == 1


def test_a_deadline_in_the_past_is_due_with_the_next_turn() -> None:
    hand = Hand()
    hand.now = 100.0
    wheel = Wheel(hand.clock)
    one = Timed(wheel, [1.0])
    wheel.arm(one, 1.0)
    turned(wheel, hand, 100.0)
    assert one.calls == 0
    turned(wheel, hand, 100.0 + GRAIN)
    assert one.calls == 1


def test_a_bug_in_one_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    hand = Hand()
    wheel = Wheel(hand.clock)

    class Broken(Timed):
        def on_time(self, now: float) -> float:
            raise RuntimeError("a bug")

    timed = [Timed(wheel, [1.0]), Broken(wheel, [1.0]), Timed(wheel, [1.0])]
    random.shuffle(timed)
    for one in timed:
        wheel.arm(one, 1.0)
    turned(wheel, hand, 2.0)
    assert sum(one.calls for one in timed) == 2
    assert "a deadline is lost" in caplog.text
