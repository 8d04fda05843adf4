"""Emitting at a steady pace without a task wake-up per token."""

import asyncio
from collections.abc import Callable
from math import ceil

SLICE = 64
"""Tokens one stream may emit in one turn of the loop."""

GRID = 0.004
"""Tokens are due at multiples of this many seconds, so that many streams share one timer and one wake-up."""


class Pacemaker:
    """Drives any number of paced streams on one event loop."""

    def __init__(self) -> None:
        self._due: dict[int, list[Callable[[], None]]] = {}

    async def run(self, emit: Callable[[], bool], per_second: float) -> None:
        """Call `emit` once for each token, `per_second` times a second, until it returns False.

        The schedule is absolute, so it does not drift: token i is due i / `per_second` seconds after the first, and
        whatever is overdue is emitted together, up to `SLICE` a turn. The calling task wakes once, at the end. A pace
        of 0 means as fast as the loop allows, other callbacks getting their turn in between.

        Raises whatever `emit` raises.
        """
        await _Beat(self, emit, per_second).finished()

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        """Call back at the first multiple of `GRID` that is not before `when`, in the loop's time."""
        slot = ceil(when / GRID)
        bucket = self._due.get(slot)
        if bucket is None:
            self._due[slot] = bucket = []
            asyncio.get_running_loop().call_at(slot * GRID, self._run_slot, slot)
        bucket.append(callback)

    def _run_slot(self, slot: int) -> None:
        for callback in self._due.pop(slot):
            callback()


class _Beat:
    def __init__(self, pacemaker: Pacemaker, emit: Callable[[], bool], per_second: float) -> None:
        self._pacemaker = pacemaker
        self._emit = emit
        self._interval = 1 / per_second if per_second else 0.0
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._began = self._loop.time()
        self._emitted = 0

    async def finished(self) -> None:
        self._turn()
        await self._done

    def _turn(self) -> None:
        # Never raises: it shares its timer with other streams.
        if self._done.done():  # cancelled while this turn was waiting
            return
        try:
            more = self._emit_due()
        except Exception as error:  # noqa: BLE001 - it belongs to the task that waits, not to the loop
            self._done.set_exception(error)
            return
        if not more:
            self._done.set_result(None)
        elif self._interval:
            self._pacemaker.call_at(self._began + self._emitted * self._interval, self._turn)
        else:
            self._loop.call_soon(self._turn)

    def _emit_due(self) -> bool:
        for _ in range(self._overdue()):
            if not self._emit():
                return False
            self._emitted += 1
        return True

    def _overdue(self) -> int:
        if not self._interval:
            return SLICE
        # The loop may run a timer one tick of its clock early; the token it was set for is due all the same.
        overdue = int((self._loop.time() - self._began) / self._interval) + 1 - self._emitted
        return min(max(overdue, 1), SLICE)
