"""Watches whether words are delivered at all, and whether the server still has what it had."""

import asyncio
import logging
from collections.abc import Callable
from itertools import count
from uuid import uuid4

from app.backplane.news import Probe
from app.backplane.redis.scripts import PROBE
from app.backplane.redis.servers import Servers, ServerUnavailable
from app.backplane.redis.words import encode

log = logging.getLogger("tidewire.broker")

EVERY = 1.0
"""Seconds from the return of one probe to the next."""
WITHIN = 2.0
"""Seconds that a probe may take to come back once the server has taken it."""
EPOCH_LIFETIME = 24 * 3600
"""Seconds; every probe begins them anew, so an epoch is gone a day after the last node."""


class Prober:
    """Probes one partition.

    Redis delivers at most once and says nothing of what it dropped; a connection that is half open looks healthy for
    ever. A probe that the server took and that does not come back is the only sign.

    Args:
        servers: where the partition is.
        partition: which one.
        channel: where this node hears itself.
        sender: this node, as it signs.
        on_silence: called when a probe did not come back.
        on_wiped: called when the partition is another one than before: wiped, or taken over by an empty server.

    Attributes:
        missed, wipes: how often either happened.
    """

    def __init__(
        self,
        servers: Servers,
        partition: int,
        channel: bytes,
        sender: bytes,
        *,
        on_silence: Callable[[], None],
        on_wiped: Callable[[], None],
    ) -> None:
        self.missed = self.wipes = 0
        self._servers = servers
        self._partition = partition
        self._channel = channel
        self._sender = sender
        self._on_silence = on_silence
        self._on_wiped = on_wiped
        self._numbers = count(1)
        self._awaited = 0
        self._returned = asyncio.Event()
        self._epoch: bytes | None = None

    def take(self, probe: Probe) -> None:
        """A probe came back; one that was given up already says nothing."""
        if probe.number == self._awaited:
            self._returned.set()

    async def run(self) -> None:
        """Probe for ever; owned by the broker."""
        while True:
            await self.probe()
            await asyncio.sleep(EVERY)

    async def probe(self) -> None:
        """Send one probe and wait for it. While the server cannot be reached, nothing is known."""
        self._awaited = next(self._numbers)
        self._returned.clear()
        message = encode(self._sender, Probe(self._awaited))
        words = (self._servers.publish, self._channel, message, uuid4().hex, EPOCH_LIFETIME)
        try:
            epoch = await self._servers.run(self._partition, PROBE, [self._servers.names.epoch(self._partition)], words)
        except ServerUnavailable:
            return
        self._compare(epoch)
        try:
            async with asyncio.timeout(WITHIN):
                await self._returned.wait()
        except TimeoutError:
            self.missed += 1
            self._on_silence()

    def _compare(self, epoch: bytes) -> None:
        known, self._epoch = self._epoch, epoch
        if known is not None and known != epoch:
            log.warning(
                "Redis has lost what it had in partition %d; answers that are written go there again", self._partition
            )
            self.wipes += 1
            self._on_wiped()
