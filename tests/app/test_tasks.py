"""In virtual time."""

import asyncio
import logging

import pytest

from app.tasks import Crew
from tests.virtual import run_virtual


def test_a_failure_is_reported_with_its_name_and_ends_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise RuntimeError("a bug")

    async def main() -> None:
        crew = Crew("crew")
        other = crew.start(asyncio.sleep(1), name="other")
        crew.start(fail(), name="unlucky")
        await asyncio.sleep(0.1)
        assert len(crew) == 1
        await other

    run_virtual(main())
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, "crew: unlucky failed")
    ]
    assert caplog.records[0].exc_info is not None


def test_idle_waits_for_all_and_for_those_who_start_meanwhile() -> None:
    async def main() -> None:
        crew = Crew("crew")

        async def parent() -> None:
            await asyncio.sleep(1)
            crew.start(asyncio.sleep(1), name="child")

        crew.start(parent(), name="parent")
        assert not await crew.idle(1.5)
        assert await crew.idle(0.6)
        assert asyncio.get_running_loop().time() == pytest.approx(2)
        assert await crew.idle(0)

    run_virtual(main())


def test_idle_takes_no_longer_than_told() -> None:
    async def main() -> None:
        crew = Crew("crew")
        crew.start(asyncio.sleep(100), name="long")
        for n in range(10):
            crew.start(asyncio.sleep(n), name="short")
        assert not await crew.idle(5)
        assert asyncio.get_running_loop().time() == pytest.approx(5)
        assert not await crew.idle(0)
        await crew.close()

    run_virtual(main())


def test_close_cancels_and_waits_for_good_manners_but_not_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    async def polite() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(1)
            done.append("polite")

    async def deaf() -> None:
        while not done or asyncio.get_running_loop().time() < 10:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                continue

    async def main() -> None:
        crew = Crew("crew")
        tasks = [crew.start(polite(), name="polite"), crew.start(deaf(), name="deaf")]
        await asyncio.sleep(0.1)
        await crew.close(within=2)
        assert done == ["polite"]
        assert asyncio.get_running_loop().time() == pytest.approx(2.1)
        await asyncio.wait(tasks)
        await crew.close()

    done: list[str] = []
    run_virtual(main())
    assert [record.getMessage() for record in caplog.records] == [
        "crew: 1 tasks did not end within 2 s of being cancelled"
    ]
