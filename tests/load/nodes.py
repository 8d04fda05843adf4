"""Two whole nodes, as processes, and the PostgreSQL and the Redis they share."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.redis_servers import RedisServer
from tests.servers import PostgresServer, postgres_server
from tests.system.server import ServerProcess
from tests.wire import Tab


class Nodes(NamedTuple):
    """Two nodes, and what they share, to do harm to."""

    a: ServerProcess
    b: ServerProcess
    postgres: PostgresServer
    redis: RedisServer


@contextmanager
def two_nodes(**settings: str) -> Iterator[Nodes]:
    """Start everything, on ports the system picks; `settings` are those of both nodes."""
    with tempfile.TemporaryDirectory() as folder, postgres_server() as postgres, RedisServer() as redis:
        shared = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url} | settings
        with (
            ServerProcess(Path(folder) / "a", NODE_NAME="a", **shared) as a,
            ServerProcess(Path(folder) / "b", NODE_NAME="b", **shared) as b,
        ):
            yield Nodes(a, b, postgres, redis)


async def said_hello(tab: Tab) -> Tab:
    """A tab that has said hello and stays open."""
    await tab.__aenter__()
    await tab.hello()
    return tab
