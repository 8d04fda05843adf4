"""What this node does with what the others say: the one place where words between nodes become calls."""

from collections.abc import Callable, Sequence

from app.backplane.news import (
    Announced,
    Appended,
    AppendedRange,
    Ended,
    IsVisible,
    Labelled,
    News,
    Order,
    Question,
    SettleRequest,
    StopStream,
)
from app.realtime.hub import Hub
from app.store.tool_requests import Request
from app.streams.asking import Asking
from app.streams.registry import Registry
from app.streams.stream import Reader
from app.streams.supervisor import Supervisor
from app.streams.ticker import Ticker


class NodeListener:
    """Takes the words of other nodes (`app.backplane.broker.Listener`). Everything here is a plain function.

    Args:
        hub: hears of committed events, and knows who looks at what.
        registry: has the streams that are followed here.
        supervisor: runs those that others may stop.
        ticker: writes anew what was wiped.
        asking: waits for what people say to others.
    """

    def __init__(self, hub: Hub, registry: Registry, supervisor: Supervisor, ticker: Ticker, asking: Asking) -> None:
        self._hub = hub
        self._registry = registry
        self._following = registry.following
        self._supervisor = supervisor
        self._ticker = ticker
        self._asking = asking

    def hear(self, user_id: str, news: News) -> None:
        """Take news about a user."""
        if isinstance(news, Appended):
            self._take(news.ranges)
        elif isinstance(news, Announced):
            self._hub.announced(user_id, news.offset)
        elif isinstance(news, Ended):
            self._following.told_end(news.stream_id, bytes(news.end))
        elif isinstance(news, Labelled):
            self._following.told_label(news.stream_id, bytes(news.frame))

    def obey(self, order: Order) -> None:
        """Do what another node was asked to do about a stream of this one."""
        if isinstance(order, StopStream):
            self._supervisor.halt(order.stream_id, "stop")
        elif isinstance(order, SettleRequest):
            self._asking.told(Request(order.stream_id, order.kind, order.request_id), order.answer)

    def answer(self, user_id: str, question: Question) -> int:
        """Say whether somebody here looks at a chat, or how many sockets a user has here and is to keep."""
        if isinstance(question, IsVisible):
            return self._hub.is_watched(user_id, question.chat_id)
        # Those of a node that drains are moving: where they go they must not count twice.
        return 0 if self._supervisor.draining else self._hub.sockets_of(user_id)

    def miss(self, concerns: Callable[[str], bool], *, wiped: bool) -> None:
        """Repair what may have been lost, and write anew what was wiped."""
        self._hub.look_again()
        self._following.repair_all(concerns)
        if wiped:
            ours = self._registry.written_here()
            self._ticker.write_anew(stream for stream in ours if concerns(stream.user_id))

    def _take(self, ranges: Sequence[AppendedRange]) -> None:
        """Take what one tick appended, then flush each reader once."""
        readers: dict[Reader, None] = {}
        for part in ranges:
            if part.chunks is None:
                self._following.told_growth(part.stream_id, part.seq)
            else:
                readers |= dict.fromkeys(self._following.told_range(part.stream_id, part.prev, part.chunks))
        for reader in readers:
            reader.flush()
