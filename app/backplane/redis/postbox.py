"""Sends what nobody waits for: news, in batches, bounded and without a second try."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from app.backplane.redis.servers import ServerUnavailable

log = logging.getLogger("tidewire.broker")

Message = tuple[bytes, bytes]
"""A channel and what is published there."""

MOST_BYTES = 1024 * 1024
"""Waiting to be sent. What comes on top is lost, as it would be on the way; whoever needs it notices by numbers."""
INTERVAL = 0.016
"""Shortest time between two batches, in seconds: the first message after a pause goes at once."""


class Postbox:
    """Collects the messages of one partition and publishes them.

    Args:
        publish: sends a batch in one round trip; may raise `ServerUnavailable`, and then the batch is lost.
    """

    def __init__(self, publish: Callable[[Sequence[Message]], Awaitable[object]]) -> None:
        self.lost = 0
        self._publish = publish
        self._waiting: dict[object, Message] = {}
        self._size = 0
        self._wake = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Postbox waiting={len(self._waiting)} bytes={self._size} lost={self.lost}>"

    def put(self, channel: bytes, content: bytes, *, instead_of: object = None) -> None:
        """Send a message soon.

        Args:
            instead_of: names what this message says anew; an older one of that name is not sent any more.
        """
        name = object() if instead_of is None else instead_of
        older = self._waiting.pop(name, None)
        self._size -= len(older[1]) if older else 0
        if self._size + len(content) > MOST_BYTES:
            self.lost += 1
            return
        self._waiting[name] = (channel, content)
        self._size += len(content)
        self._wake.set()

    async def run(self) -> None:
        """Send for ever; owned by the broker."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.send()
            await asyncio.sleep(INTERVAL)

    async def send(self) -> None:
        """Send what waits."""
        batch = list(self._waiting.values())
        self._waiting.clear()
        self._size = 0
        if batch:
            try:
                await self._publish(batch)
            except ServerUnavailable as problem:
                self.lost += len(batch)
                log.info("%d messages to other nodes are lost: %s", len(batch), problem)
