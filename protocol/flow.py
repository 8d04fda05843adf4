"""Flow control by pings: how much data may be under way to a client (guarantee 27).

A socket accepts megabytes for a client that stopped reading, so a blocked write says "slow" far too late. A `ping`
travels behind the data that was sent before it; its `pong` proves that all of it was read. So bytes count as under
way from their sending until the pong of a ping sent after them, and no more than a window of them may be. The window
grows while pongs are quick and shrinks while they are slow.

A new ping is sent only once a quarter of the window has gone out since the last, which keeps pings below one for
every few kilobytes: at most `window` bytes plus one frame ever stand between a ping and its pong.
"""

from protocol.limits import FlowLimits


class FlowWindow:
    """The window of one connection; time is in monotonic seconds.

    Args:
        limits: start, least and most window in bytes.
        granted: the largest window the client asked for (`hello.flow`), in bytes; None leaves it to the server.
    """

    __slots__ = ("_confirmed", "_limits", "_mark", "_most", "_pinged_at", "_sent", "size")

    def __init__(self, limits: FlowLimits, granted: int | None = None) -> None:
        self._limits = limits
        self._most = max(limits.least, min(limits.most, granted or limits.most))
        self.size = min(limits.start, self._most)
        self._sent = 0
        self._confirmed = 0
        self._mark: int | None = None  # what had been sent when the last ping left
        self._pinged_at: float | None = None  # when the ping that is still unanswered left

    @property
    def room(self) -> int:
        """How many bytes may be sent now."""
        return max(0, self.size - (self._sent - self._confirmed))

    @property
    def awaits_pong(self) -> bool:
        """Whether a ping is still unanswered; there is never more than one."""
        return self._pinged_at is not None

    @property
    def pinged_at(self) -> float | None:
        """When the unanswered ping left."""
        return self._pinged_at

    @property
    def wants_ping(self) -> bool:
        """Whether a ping must go before the next data frame."""
        if self._pinged_at is not None:
            return False
        return self._mark is None or self._sent - self._mark >= self.size // 4

    def pinged(self, now: float) -> None:
        """Note that a ping leaves now."""
        self._mark = self._sent
        self._pinged_at = now

    def sent(self, size: int) -> None:
        """Note that a data frame of this many bytes left."""
        self._sent += size

    def ponged(self, now: float) -> None:
        """Note that the unanswered ping came back: what was sent before it has been read."""
        if self._pinged_at is None or self._mark is None:
            return
        took = now - self._pinged_at
        self._confirmed = self._mark
        self._pinged_at = None
        if took < self._limits.fast_pong:
            self.size = min(self._most, self.size * 2)
        elif took > self._limits.slow_pong:
            self.size = max(self._limits.least, self.size // 2)
