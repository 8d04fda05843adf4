import asyncio

import pytest

from app.models.progress import ProgressClock
from tests.virtual import run_virtual


def test_a_block_that_stands_still_times_out_after_the_limit_and_not_before() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with ProgressClock(60):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(60)


def test_progress_moves_the_limit() -> None:
    async def walk_and_stop() -> None:
        async with ProgressClock(60) as progress:
            for _ in range(10):
                await asyncio.sleep(50)
                progress.made()
            await asyncio.Event().wait()

    async def main() -> float:
        with pytest.raises(TimeoutError):
            await walk_and_stop()
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(10 * 50 + 60)


def test_a_block_that_ends_leaves_no_timer_behind() -> None:
    complaints: list[object] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with ProgressClock(60) as progress:
            progress.made()
        await asyncio.sleep(600)  # a timer left behind would fire into a block that is over

    run_virtual(main())
    assert complaints == []


def test_a_cancelled_block_is_cancelled_and_not_timed_out() -> None:
    async def stuck() -> None:
        async with ProgressClock(60):
            await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(stuck())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    run_virtual(main())
