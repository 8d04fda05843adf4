"""One partition of the broker: what is heard there, what is said there, and whether words arrive."""

import asyncio
from collections.abc import Callable, Sequence

from app.backplane.redis.postbox import Message, Postbox
from app.backplane.redis.probing import Prober
from app.backplane.redis.servers import Servers
from app.backplane.redis.subscription import Subscription
from app.backplane.redis.words import sender_of
from app.tasks import Crew


class Partition:
    """Joins the parts that belong to one partition.

    Args:
        servers: where it is.
        number: which one.
        node: this node.
        take: called with this partition, a channel and a message; must not fail.
        miss: called with this partition, the channel concerned (None: all of them), and whether the server was wiped.

    Attributes:
        heard: set when this node is heard by itself for the first time.
    """

    def __init__(
        self,
        servers: Servers,
        number: int,
        node: str,
        take: Callable[["Partition", bytes, bytes], None],
        miss: Callable[["Partition", bytes | None, bool], None],
    ) -> None:
        self.number = number
        self.heard = asyncio.Event()
        self._servers = servers
        self._miss = miss
        self._channel = servers.names.node(number, node)
        self.postbox = Postbox(self._publish)
        self.subscription = Subscription(
            servers, number, lambda channel, message: take(self, channel, message), self._on_gap
        )
        self.prober = Prober(
            servers,
            number,
            self._channel,
            sender_of(node),
            on_silence=self.subscription.drop,
            on_wiped=lambda: miss(self, None, True),
        )

    def start(self, crew: Crew) -> None:
        """Begin to hear, to say and to probe."""
        self.subscription.want(self._channel)
        crew.start(self.subscription.run(), name=f"hearing {self.number}")
        crew.start(self.postbox.run(), name=f"saying {self.number}")
        crew.start(self._probe(), name=f"probing {self.number}")

    async def _probe(self) -> None:
        await self.heard.wait()
        await self.prober.run()

    def _on_gap(self, channel: bytes | None) -> None:
        self.heard.set()
        self._miss(self, channel, False)

    async def _publish(self, batch: Sequence[Message]) -> None:
        command = self._servers.publish
        await self._servers.commands(self.number, [(command, channel, content) for channel, content in batch])
