"""In virtual time."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from app.sockets.lanes import Lanes
from tests.virtual import run_virtual

Jobs = list[tuple[str | None, float]]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([0.0, 0.1, 1.0])), max_size=12))
def test_g04_what_shares_a_lane_runs_in_the_order_of_arrival_and_alone(jobs: Jobs) -> None:
    running: dict[str, int] = {}
    done: list[tuple[str | None, int]] = []

    async def main() -> float:
        lanes = Lanes()

        async def work(n: int, name: str | None, seconds: float) -> None:
            async with lanes.enter(name):
                if name is not None:
                    running[name] = running.get(name, 0) + 1
                    assert running[name] == 1
                await asyncio.sleep(seconds)
                if name is not None:
                    running[name] -= 1
                done.append((name, n))

        async with asyncio.TaskGroup() as group:
            for n, (name, seconds) in enumerate(jobs):
                group.create_task(work(n, name, seconds))
        assert not lanes._locks
        assert not lanes._users
        return asyncio.get_running_loop().time()

    took = run_virtual(main())
    for name in ("a", "b"):
        mine = [n for lane, n in done if lane == name]
        assert mine == sorted(mine)
    in_lane = {name: sum(seconds for lane, seconds in jobs if lane == name) for name in ("a", "b")}
    alone = max([seconds for lane, seconds in jobs if lane is None], default=0.0)
    assert abs(took - max(*in_lane.values(), alone)) < 1e-6, "lanes waited for each other"


def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    async def main() -> None:
        lanes = Lanes()

        async def hold(seconds: float) -> None:
            async with lanes.enter("a"):
                await asyncio.sleep(seconds)

        first, second, third = (asyncio.create_task(hold(1)) for _ in range(3))
        await asyncio.sleep(0.1)
        second.cancel()
        await asyncio.wait([first, second, third])
        assert (second.cancelled(), third.cancelled()) == (True, False)
        assert not lanes._locks
        assert not lanes._users

    run_virtual(main())


def test_a_failure_frees_the_lane() -> None:
    async def main() -> None:
        lanes = Lanes()
        for _ in range(2):
            try:
                async with lanes.enter("a"):
                    raise RuntimeError
            except RuntimeError:
                pass
        assert not lanes._locks

    run_virtual(main())
