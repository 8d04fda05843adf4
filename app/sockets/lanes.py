"""Keeps the commands of one connection on one chat in their order (guarantee 4)."""

import asyncio


class Lanes:
    """Locks by name that exist while somebody holds or awaits them. asyncio.Lock wakes its waiters in order."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}

    def enter(self, name: str | None) -> "Lane":
        """Take a place in a lane, now; `async with` the result waits for its turn. No name, no waiting."""
        if name is None:
            return Lane(self, None, None)
        lock = self._locks.setdefault(name, asyncio.Lock())
        self._users[name] = self._users.get(name, 0) + 1
        return Lane(self, name, lock)

    def leave(self, name: str) -> None:
        """Give up a place; the last one takes the lane with it."""
        self._users[name] -= 1
        if not self._users[name]:
            del self._users[name], self._locks[name]


class Lane:
    """One place in a lane."""

    __slots__ = ("_lanes", "_lock", "_name")

    def __init__(self, lanes: Lanes, name: str | None, lock: asyncio.Lock | None) -> None:
        self._lanes = lanes
        self._name = name
        self._lock = lock

    async def __aenter__(self) -> None:
        if self._lock is not None and self._name is not None:
            try:
                await self._lock.acquire()
            except BaseException:
                self._lanes.leave(self._name)
                raise

    async def __aexit__(self, *exc: object) -> None:
        if self._lock is not None and self._name is not None:
            self._lock.release()
            self._lanes.leave(self._name)
