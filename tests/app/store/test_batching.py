"""Batches: one query for all who ask while another runs, and at once for whoever asks alone."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from app.store.batching import MOST, Batch
from app.store.errors import StoreUnavailable
from tests.virtual import run_virtual


class Reader:
    """Answers with the key itself, in capitals; notes each query and when it came."""

    def __init__(self) -> None:
        self.queries: list[list[str]] = []
        self.times: list[float] = []
        self.takes = 0.0
        self.fails = False

    async def __call__(self, keys: Sequence[str]) -> Mapping[str, str]:
        self.queries.append(list(keys))
        self.times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.takes)
        if self.fails:
            raise StoreUnavailable("away")
        return {key: key.upper() for key in keys if key != "unknown"}


@pytest.fixture
def reader() -> Reader:
    return Reader()


def test_who_asks_alone_is_answered_at_once(reader: Reader) -> None:
    async def main() -> None:
        batch = Batch("test", reader)
        assert await batch.get("a") == "A"
        assert await batch.get("unknown") is None
        await asyncio.sleep(1)
        assert await batch.get("b") == "B"
        assert reader.queries == [["a"], ["unknown"], ["b"]]
        assert reader.times == [0.0, 0.0, 1.0]

    run_virtual(main())


def test_those_who_ask_while_a_query_runs_share_the_next_one(reader: Reader) -> None:
    async def main() -> None:
        batch = Batch("test", reader)
        reader.takes = 0.001
        asked = [asyncio.create_task(batch.get(key)) for key in ("a", "b", "a")]
        await asyncio.sleep(0.0005)
        asked += [asyncio.create_task(batch.get(key)) for key in ("c", "a", "d")]
        assert await asyncio.gather(*asked) == ["A", "B", "A", "C", "A", "D"]
        assert reader.queries == [["a", "b"], ["c", "a", "d"]], "an answer is never older than its question"

    run_virtual(main())


def test_a_crowd_is_answered_in_queries_that_a_database_takes(reader: Reader) -> None:
    async def main() -> None:
        batch = Batch("test", reader)
        keys = [f"k{n}" for n in range(MOST * 2 + 1)]
        assert await asyncio.gather(*(batch.get(key) for key in keys)) == [key.upper() for key in keys]
        assert [len(query) for query in reader.queries] == [MOST, MOST, 1]

    run_virtual(main())


def test_whoever_asks_right_behind_an_answer_is_answered_too(reader: Reader) -> None:
    async def main() -> None:
        batch = Batch("test", reader)
        for n in range(50):
            assert await batch.get(f"k{n}") == f"K{n}"

    run_virtual(main())


def test_a_query_that_fails_fails_for_those_who_waited_and_for_nobody_else(reader: Reader) -> None:
    async def main() -> None:
        batch = Batch("test", reader)
        reader.fails = True
        failed = await asyncio.gather(batch.get("a"), batch.get("b"), return_exceptions=True)
        assert [type(problem) for problem in failed] == [StoreUnavailable, StoreUnavailable]
        reader.fails = False
        assert await batch.get("a") == "A"

    run_virtual(main())


def test_who_gives_up_does_not_take_the_answer_from_the_others(reader: Reader) -> None:
    async def main() -> None:
        batch = Batch("test", reader)
        reader.takes = 0.01
        first, second = asyncio.create_task(batch.get("a")), asyncio.create_task(batch.get("a"))
        await asyncio.sleep(0.005)
        first.cancel()
        assert await second == "A"

    run_virtual(main())


def test_a_query_that_is_cancelled_leaves_nobody_waiting(reader: Reader) -> None:
    async def main() -> None:
        batch = Batch("test", reader)
        reader.takes = 60
        asked = asyncio.create_task(batch.get("a"))
        await asyncio.sleep(1)
        late = asyncio.create_task(batch.get("b"))
        await asyncio.sleep(1)
        [reading] = [task for task in asyncio.all_tasks() if "batch of test" in task.get_name()]
        reading.cancel()
        ends = await asyncio.gather(asked, late, return_exceptions=True)
        assert [type(end) for end in ends] == [asyncio.CancelledError] * 2
        reader.takes = 0
        assert await batch.get("c") == "C"

    run_virtual(main())
