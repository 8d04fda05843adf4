"""Hears the channels of one partition, over one connection after the other.

The connection is not trusted: one that is half open never fails by itself. Whoever probes delivery calls `drop`, and
everything is subscribed anew over a fresh one. After every interruption `on_gap` tells that words may have been lost.
"""

import asyncio
import logging
import math
from collections.abc import Callable

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from app.backplane.redis.channels import Channels, batches
from app.backplane.redis.servers import Servers, ServerUnavailable, heeding

log = logging.getLogger("tidewire.broker")

HEARD_WITHIN = 1.0
"""Seconds that a subscriber waits to be confirmed; who gave up is told of a gap when it is."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two tries to connect."""
AT_A_TIME = 64
"""Messages that are taken before others get their turn: the library does not let go while its buffer is full."""


class Subscription:
    """One partition's channels.

    Args:
        servers: where the partition is.
        partition: which one.
        take: called with channel and message; must not fail.
        on_gap: called with a channel when it is heard again and may have missed something; None stands for all.
    """

    def __init__(
        self,
        servers: Servers,
        partition: int,
        take: Callable[[bytes, bytes], None],
        on_gap: Callable[[bytes | None], None],
    ) -> None:
        self.connections = 0
        self._servers = servers
        self._partition = partition
        self._take = take
        self._on_gap = on_gap
        self._channels = Channels()
        self._waiting: dict[bytes, asyncio.Future[None]] = {}
        self._given_up: set[bytes] = set()  # whoever wanted these was told that they are not heard yet
        self._is_new = True  # since the connection was made, not everything that is wanted was heard yet
        self._is_dropped = False
        self._connection: AbstractConnection | None = None
        self._wake = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Subscription {self._partition} {self._channels!r} connections={self.connections}>"

    @property
    def is_up(self) -> bool:
        """Whether there is a connection over which everything that was wanted at its beginning is heard."""
        return self._connection is not None and not self._is_new

    def want(self, channel: bytes) -> None:
        """Subscribe as soon as possible."""
        self._channels.wanted.add(channel)
        self._wake.set()

    def unwant(self, channel: bytes) -> None:
        """Unsubscribe."""
        self._channels.wanted.discard(channel)
        self._given_up.discard(channel)
        self._wake.set()

    def is_heard(self, channel: bytes) -> bool:
        """Whether words on this channel arrive."""
        return self._channels.is_heard(channel)

    async def heard(self, channel: bytes) -> bool:
        """Wait until words on a wanted channel arrive; False when that takes too long, and `on_gap` follows."""
        if self._channels.is_heard(channel):
            return True
        if self._connection is not None:
            waiting = self._waiting.setdefault(channel, asyncio.get_running_loop().create_future())
            await asyncio.wait([waiting], timeout=HEARD_WITHIN)
        is_heard = self._channels.is_heard(channel)
        if not is_heard and channel in self._channels.wanted:
            self._given_up.add(channel)
        return is_heard

    def drop(self) -> None:
        """Give the connection up: nothing is delivered over it."""
        self._is_dropped = True
        self._wake.set()

    async def run(self) -> None:
        """Stay connected for ever; owned by the broker."""
        pause = FIRST_PAUSE
        while True:
            try:
                self._connection = await self._servers.connect(self._partition)
                self.connections += 1
                await self._hear(self._connection)
            except* (RedisError, OSError, ServerUnavailable) as problems:
                pause = min(LONGEST_PAUSE, pause * 2) if self._is_new else FIRST_PAUSE
                if pause < LONGEST_PAUSE:
                    log.warning("partition %d is not heard: %s", self._partition, problems.exceptions[0])
            except* Exception:
                log.exception("hearing partition %d failed; it is tried again", self._partition)
            finally:
                await self._let_go()
            await self._servers.forget(self._partition)
            await asyncio.sleep(pause)

    async def _hear(self, connection: AbstractConnection) -> None:
        self._is_dropped = False
        self._wake.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(connection))
            group.create_task(self._ask(connection))

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        self._is_new = True
        self._channels.reset()
        for waiting in self._waiting.values():
            waiting.set_result(None)
        self._waiting.clear()
        if connection is not None:
            await connection.disconnect(nowait=True)

    async def _ask(self, connection: AbstractConnection) -> None:
        """Tell the server which channels are wanted, whenever that changes."""
        kind = "S" if self._servers.is_sharded else ""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._is_dropped:
                raise RedisConnectionError("nothing is delivered over its connection")
            more, less = self._channels.due()
            for some in batches(more):
                await heeding(connection.send_command(f"{kind}SUBSCRIBE", *some, check_health=False))
            for some in batches(less):
                await heeding(connection.send_command(f"{kind}UNSUBSCRIBE", *some, check_health=False))

    async def _read(self, connection: AbstractConnection) -> None:
        taken = 0
        while True:
            kind, channel, content = await connection.read_response(timeout=math.inf)
            taken += 1
            if taken % AT_A_TIME == 0:
                await asyncio.sleep(0)
            if kind in (b"message", b"smessage"):
                self._take(channel, content)
            elif kind in (b"subscribe", b"ssubscribe"):
                self._confirmed(channel)
            elif self._channels.is_lost(channel):
                raise RedisConnectionError("the partition has moved to another server")

    def _confirmed(self, channel: bytes) -> None:
        if self._channels.confirm(channel):
            waiting = self._waiting.pop(channel, None)
            if waiting is not None:
                waiting.set_result(None)
            if channel in self._given_up and not self._is_new:
                self._on_gap(channel)
            self._given_up.discard(channel)
        if self._is_new and self._channels.are_heard:
            self._is_new = False
            log.info("partition %d is heard", self._partition)
            self._on_gap(None)
