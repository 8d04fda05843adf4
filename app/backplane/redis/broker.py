"""The broker over Redis: publish and subscribe, a channel for each user and each node."""

import asyncio
import logging
from collections import Counter
from typing import Any

from app.backplane.broker import BrokerStatistics, Listener
from app.backplane.news import Announced, Answered, Asked, News, Order, Probe, Question
from app.backplane.redis.partition import Partition
from app.backplane.redis.questions import Questions
from app.backplane.redis.servers import Servers, ServerUnavailable
from app.backplane.redis.words import decode, encode, is_from, sender_of
from app.tasks import Crew

log = logging.getLogger("tidewire.broker")

ANSWER_WITHIN = 0.25
OPEN_WITHIN = 2.0


class RedisBroker:
    """A `Broker` for all nodes that share the servers.

    Args:
        servers: where it speaks.
        node: the name of this node, which no other has.
    """

    def __init__(self, servers: Servers, node: str) -> None:
        self._servers = servers
        self._names = servers.names
        self._node = node
        self._sender = sender_of(node)
        self._listener: Listener | None = None
        self._subscribers: Counter[str] = Counter()
        self._questions = Questions()
        self._gaps = 0
        self._crew = Crew("broker")
        self._partitions = [
            Partition(servers, number, node, self._take, self._miss) for number in range(servers.partitions)
        ]

    def __repr__(self) -> str:
        return f"<RedisBroker {self._node} users={len(self._subscribers)} {self.statistics()}>"

    def statistics(self) -> BrokerStatistics:
        """How it is, and what it has gone through."""
        every = self._partitions
        heard = sum(partition.subscription.is_up for partition in every)
        return BrokerStatistics(
            heard=heard,
            silent=len(every) - heard,
            reconnects=sum(max(0, partition.subscription.connections - 1) for partition in every),
            gaps=self._gaps,
            lost=sum(partition.postbox.lost for partition in every),
            missed=sum(partition.prober.missed for partition in every),
            wipes=sum(partition.prober.wipes for partition in every),
            failures=self._servers.failures,
        )

    async def open(self, listener: Listener) -> None:
        """Begin to hear, in every partition."""
        self._listener = listener
        self._servers.open()
        for partition in self._partitions:
            partition.start(self._crew)
        try:
            async with asyncio.timeout(OPEN_WITHIN):
                for partition in self._partitions:
                    await partition.heard.wait()
        except TimeoutError:
            log.error("Redis is not heard yet; this node goes on without news from others until it is")

    async def close(self) -> None:
        """Hear and say nothing any more."""
        if self._listener is not None:
            self._listener = None
            await self._crew.close()
            await asyncio.gather(*(partition.postbox.send() for partition in self._partitions))  # the last words
            await self._servers.close()

    def hears(self, user_id: str) -> bool:
        """Whether news of a user reach this node now."""
        return self._of(user_id).subscription.is_heard(self._names.user(user_id))

    async def subscribe(self, user_id: str) -> bool:
        """Hear the news of a user."""
        self._subscribers[user_id] += 1
        subscription, channel = self._of(user_id).subscription, self._names.user(user_id)
        subscription.want(channel)
        try:
            return await subscription.heard(channel)
        except asyncio.CancelledError:
            self.unsubscribe(user_id)
            raise

    def unsubscribe(self, user_id: str) -> None:
        """Undo one subscription."""
        self._subscribers[user_id] -= 1
        if self._subscribers[user_id] <= 0:
            del self._subscribers[user_id]
            self._of(user_id).subscription.unwant(self._names.user(user_id))

    def announce(self, user_id: str, news: News) -> None:
        """Say news to the others, soon."""
        if self._listener is None:
            return
        name = ("announced", user_id) if isinstance(news, Announced) else None
        self._of(user_id).postbox.put(self._names.user(user_id), encode(self._sender, news), instead_of=name)

    async def tell(self, node: str, order: Order) -> bool:
        """Give another node an order, now; not twice, since nobody knows whether the first was heard."""
        partition = self._names.partition(node)
        message = encode(self._sender, order)
        try:
            return bool(await self._publish(partition, self._names.node(partition, node), message))
        except ServerUnavailable as problem:
            log.warning("%s cannot be told: %s", node, problem)
            return False

    async def ask(self, user_id: str, question: Question, *, enough: int = 1) -> int:
        """Ask the others; whoever hears the question counts as somebody who will answer."""
        partition, channel = self._of(user_id), self._names.user(user_id)
        with self._questions.ask(enough) as asked:
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    message = encode(self._sender, Asked(asked.number, question))
                    heard = await self._publish(partition.number, channel, message)
                    return await asked.outcome(heard - partition.subscription.is_heard(channel))
            except (TimeoutError, ServerUnavailable):
                return asked.total

    def _of(self, user_id: str) -> Partition:
        return self._partitions[self._names.partition(user_id)]

    async def _publish(self, partition: int, channel: bytes, message: bytes) -> int:
        """Publish now; return how many nodes hear it."""
        heard: int = await self._servers.command(partition, self._servers.publish, channel, message)
        return heard

    def _take(self, partition: Partition, channel: bytes, message: bytes) -> None:
        """Take a message in; whatever is wrong with it, the next one follows."""
        user_id = self._names.user_of(partition.number, channel)
        if user_id is not None and is_from(self._sender, message):
            return
        try:
            sender, word = decode(message)
        except ValueError as problem:
            log.info("a message from another node is not understood; is it of another version? %s", problem)
            return
        try:
            if user_id is not None:
                self._take_from_user(partition, user_id, sender, word)
            else:
                self._take_own(partition, word)
        except Exception:
            log.exception("taking a word from another node failed; the next one is taken all the same")

    def _take_from_user(self, partition: Partition, user_id: str, sender: str, word: Any) -> None:
        """A word on the channel of a user."""
        listener = self._listener
        if listener is None:
            return
        if isinstance(word, Asked):
            answer = Answered(word.number, listener.answer(user_id, word.question))
            partition.postbox.put(self._names.node(partition.number, sender), encode(self._sender, answer))
        elif isinstance(word, News):
            listener.hear(user_id, word)

    def _take_own(self, partition: Partition, word: Any) -> None:
        """A word on the channel of this node."""
        if isinstance(word, Probe):
            partition.prober.take(word)
        elif isinstance(word, Answered):
            self._questions.take(word)
        elif isinstance(word, Order) and self._listener is not None:
            self._listener.obey(word)

    def _miss(self, partition: Partition, channel: bytes | None, wiped: bool) -> None:
        """Tell of a gap: of one channel, or of everybody in a partition."""
        if self._listener is None:
            return
        self._gaps += 1
        number = partition.number
        only = None if channel is None else self._names.user_of(number, channel)
        try:
            if only is None:
                self._listener.miss(lambda user_id: self._names.partition(user_id) == number, wiped=wiped)
            else:
                self._listener.miss(lambda user_id: user_id == only, wiped=wiped)
        except Exception:
            log.exception("repairing a gap failed")
