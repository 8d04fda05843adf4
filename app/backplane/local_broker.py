"""The broker of nodes that live in one process.

A server on its own is the only node of its bus, so everything it says is heard by nobody and costs nothing. Tests join
several nodes by one bus.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from app.backplane.broker import BrokerStatistics, Listener
from app.backplane.news import News, Order, Question

log = logging.getLogger("tidewire.broker")


class Bus:
    """Joins brokers of one process."""

    def __init__(self) -> None:
        self.nodes: dict[str, LocalBroker] = {}

    def publish(self, sender: str, user_id: str, news: News) -> None:
        """Deliver news to every other node that is subscribed to a user, in a later turn of the loop."""
        for name, broker in self.nodes.items():
            if name != sender and broker.is_subscribed(user_id):
                broker.deliver(lambda listener: listener.hear(user_id, news))


class LocalBroker:
    """A `Broker` that reaches the other nodes of its bus.

    Args:
        node: the name of this node.
        bus: joins it with others; without one it is alone.
    """

    def __init__(self, node: str, bus: Bus | None = None) -> None:
        self._node = node
        self._bus = bus or Bus()
        self._subscriptions: Counter[str] = Counter()
        self._listener: Listener | None = None

    def __repr__(self) -> str:
        return f"<LocalBroker {self._node} users={len(self._subscriptions)} nodes={len(self._bus.nodes)}>"

    def statistics(self) -> BrokerStatistics:
        """Nothing can happen to it."""
        return BrokerStatistics()

    async def open(self, listener: Listener) -> None:
        """Join the bus."""
        self._listener = listener
        self._bus.nodes[self._node] = self
        self.deliver(lambda listener: listener.miss(lambda _: True, wiped=False))

    async def close(self) -> None:
        """Leave the bus."""
        self._bus.nodes.pop(self._node, None)
        self._listener = None

    async def subscribe(self, user_id: str) -> bool:
        """Hear the news of a user."""
        self._subscriptions[user_id] += 1
        return self._listener is not None

    def unsubscribe(self, user_id: str) -> None:
        """Undo one subscription."""
        self._subscriptions[user_id] -= 1
        if self._subscriptions[user_id] <= 0:
            del self._subscriptions[user_id]

    def announce(self, user_id: str, news: News) -> None:
        """Say news to the others."""
        if self._listener is not None:
            self._bus.publish(self._node, user_id, news)

    async def tell(self, node: str, order: Order) -> bool:
        """Give another node an order."""
        other = self._bus.nodes.get(node)
        if other is None or self._listener is None:
            return False
        other.deliver(lambda listener: listener.obey(order))
        return True

    async def ask(self, user_id: str, question: Question, *, enough: int = 1) -> int:  # noqa: ARG002 - all answer at once
        """Ask the others."""
        asked = [other for other in self._bus.nodes.values() if other is not self and other.is_subscribed(user_id)]
        return sum(other.answer(user_id, question) for other in asked)

    def is_subscribed(self, user_id: str) -> bool:
        """Whether the news of this user are wanted here."""
        return user_id in self._subscriptions

    def deliver(self, say: Callable[[Listener], None]) -> None:
        """Call the listener in a later turn, as another process would."""
        asyncio.get_running_loop().call_soon(self._call, say)

    def answer(self, user_id: str, question: Question) -> int:
        """What the listener answers; one that fails says no."""
        try:
            return 0 if self._listener is None else self._listener.answer(user_id, question)
        except Exception:
            log.exception("answering a question failed")
            return 0

    def _call(self, say: Callable[[Listener], None]) -> None:
        if self._listener is not None:
            try:
                say(self._listener)
            except Exception:
                log.exception("taking a word from another node failed; the next one is taken all the same")
