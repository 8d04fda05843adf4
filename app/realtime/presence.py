"""Who looks at what: asked when an answer ends, so that one nobody watched is marked as unseen (guarantee 26)."""

from app.realtime.hub import Hub


class Presences:
    """The presence of every connection of a user, wherever it is.

    Args:
        hub: knows the connections here.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def is_watched(self, user_id: str, chat_id: str) -> bool:
        """Whether a person sees this chat right now.

        A plain no when it cannot be known, and never an error: an answer that was watched and is marked all the same
        costs the tab that shows it one `chat.seen`, one that is not marked is missed.
        """
        return self._hub.is_watched(user_id, chat_id)
