"""Places in Redis for the contract suites: one for each test, which nobody else uses."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import NamedTuple

from redis import Redis

from app.backplane.redis.connecting import backplane
from app.clock import Clock
from tests.contract.broker import Join, Node, joined
from tests.contract.journal import RETENTION_MS, Make


class Place(NamedTuple):
    """An address, and the ports of the servers that store what is written there."""

    url: str
    ports: list[int]

    def empty(self) -> None:
        """Delete everything."""
        for port in self.ports:
            with Redis(port=port) as client:
                client.flushall()


def making(url: str) -> Make:
    """Journals at this address."""
    return lambda clock: backplane(url, "node", clock, retention_ms=RETENTION_MS)[0]


def joining(url: str) -> Join:
    """Nodes that share the place at this address."""

    @asynccontextmanager
    async def join(name: str) -> AsyncIterator[Node]:
        journal, broker = backplane(url, name, Clock(), retention_ms=RETENTION_MS)
        async with joined(journal, broker) as node:
            yield node

    return join


def age(ports: Iterable[int], ms: int) -> None:
    """Let time pass for everything that these servers have."""
    for port in ports:
        with Redis(port=port) as client:
            for name in client.scan_iter():
                left = client.pttl(name)
                assert left != -1, f"{name} would stay for ever"
                client.pexpire(name, left - ms) if left > ms else client.delete(name)
