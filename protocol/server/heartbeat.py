"""The pings of one connection: when the next is due, and by when its answer must be there (guarantee 29).

Pings that the flow window asks for count as well: whoever answers one lives.
"""

from protocol.flow import FlowWindow
from protocol.limits import Limits


class Heartbeat:
    """Pings in turn, of which only the last one's answer counts.

    Args:
        limits: the interval, and how long an answer may take.
        window: is told of pings and of their answers.
        now: when the socket was accepted, in monotonic seconds, as every time here.
        phase: 0..1, random: where in its interval the first ping falls, so that a thousand sockets which arrived
            together do not ping together; infinite where no ping can be sent.
    """

    __slots__ = ("_count", "_interval", "_patience", "ping_at", "window")

    def __init__(self, limits: Limits, window: FlowWindow, now: float, phase: float) -> None:
        self.window = window
        self.ping_at = now + phase * limits.heartbeat_interval_ms / 1000
        self._interval = limits.heartbeat_interval_ms / 1000
        self._patience = limits.heartbeat_timeout_ms / 1000
        self._count = 0

    def ping(self, now: float) -> str:
        """Note that a ping leaves now; return its id."""
        self._count += 1
        self.window.pinged(now)
        self.ping_at = now + self._interval
        return self._id

    def ponged(self, ping_id: str, now: float) -> None:
        """Take the answer to a ping; that of another than the one under way says nothing."""
        if self.window.awaits_pong and ping_id == self._id:
            self.window.ponged(now)

    def is_due(self, now: float) -> bool:
        """Whether a ping must leave now."""
        return not self.window.awaits_pong and now >= self.ping_at

    def is_missed(self, now: float) -> bool:
        """Whether an answer should have been there by now."""
        return self.window.awaits_pong and now >= self.deadline()

    def deadline(self) -> float:
        """When the next ping is due, or the answer to the one under way."""
        pinged_at = self.window.pinged_at
        return self.ping_at if pinged_at is None else pinged_at + self._patience

    @property
    def _id(self) -> str:
        return f"p{self._count}"
