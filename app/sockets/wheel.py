"""One timer for all sockets: a wheel of time slots. A timer each would cost five times as much."""

import asyncio
import math
from typing import Protocol

from app.clock import Clock

GRAIN = 0.25


class Timed(Protocol):
    """Something with a deadline. `on_time` is a plain function and must not fail."""

    slot: int | None

    def on_time(self, now: float) -> float:
        """Do what is due; return the next deadline in monotonic seconds, `inf` for none."""


class Wheel:
    """Calls things when they are due, at most `GRAIN` seconds late.

    Args:
        clock: measures.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots: dict[int, set[Timed]] = {}
        self._turned = self._slot_of(clock.monotonic())

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
            await asyncio.sleep(GRAIN)
            self.turn()

    def turn(self) -> None:
        """Call everything that is due."""
        now = self._clock.monotonic()
        upto = int(now / GRAIN)
        for slot in range(self._turned + 1, upto + 1):
            for timed in self._slots.pop(slot, ()):
                timed.slot = None
                self._turned = slot
                self.arm(timed, timed.on_time(now))
        self._turned = max(self._turned, upto)

    def _slot_of(self, deadline: float) -> int:
        return math.ceil(deadline / GRAIN)
