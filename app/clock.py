"""The two clocks, handed to whoever needs time; tests hand in their own."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time comes from.

    Args:
        monotonic: seconds that never jump, for intervals and deadlines.
        unix: seconds since 1970, for what is stored and sent.
    """

    monotonic: Callable[[], float] = time.monotonic
    unix: Callable[[], float] = time.time

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        return int(self.unix() * 1000)
