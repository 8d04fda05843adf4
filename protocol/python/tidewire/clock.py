"""Time as the client sees it; tests bring their own."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that is due and can be called off."""

    def cancel(self) -> None:
        """Call it off; harmless when it was made already."""


class Clock(Protocol):
    """Tells the time and wakes up."""

    def now(self) -> float:
        """Monotonic seconds."""

    def unix_ms(self) -> int:
        """Unix time in milliseconds, for ids."""

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call back at this monotonic time or as soon after it as possible."""


class LoopClock:
    """The clock of the running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def now(self) -> float:
        """Monotonic seconds."""
        return self._loop.time()

    def unix_ms(self) -> int:
        """Unix time in milliseconds."""
        return time.time_ns() // 1_000_000

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call back at this time of the loop."""
        return self._loop.call_at(when, callback)
