"""The event loops of these tests: virtual time where no thread takes part."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from tests.virtual import VirtualLoop

ON_VIRTUAL_TIME = {"test_ticker.py", "test_runner.py", "test_steps.py"}


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name in ON_VIRTUAL_TIME:
        return {"virtual": VirtualLoop}
    return {"asyncio": asyncio.new_event_loop}
