"""Shared by the tests of the backplane in Redis: their servers, and virtual time where no socket takes part."""

import asyncio
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.app.backplane.redis.places import Place
from tests.loops import UvLoop
from tests.redis_servers import RedisCluster, RedisServer, SentinelPair
from tests.virtual import VirtualLoop

ON_VIRTUAL_TIME = {"test_postbox.py", "test_probing.py", "test_questions.py"}


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name in ON_VIRTUAL_TIME:
        return {"virtual": VirtualLoop}
    return {"uvloop": UvLoop}  # as in production


@pytest.fixture(scope="session")
def one_server() -> Iterator[Place]:
    """One server, which tests that run one after the other may empty."""
    with RedisServer() as server:
        yield Place(server.url, [server.port])


@pytest.fixture(scope="session")
def failed_over() -> Iterator[Place]:
    """The master that sentinels name now that the first one is dead."""
    with SentinelPair() as pair:
        pair.master.stop()
        pair.wait_for_takeover()
        yield Place(pair.url, [pair.replica.port])


@pytest.fixture(scope="session")
def cluster() -> Iterator[Place]:
    """A cluster of three masters."""
    with RedisCluster() as cluster:
        yield Place(cluster.url, [server.port for server in cluster.masters])
