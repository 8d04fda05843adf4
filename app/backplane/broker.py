"""What a broker promises: the news between nodes.

The database and the journal have the facts, and a broker brings word of them. Words may be lost, doubled or overtaken;
the broker must say so when it knows (`Listener.miss`), and whoever follows something must find out by numbers when it
does not. One suite, `tests/contract/broker.py`, holds every adapter to what is said here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app.backplane.news import News, Order, Question

Concerns = Callable[[str], bool]
"""Tells whether a user is concerned."""


class Listener(Protocol):
    """What a node does with what other nodes say.

    All four are plain functions that return at once. One that fails is logged; the next word is delivered all the same.
    """

    def hear(self, user_id: str, news: News) -> None:
        """Take news about a user to whom this node is subscribed; its own news never come back to it."""

    def obey(self, order: Order) -> None:
        """Do what another node asks of the owner. It may have been told twice, or too late."""

    def answer(self, user_id: str, question: Question) -> int:
        """Answer for this node, from memory, yes or no or a number: another node waits."""

    def miss(self, concerns: Concerns, *, wiped: bool) -> None:
        """Repair: from here on news are heard again, but some may have been lost before.

        Called after every interruption, and when the broker begins to hear.

        Args:
            concerns: whose news may be missing; compare heads, and read from the journal what was followed. Whoever
                owns streams of theirs looks whether the journal still has all of them: a server that took over may lack
                the last moment of the one before.
            wiped: the journal of these users was lost as well: whoever owns streams of theirs sends them again.
        """


@dataclass(frozen=True, slots=True)
class BrokerStatistics:
    """How a broker is, and what it has gone through since it began.

    Attributes:
        heard, silent: parts of the backplane that are heard now, and those that are not.
        reconnects: times it had to connect anew to hear.
        gaps: times it told of words that may have been lost.
        lost: words that could not be sent.
        missed: probes that were taken and did not come back.
        wipes: times a part of the backplane had lost what it had.
        failures: calls that failed, those of the journal included, by reason: `timeout` or `error`.
    """

    heard: int = 0
    silent: int = 0
    reconnects: int = 0
    gaps: int = 0
    lost: int = 0
    missed: int = 0
    wipes: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)


class Broker(Protocol):
    """Carries words between the nodes that share a backplane.

    Nothing here fails because the medium is away: then nobody is heard, and `Listener.miss` follows when it is back.
    """

    def statistics(self) -> BrokerStatistics:
        """How it is, and what it has gone through."""

    async def open(self, listener: Listener) -> None:
        """Begin to hear; within two seconds, whether or not that was possible."""

    async def close(self) -> None:
        """Hear and say nothing any more; a second call does nothing."""

    async def subscribe(self, user_id: str) -> bool:
        """Hear the news of a user; subscriptions are counted.

        Returns:
            Whether everything said from now on is heard. Otherwise the subscription is made as soon as possible, and
            `Listener.miss` says when. Comes within a second; one that is cancelled was never made. To follow something
            without a gap, subscribe first, then read where it stands.
        """

    def unsubscribe(self, user_id: str) -> None:
        """Undo one subscription; with the last one the news of this user are heard no more."""

    def announce(self, user_id: str, news: News) -> None:
        """Say news about a user to every other node where that user is present. Fire and forget, in order.

        Of several `Announced` that wait to be sent only the last one is.
        """

    async def tell(self, node: str, order: Order) -> bool:
        """Give another node an order, once; say whether it was there to hear. Comes within two seconds."""

    async def ask(self, user_id: str, question: Question, *, enough: int = 1) -> int:
        """Ask every other node where this user is present; return the sum of what they answer, a yes counting one.

        It comes as soon as it is enough or all have answered, and within 250 ms with what was answered until then: a
        node may be dead or slow.
        """
