"""One timer for all sockets: a wheel of time slots. A timer each would cost five times as much."""

import asyncio
import logging
import math
from typing import Protocol

from app.clock import Clock
from app.histogram import MOMENTS, Histogram

log = logging.getLogger("tidewire.sockets")

# Fine enough for a hidden tab's tick of 250 ms, and a power of two, so that no edge is lost in rounding.
GRAIN = 1 / 16


class Timed(Protocol):
    """Something with a deadline. `on_time` is a plain function and must not fail."""

    slot: int | None

    def on_time(self, now: float) -> float:
        """Do what is due; return the next deadline in monotonic seconds, `inf` for none."""


class Wheel:
    """Calls things when they are due, at most `GRAIN` seconds late.

    Args:
        clock: measures.

    Attributes:
        lag: how late the event loop woke the wheel each time, in seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots: dict[int, set[Timed]] = {}
        self._turned = int(clock.monotonic() / GRAIN)
        self.lag = Histogram(MOMENTS)

    def arm(self, timed: Timed, deadline: float) -> None:
        """Have something called at a deadline, or when it is called anyway if that is sooner.

        A later deadline is not moved to: `on_time` finds nothing due and names it. So a deadline that is pushed back
        with every frame costs nothing.
        """
        if deadline == math.inf:
            return
        slot = max(self._slot_of(deadline), self._turned + 1)
        if timed.slot is not None and timed.slot <= slot:
            return
        self.disarm(timed)
        timed.slot = slot
        self._slots.setdefault(slot, set()).add(timed)

    def disarm(self, timed: Timed) -> None:
        """Forget something."""
        if timed.slot is not None and (slot := self._slots.get(timed.slot)) is not None:
            slot.discard(timed)
        timed.slot = None

    async def run(self) -> None:
        """Turn for ever; owned by whoever owns the sockets."""
        while True:
            # To the next edge of a slot: a fixed pause would drift, and call up to a grain later still.
            now = self._clock.monotonic()
            edge = now - now % GRAIN + GRAIN
            await asyncio.sleep(edge - now)
            self.lag.observe(max(0.0, self._clock.monotonic() - edge))
            self.turn()

    def turn(self) -> None:
        """Call everything that is due."""
        now = self._clock.monotonic()
        upto = int(now / GRAIN)
        for slot in range(self._turned + 1, upto + 1):
            self._turned = slot
            for timed in self._slots.pop(slot, ()):
                if timed.slot == slot:  # else its neighbour has just disarmed it
                    self._call(timed, now)

    def _call(self, timed: Timed, now: float) -> None:
        timed.slot = None
        try:
            self.arm(timed, timed.on_time(now))
        except Exception:
            log.exception("a deadline is lost; those of all others still count")

    def _slot_of(self, deadline: float) -> int:
        return math.ceil(deadline / GRAIN)
