"""Finds the server that has a partition: the only one, the one that sentinels name, or the one in a cluster."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from redis.asyncio.connection import AbstractConnection
from redis.asyncio.sentinel import Sentinel
from redis.crc import key_slot
from redis.exceptions import ClusterDownError, RedisError

Address = tuple[str, int]


class Locator(Protocol):
    """Knows where a partition is."""

    async def locate(self, tag: str, /) -> Address:
        """The server that has a partition now.

        Args:
            tag: begins the names of the partition, its hash tag included.

        Raises:
            RedisError, OSError: that cannot be found out.
        """

    async def close(self) -> None:
        """Let go of whom it asked."""


class OneServer:
    """There is only one."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def locate(self, _tag: str) -> Address:
        """The server."""
        return self._address

    async def close(self) -> None:
        """Nobody was asked."""


class Sentinels:
    """The master that sentinels agree on.

    Args:
        hosts: the sentinels.
        master: what they call it.
        options: of clients of the sentinels.
    """

    def __init__(self, hosts: Sequence[Address], master: str, options: dict[str, Any]) -> None:
        self._sentinel = Sentinel(list(hosts), sentinel_kwargs=options)
        self._master = master

    async def locate(self, _tag: str) -> Address:
        """The master of now; the library asks first who answered last."""
        host, port = await self._sentinel.discover_master(self._master)
        return str(host), int(port)

    async def close(self) -> None:
        """Let go of the sentinels."""
        for client in self._sentinel.sentinels:
            await client.aclose()


class Cluster:
    """The master whose slots a partition's hash tag falls into.

    Args:
        hosts: some servers of the cluster; each knows all others.
        connection_to: makes a connection to a server, not yet open.
    """

    def __init__(self, hosts: Sequence[Address], connection_to: Callable[[Address], AbstractConnection]) -> None:
        self._servers = deque(hosts)
        self._connection_to = connection_to

    async def locate(self, tag: str) -> Address:
        """Ask one server after the other; who does not answer is asked last from now on."""
        slot, problem = key_slot(tag.encode()), RedisError("no server of the cluster is known")
        for address in list(self._servers):
            try:
                ranges = await self._slots(address)
            except (RedisError, OSError) as failure:
                self._servers.rotate(-1)
                problem = RedisError(str(failure))
                continue
            self._servers.extend({master for *_, master in ranges} - set(self._servers))
            for first, last, master in ranges:
                if first <= slot <= last:
                    return master
            problem = ClusterDownError(f"no server of the cluster has slot {slot}")
        raise problem

    async def close(self) -> None:
        """Nobody is kept."""

    async def _slots(self, address: Address) -> list[tuple[int, int, Address]]:
        """The ranges of slots, each with its master."""
        connection = self._connection_to(address)
        try:
            await connection.connect()
            await connection.send_command("CLUSTER", "SLOTS")
            answer = await connection.read_response()
        finally:
            await connection.disconnect(nowait=True)
        return [(first, last, _address(master, address)) for first, last, master, *_ in answer]


def _address(node: list[Any], asked: Address) -> Address:
    """A server as it calls itself; one that does not know its own name is the one that was asked."""
    host = (node[0] or b"").decode()
    return host or asked[0], int(node[1])
