"""A plain TCP balancer, as nginx with `least_conn` and nothing else is one."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from tests.fault_proxy import FaultProxy

# After a failed connection a server is left alone for so long (nginx's `fail_timeout`), in seconds.
LEFT_ALONE_FOR = 2.0


class Balancer(FaultProxy):
    """Leads each connection to the server that has the fewest, past those that take none.

    Args:
        ports: where the servers are, on this machine.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        super().__init__(ports[0])
        self._ports = ports
        self._failed_at = dict.fromkeys(ports, -LEFT_ALONE_FOR)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        load = Counter(link.port for link in self.links)
        usable = [port for port in self._ports if time.monotonic() - self._failed_at[port] >= LEFT_ALONE_FOR]
        for port in sorted(usable, key=load.__getitem__):
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                self._failed_at[port] = time.monotonic()
        raise ConnectionRefusedError("No server takes connections.")
