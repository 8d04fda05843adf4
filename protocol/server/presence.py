"""What a client says of its screen, and how seldom a tab that nobody looks at need be told.

Two questions are answered here. Does a person see this chat on this connection? That decides whether its answer counts
as unseen (guarantee 26), and whoever has said nothing shows nothing. May data leave now? A tab that says it is hidden
gets data at most every `TICK`: what comes first after a pause at once, and the rest together, as merged ranges. A
client that has said nothing is not slowed down, because it may have no screen at all.
"""

from protocol.frames.client import PresenceUpdate

# Seconds between two writes of data to a hidden tab. Nobody misses a sound or a title for so long, and at 100 tokens a
# second it makes one frame of 25.
TICK = 0.25

STATUS = "status"
"""The capability of clients that want to hear how answers go while they are hidden, but not the answers."""


class Presence:
    """The presence of one connection; time is in monotonic seconds.

    Attributes:
        is_hidden: the client has said that nobody looks.
        held_until: no data may leave before; None while somebody looks.
    """

    __slots__ = ("_chat_id", "held_until", "is_hidden")

    def __init__(self) -> None:
        self._chat_id: str | None = None  # which chat somebody looks at
        self.is_hidden = False
        self.held_until: float | None = None

    def update(self, frame: PresenceUpdate) -> None:
        """Take what the client says now; one that becomes visible has waited long enough."""
        self.is_hidden = frame.visibility == "hidden"
        self._chat_id = None if self.is_hidden else frame.chat_id
        if not self.is_hidden:
            self.held_until = None

    def shows(self, chat_id: str) -> bool:
        """Whether the client has said that somebody looks at this chat."""
        return chat_id == self._chat_id

    def holds(self, now: float) -> bool:
        """Whether data has to wait."""
        return self.held_until is not None and now < self.held_until

    def sent(self, now: float) -> None:
        """Note that data leaves for a hidden tab now."""
        self.held_until = now + TICK
