"""What a client says of its screen.

Whether a person sees a chat on a connection decides whether its answer counts as unseen (guarantee 26); whoever has
said nothing shows nothing.
"""

from protocol.frames.client import PresenceUpdate


class Presence:
    """The presence of one connection."""

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: PresenceUpdate | None = None

    def update(self, frame: PresenceUpdate) -> None:
        """Take what the client says now."""
        self._said = frame

    def shows(self, chat_id: str) -> bool:
        """Whether the client has said that somebody looks at this chat."""
        return self._said is not None and (self._said.visibility, self._said.chat_id) == ("visible", chat_id)
