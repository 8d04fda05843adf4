"""The pool alone, over connections that do nothing: no I/O, every interleaving is the test's."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.store.engine.pool import Pool
from app.store.errors import StoreUnavailable


class FakeConnection:
    is_open = True

    async def close(self) -> None:
        self.is_open = False


class Opener:
    """Opens after `gate` is set; fails while `broken`."""

    def __init__(self) -> None:
        self.opened: list[FakeConnection] = []
        self.broken = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> FakeConnection:
        await self.gate.wait()
        if self.broken:
            raise StoreUnavailable("away")
        self.opened.append(FakeConnection())
        return self.opened[-1]


def make_pool(opener: Opener, size: int = 2, patience: float = 5) -> Pool[FakeConnection]:
    return Pool(opener, size=size, patience=patience)


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_connections_are_reused_newest_first() -> None:
    opener = Opener()
    pool = make_pool(opener)
    first, second = await pool.acquire(), await pool.acquire()
    pool.release(first)
    pool.release(second)
    assert await pool.acquire() is second
    assert len(opener.opened) == 2


async def test_waiters_are_served_in_order() -> None:
    pool = make_pool(Opener(), size=1)
    connection = await pool.acquire()
    served = []

    async def wait(number: int) -> None:
        mine = await pool.acquire()
        served.append(number)
        pool.release(mine)

    waiters = [asyncio.ensure_future(wait(number)) for number in range(5)]
    await turns(3)
    pool.release(connection)
    await asyncio.gather(*waiters)
    assert served == [0, 1, 2, 3, 4]


async def test_a_broken_connection_wakes_a_waiter_who_opens_another() -> None:
    pool = make_pool(Opener(), size=1)
    connection = await pool.acquire()
    waiter = asyncio.ensure_future(pool.acquire())
    await turns(3)
    await connection.close()
    pool.release(connection)
    assert (await waiter).is_open
    assert pool.free == 0


async def test_a_connection_that_broke_while_idle_is_replaced() -> None:
    pool = make_pool(Opener(), size=1)
    connection = await pool.acquire()
    pool.release(connection)
    await connection.close()
    assert (await pool.acquire()).is_open


async def test_a_failed_opening_gives_its_slot_to_the_next_waiter() -> None:
    opener = Opener()
    opener.broken = True
    pool = make_pool(opener, size=1)
    results = await asyncio.gather(*(pool.acquire() for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable] * 3
    assert pool.free == 1


async def test_an_opening_that_ends_after_its_cancellation_is_kept() -> None:
    opener = Opener()
    opener.gate.clear()
    pool = make_pool(opener, size=1)
    task = asyncio.ensure_future(pool.acquire())
    await turns(3)
    task.cancel()
    await turns(3)
    opener.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pool.free == 1
    assert await pool.acquire() is opener.opened[0]


async def test_patience_ends() -> None:
    pool = make_pool(Opener(), size=1, patience=0.001)
    await pool.acquire()
    with pytest.raises(StoreUnavailable, match="busy"):
        await pool.acquire()


async def test_close_closes_idle_and_returning_connections() -> None:
    opener = Opener()
    pool = make_pool(opener)
    idle, busy = await pool.acquire(), await pool.acquire()
    pool.release(idle)
    closing = asyncio.ensure_future(pool.close(patience=5))
    await turns(3)
    assert (idle.is_open, busy.is_open) == (False, True)
    pool.release(busy)
    await closing
    assert not busy.is_open
    with pytest.raises(StoreUnavailable, match="closed"):
        await pool.acquire()


async def test_close_does_not_wait_for_ever() -> None:
    pool = make_pool(Opener())
    busy = await pool.acquire()
    await pool.close(patience=0.001)
    assert not busy.is_open


class Script:
    """A random history: tasks that hold connections, cancellations, connections that break, openings that fail."""

    def __init__(self, choices: list[tuple[str, int]]) -> None:
        self.choices = choices
        self.opener = Opener()
        self.pool = make_pool(self.opener, size=3)
        self.held = 0
        self.most = 0

    async def use(self, length: int) -> None:
        connection = await self.pool.acquire()
        self.held += 1
        self.most = max(self.most, self.held)
        try:
            await turns(length)
        finally:
            self.held -= 1
            self.pool.release(connection)

    async def run(self) -> None:
        tasks: list[asyncio.Future[Any]] = []
        for action, number in self.choices:
            if action == "use":
                tasks.append(asyncio.ensure_future(self.use(number)))
            elif action == "cancel" and tasks:
                tasks[number % len(tasks)].cancel()
            elif action == "break" and self.opener.opened:
                await self.opener.opened[number % len(self.opener.opened)].close()
            elif action == "fail":
                self.opener.broken = number % 2 == 0
            await turns(number % 3)
        await asyncio.gather(*tasks, return_exceptions=True)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["use", "use", "cancel", "break", "fail"]), st.integers(0, 7)), max_size=60))
def test_no_history_loses_a_slot_or_lends_too_many(choices: list[tuple[str, int]]) -> None:
    async def history() -> Script:
        script = Script(choices)
        await script.run()
        return script

    script = asyncio.run(history())
    assert script.pool.free == 3
    assert script.most <= 3
