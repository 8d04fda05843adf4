"""Calls the servers that make up the backplane, and never waits for one longer than two seconds."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 - the library's, which is not the builtin
    NoScriptError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.backplane.redis.locating import Address, Circle, Cluster, Locator, OneServer, Sentinels
from app.backplane.redis.names import Names
from app.backplane.redis.scripts import Script
from app.backplane.redis.url import RedisUrl

T = TypeVar("T")

WITHIN = 1.8
"""Seconds until a call has succeeded or failed, one repetition included. A command that waits for one is answered
within two; what is left of them pays for the rest of the command."""
PATIENCE = 1.0
"""Seconds that a server gets to accept a connection, or to answer."""
LOCATING_PATIENCE = 0.4
"""The same for whoever only says where a server is: there are several of them, and some may be gone."""
CONNECTIONS = 16
"""To one server; who needs a further one waits. Pages of long logs share them with appends of some KB."""

# The server is not there, or not the one any more that has the partition.
_ELSEWHERE = (ConnectionError, RedisTimeoutError, ReadOnlyError, AskError, ClusterDownError, TryAgainError)
# Of these, what may be repeated at once: nothing was waited for yet, and another server may be the right one.
_AT_ONCE = (ConnectionError, ReadOnlyError, AskError)


class ServerUnavailable(Exception):  # noqa: N818 - says what happened
    """Redis did not do what it was asked; the message says why, in words for whoever runs it."""


class Servers:
    """The servers of a backplane, by partition.

    Args:
        url: where they are.

    Attributes:
        failures: calls that failed, by reason: `timeout` or `error`.
    """

    def __init__(self, url: RedisUrl) -> None:
        self.failures = Counter(timeout=0, error=0)
        self.names = Names(url)
        self.is_sharded = url.kind == "cluster"
        self._url = url
        self._locator = _locator(url)
        self._found: dict[int, Address] = {}
        self._locating = asyncio.Lock()
        self._users = 0
        self._clients: dict[Address, Redis] = {}

    def __repr__(self) -> str:
        return f"<Servers {self._url}>"

    @property
    def partitions(self) -> int:
        """How many there are; each is on one server, and several may be on the same."""
        return self.names.partitions

    @property
    def publish(self) -> str:
        """The command that publishes within a partition."""
        return "SPUBLISH" if self.is_sharded else "PUBLISH"

    def name(self, partition: int) -> str:
        """What to call the server of a partition, for people."""
        host, port = self._found.get(partition, self._url.hosts[0])
        return f"Redis at {host}:{port}"

    async def run(self, partition: int, script: Script, keys: Sequence[bytes], args: Sequence[Any]) -> Any:
        """Run a script. One that may run twice without harm: when the connection is lost it is repeated once.

        Raises:
            ServerUnavailable: it is not known whether it ran.
        """

        async def work(client: Redis) -> Any:
            try:
                return await client.execute_command("EVALSHA", script.digest, len(keys), *keys, *args)
            except NoScriptError:
                return await client.execute_command("EVAL", script.text, len(keys), *keys, *args)

        return await self._call(partition, work, again=True)

    async def command(self, partition: int, *words: Any, again: bool = False) -> Any:
        """Run one command; `again` says that it may run twice without harm.

        Raises:
            ServerUnavailable: it is not known whether it ran.
        """
        return await self._call(partition, lambda client: client.execute_command(*words), again=again)

    async def commands(self, partition: int, batch: Sequence[Sequence[Any]], *, again: bool = False) -> list[Any]:
        """Run commands in one round trip.

        Raises:
            ServerUnavailable: it is not known which of them ran.
        """

        async def work(client: Redis) -> list[Any]:
            async with client.pipeline(transaction=False) as pipeline:
                for words in batch:
                    pipeline.execute_command(*words)
                answers: list[Any] = await pipeline.execute()
                return answers

        return await self._call(partition, work, again=again)

    async def connect(self, partition: int) -> AbstractConnection:
        """Open a connection of one's own to the server of a partition.

        Raises:
            ServerUnavailable: it cannot be opened.
        """

        async def work(client: Redis) -> AbstractConnection:
            connection: AbstractConnection = client.connection_pool.make_connection()
            await connection.connect()
            return connection

        return await self._call(partition, work, again=True)

    async def forget(self, partition: int) -> None:
        """Look anew for the server of a partition with the next call; what was connected to it may be dead."""
        address = self._found.pop(partition, None)
        if address in self._clients:
            await self._clients[address].connection_pool.disconnect(inuse_connections=False)

    def open(self) -> None:
        """Let one more part of the program call the servers."""
        self._users += 1

    async def close(self) -> None:
        """One part of the program calls no more; with the last one every connection is closed."""
        self._users -= 1
        if self._users:
            return
        self._found.clear()
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.connection_pool.aclose()

    async def _call(self, partition: int, work: Callable[[Redis], Awaitable[T]], *, again: bool) -> T:
        try:
            async with asyncio.timeout(WITHIN):
                try:
                    return await heeding(self._attempt(partition, work))
                except _AT_ONCE as problem:
                    if not again or isinstance(problem, AuthenticationError | BusyLoadingError):
                        raise
                return await heeding(self._attempt(partition, work))
        except (RedisError, OSError, TimeoutError) as problem:
            self.failures["timeout" if isinstance(problem, TimeoutError | RedisTimeoutError) else "error"] += 1
            raise self._unavailable(partition, problem) from problem

    async def _attempt(self, partition: int, work: Callable[[Redis], Awaitable[T]]) -> T:
        try:
            return await work(await self._client(partition))
        except _ELSEWHERE:
            await self.forget(partition)
            raise

    async def _client(self, partition: int) -> Redis:
        if not self._users:
            raise RedisError("it is closed")
        address = self._found.get(partition) or await self._locate(partition)
        client = self._clients.get(address)
        if client is None:
            client = self._clients[address] = Redis(connection_pool=_pool(self._url, address))
        return client

    async def _locate(self, partition: int) -> Address:
        """Find out where everything is, once for all who want to know."""
        async with self._locating:
            if partition not in self._found:
                tags = [self.names.tag(number) for number in range(self.partitions)]
                self._found = dict(enumerate(await self._locator.locate(tags)))
            return self._found[partition]

    def _unavailable(self, partition: int, problem: Exception) -> ServerUnavailable:
        words = str(problem).rstrip(".") or "no answer in time"
        return ServerUnavailable(f"{self.name(partition)} cannot be used: {words}.")


async def heeding(work: Awaitable[T]) -> T:
    """Wait for work of the library, and be cancelled if that was asked for meanwhile.

    It waits by `asyncio.wait_for`, which in Python 3.11 forgets a cancellation that comes together with its result. A
    task that is cancelled only once would go on for ever.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    result = await work
    if task and task.cancelling() > before:
        raise asyncio.CancelledError
    return result


def _locator(url: RedisUrl) -> Locator:
    if url.kind == "single":
        return OneServer(url.hosts[0])
    options = _options(url, LOCATING_PATIENCE)
    if url.kind == "sentinel":
        options |= {"username": None, "password": url.sentinel_password, "db": 0}

    def connection_to(address: Address) -> AbstractConnection:
        return _connection_class(url)(host=address[0], port=address[1], **options)

    circle = Circle(url.hosts, connection_to)
    return Sentinels(circle, url.master) if url.kind == "sentinel" else Cluster(circle)


def _pool(url: RedisUrl, address: Address) -> BlockingConnectionPool:
    return BlockingConnectionPool(
        host=address[0],
        port=address[1],
        connection_class=_connection_class(url),
        max_connections=CONNECTIONS,
        timeout=PATIENCE,
        **_options(url, PATIENCE),
    )


def _connection_class(url: RedisUrl) -> type[Connection]:
    return SSLConnection if url.tls else Connection


def _options(url: RedisUrl, patience: float) -> dict[str, Any]:
    """How connections are made. RESP 2 is read in half the time of RESP 3, and nothing here needs the latter."""
    options: dict[str, Any] = {
        "username": url.username,
        "password": url.password,
        "db": url.database,
        "protocol": 2,
        "socket_connect_timeout": patience,
        "socket_timeout": patience,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),  # what may be repeated is known here, not there
        "client_name": "tidewire",
    }
    return options | ({"ssl_ca_certs": url.ca or None} if url.tls else {})
