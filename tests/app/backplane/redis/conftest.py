"""Shared by the tests of the backplane in Redis: their servers, and virtual time where no socket takes part."""

import asyncio
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.redis_servers import RedisServer
from tests.virtual import VirtualLoop

ON_VIRTUAL_TIME = {"test_postbox.py", "test_probing.py", "test_questions.py"}


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name in ON_VIRTUAL_TIME:
        return {"virtual": VirtualLoop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="module")
def redis_of_suite() -> Iterator[RedisServer]:
    """A Redis of one test file, which may empty it between two tests."""
    with RedisServer() as server:
        yield server
