"""Virtual time: an event loop whose clock jumps to the next timer instead of waiting for it.

Ten minutes of heartbeats run in milliseconds, and always in the same order. Only for code without threads and sockets:
a loop that has nothing scheduled would wait for ever, and says so. (SQLite is a thread: its tests take a real loop.)
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from app.clock import Clock

T = TypeVar("T")

NOON = 1_790_000_000
"""Unix time, in seconds, at which virtual time begins."""


class _JumpingSelector(selectors.SelectSelector):
    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "the loop would wait for ever: nothing is scheduled"
            self.skipped += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop without sockets in which an hour passes in a millisecond; its time starts at 0."""

    def __init__(self) -> None:
        self._jumps = _JumpingSelector()
        super().__init__(self._jumps)

    def time(self) -> float:
        return self._jumps.skipped


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def loop_clock() -> Clock:
    """The clock of the loop that runs when it is read."""

    def now() -> float:
        return asyncio.get_running_loop().time()

    return Clock(monotonic=now, unix=lambda: NOON + now())
