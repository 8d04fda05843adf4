import asyncio

from app.store.engine.cancellation import settle


async def test_settle_returns_nothing_when_nobody_cancels() -> None:
    future = asyncio.ensure_future(asyncio.sleep(0))
    assert await settle(future) is None
    assert future.done()


async def test_settle_waits_through_every_cancellation_and_reports_it() -> None:
    future = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(settle(future))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    future.set_result(None)
    assert isinstance(await task, asyncio.CancelledError)


async def test_settle_gives_up_without_cancelling() -> None:
    future = asyncio.get_running_loop().create_future()
    assert await settle(future, patience=0.001) is None
    assert not future.done()
