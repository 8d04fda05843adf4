"""Fixtures of the edge's tests, and the event loops they run on."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.loops import UvLoop

ON_BOTH_LOOPS = {"test_fair.py", "test_outlet.py", "test_upgrade.py"}
"""Tests of what touches transports: production runs on uvloop, and asyncio takes its place where that is missing."""


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name in ON_BOTH_LOOPS:
        return {"uvloop": UvLoop, "asyncio": asyncio.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture
def quiet_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a client sends, and with every logger turned up: no traceback, no warning, no ticket in the log."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "uvicorn.error")
    caplog.set_level(logging.DEBUG, "uvicorn.access")
    yield
    # `caplog.records` is empty again by the time a fixture is torn down.
    records = [record for record in caplog.get_records("call") if not record.name.startswith("websockets")]
    assert not [line for line in map(logging.LogRecord.getMessage, records) if "secret-ticket" in line]
    assert not [record for record in records if record.exc_info or record.levelno >= logging.WARNING]
