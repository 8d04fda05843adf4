import asyncio
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.pacing import GRID, SLICE, Pacemaker
from tests.virtual import run_virtual


def emitted_at(count: int, pace: float) -> list[float]:
    times: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def emit() -> bool:
            times.append(loop.time())
            return len(times) < count

        await Pacemaker().run(emit, pace)

    run_virtual(main())
    return times


@given(count=st.integers(1, 300), pace=st.floats(0.1, 5_000))
def test_each_token_comes_at_its_time_and_the_schedule_does_not_drift(count: int, pace: float) -> None:
    times = emitted_at(count, pace)
    assert len(times) == count
    for i, time in enumerate(times):
        assert i / pace - 1e-6 <= time <= i / pace + GRID + 1e-6


def test_a_late_loop_gets_the_overdue_tokens_together_and_no_more() -> None:
    times: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def emit() -> bool:
            if len(times) == 1:
                loop._jumps.skipped += 1.0  # type: ignore[attr-defined] # the virtual loop stalls for a second
            times.append(loop.time())
            return len(times) < 40

        await Pacemaker().run(emit, 20)

    run_virtual(main())
    assert times[:2] == [0.0, pytest.approx(1.05, abs=GRID)]
    overdue = [time for time in times[2:] if time < 1.06]
    assert len(overdue) == 20
    assert times[-1] == pytest.approx(39 / 20, abs=2 * GRID)


async def test_without_a_pace_other_callbacks_get_their_turn() -> None:
    turns = 0
    emitted = 0

    def emit() -> bool:
        nonlocal emitted
        emitted += 1
        return emitted < 10 * SLICE

    def turn() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(turn)

    asyncio.get_running_loop().call_soon(turn)
    await Pacemaker().run(emit, 0)
    assert emitted == 10 * SLICE
    assert turns >= 8


async def test_what_emit_raises_reaches_the_task_that_waits() -> None:
    def emit() -> bool:
        raise LookupError("sealed")

    with pytest.raises(LookupError, match="sealed"):
        await Pacemaker().run(emit, 50)


def test_a_cancelled_stream_emits_nothing_more_and_leaves_the_others_alone() -> None:
    counts = [0, 0]

    async def main() -> None:
        pacemaker = Pacemaker()

        def emit(which: int) -> bool:
            counts[which] += 1
            return counts[which] < 100

        tasks = [asyncio.create_task(pacemaker.run(partial(emit, which), 50)) for which in (0, 1)]
        await asyncio.sleep(1.0)
        tasks[0].cancel()
        await asyncio.wait(tasks)
        assert tasks[0].cancelled()
        await tasks[1]

    run_virtual(main())
    assert counts[0] in (50, 51)
    assert counts[1] == 100
