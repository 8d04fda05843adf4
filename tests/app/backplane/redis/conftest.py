"""Shared by the tests of the backplane in Redis."""

from collections.abc import Iterator

import pytest

from tests.redis_servers import RedisServer


@pytest.fixture(scope="module")
def redis_of_suite() -> Iterator[RedisServer]:
    """A Redis of one test file, which may empty it between two tests."""
    with RedisServer() as server:
        yield server
