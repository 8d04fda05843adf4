"""The event loops of these tests, virtual time where no thread takes part, and what several of them stand on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from app.streams.ticker import Ticker
from app.tools.interface import Tool
from tests.app.fakes import MemoryJournal
from tests.app.streams.calls import Staged
from tests.app.streams.stage import Stage
from tests.app.streams.ticks import ticking
from tests.virtual import VirtualLoop

ON_VIRTUAL_TIME = {
    "test_asking.py",
    "test_journaled.py",
    "test_patience.py",
    "test_runner.py",
    "test_steps.py",
    "test_ticker.py",
}


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name in ON_VIRTUAL_TIME:
        return {"virtual": VirtualLoop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
async def ticker(journal: MemoryJournal) -> AsyncIterator[Ticker]:
    async with ticking(journal) as ticker:
        yield ticker


@pytest.fixture
async def staged() -> AsyncIterator[Staged]:
    """Sets stages, and clears them away."""
    stages: list[Stage] = []

    def stage(*tools: Tool[Any], **options: Any) -> Stage:
        stages.append(Stage(tools, **options))
        return stages[-1]

    yield stage
    for each in stages:
        each.ticking.cancel()
        await asyncio.wait([each.ticking])
