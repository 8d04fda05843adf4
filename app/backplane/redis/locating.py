"""Finds the servers that have the partitions: the only one, the one that sentinels name, or those of a cluster."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from redis.asyncio.connection import AbstractConnection
from redis.crc import key_slot
from redis.exceptions import RedisError

Address = tuple[str, int]
T = TypeVar("T")


class Locator(Protocol):
    """Knows where partitions are."""

    async def locate(self, tags: Sequence[str], /) -> list[Address]:
        """The servers that have these partitions now.

        Args:
            tags: what the names of each partition begin with, their hash tag included.

        Raises:
            RedisError: that cannot be found out.
        """


class OneServer:
    """There is only one."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def locate(self, tags: Sequence[str]) -> list[Address]:
        """The server."""
        return [self._address] * len(tags)


class Circle:
    """Servers of which each can say the same; they are asked one after the other.

    Args:
        addresses: whom to ask first.
        connection_to: makes a connection to a server, not yet open.
    """

    def __init__(self, addresses: Sequence[Address], connection_to: Callable[[Address], AbstractConnection]) -> None:
        self._addresses = deque(addresses)
        self._connection_to = connection_to

    async def ask(self, words: Sequence[str], understand: Callable[[Address, Any], T]) -> T:
        """Ask until one answers; who does not is asked last from now on.

        Args:
            understand: makes something of who was asked, and of the answer.

        Raises:
            RedisError: nobody answers, or `understand` made nothing of any answer and raised this.
        """
        problem: Exception = RedisError("there is nobody to ask")
        for address in list(self._addresses):
            connection = self._connection_to(address)
            try:
                await connection.connect()
                await connection.send_command(*words)
                return understand(address, await connection.read_response())
            except (RedisError, OSError) as failure:
                problem = failure
                self._addresses.rotate(-1)
            finally:
                await connection.disconnect(nowait=True)
        raise RedisError(str(problem)) from problem

    def learn(self, addresses: Iterable[Address]) -> None:
        """Ask these, too, when the others do not answer."""
        self._addresses.extend(set(addresses) - set(self._addresses))


class Sentinels:
    """The master that sentinels name.

    Args:
        sentinels: whom to ask.
        master: what they call it.
    """

    def __init__(self, sentinels: Circle, master: str) -> None:
        self._sentinels = sentinels
        self._master = master

    async def locate(self, tags: Sequence[str]) -> list[Address]:
        """The master of now."""
        master = await self._sentinels.ask(("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._master), self._understand)
        return [master] * len(tags)

    def _understand(self, asked: Address, answer: Any) -> Address:
        if answer is None:
            raise RedisError(f"the sentinel at {asked[0]}:{asked[1]} knows no master {self._master}")
        host, port = answer
        return host.decode(), int(port)


class Cluster:
    """The masters whose slots the hash tags of the partitions fall into.

    Args:
        servers: whom to ask; each knows all others.
    """

    def __init__(self, servers: Circle) -> None:
        self._servers = servers

    async def locate(self, tags: Sequence[str]) -> list[Address]:
        """The masters of now."""
        slots = [key_slot(tag.encode()) for tag in tags]
        return await self._servers.ask(
            ("CLUSTER", "SLOTS"), lambda asked, answer: self._understand(asked, answer, slots)
        )

    def _understand(self, asked: Address, answer: Any, slots: Sequence[int]) -> list[Address]:
        ranges = [(range(first, last + 1), _address(master, asked)) for first, last, master, *_ in answer]
        self._servers.learn(master for _, master in ranges)
        owners = {slot: master for some, master in ranges for slot in slots if slot in some}
        for slot in slots:
            if slot not in owners:
                raise RedisError(f"the cluster has no master for slot {slot}")
        return [owners[slot] for slot in slots]


def _address(node: list[Any], asked: Address) -> Address:
    """A server as it calls itself; one that does not know its own name is the one that was asked."""
    host = (node[0] or b"").decode()
    return host or asked[0], int(node[1])
