"""Which channels are wanted, which were asked for, and which are heard; plain tables, no connection is touched here.

A channel that is wanted, unwanted and wanted again in a moment is subscribed, unsubscribed and subscribed; the server
confirms all three in this order. It is heard from the *last* confirmation on: between the second and the third, words
are lost.
"""

from collections import Counter
from collections.abc import Iterable


class Channels:
    """The channels of one connection, and of those that follow it."""

    def __init__(self) -> None:
        self.wanted: set[bytes] = set()
        self._asked: set[bytes] = set()
        self._unconfirmed: Counter[bytes] = Counter()

    def __repr__(self) -> str:
        return f"<Channels wanted={len(self.wanted)} heard={sum(map(self.is_heard, self.wanted))}>"

    @property
    def are_heard(self) -> bool:
        """Whether everything that is wanted is heard."""
        return not self._unconfirmed and self.wanted == self._asked

    def is_heard(self, channel: bytes) -> bool:
        """Whether words on this channel reach us from now on."""
        return channel in self.wanted and channel in self._asked and not self._unconfirmed[channel]

    def due(self) -> tuple[list[bytes], list[bytes]]:
        """What must be subscribed and unsubscribed now; it counts as asked for."""
        more, less = self.wanted - self._asked, self._asked - self.wanted
        self._asked = set(self.wanted)
        self._unconfirmed.update(more)
        return sorted(more), sorted(less)

    def confirm(self, channel: bytes) -> bool:
        """The server has subscribed us once; say whether the channel is heard now."""
        self._unconfirmed[channel] -= 1
        if self._unconfirmed[channel] <= 0:
            del self._unconfirmed[channel]
        return self.is_heard(channel)

    def is_lost(self, channel: bytes) -> bool:
        """The server has unsubscribed us; say whether we did not ask for that."""
        return channel in self._asked and not self._unconfirmed[channel]

    def reset(self) -> None:
        """The connection is gone, and with it everything that was asked for."""
        self._asked.clear()
        self._unconfirmed.clear()


def batches(channels: Iterable[bytes], size: int = 500) -> list[list[bytes]]:
    """Channels in lists that are not too long for one command."""
    every = list(channels)
    return [every[start : start + size] for start in range(0, len(every), size)]
