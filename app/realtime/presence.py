"""Who looks at what: asked when an answer ends, so that one nobody watched is marked as unseen (guarantee 26)."""

from app.backplane.broker import Broker
from app.backplane.news import IsVisible
from app.realtime.hub import Hub


class Presences:
    """The presence of every connection of a user, wherever it is.

    Args:
        hub: knows the connections here.
        broker: asks the other nodes; who does not answer within 250 ms counts as not watching.
    """

    def __init__(self, hub: Hub, broker: Broker) -> None:
        self._hub = hub
        self._broker = broker

    async def is_watched(self, user_id: str, chat_id: str) -> bool:
        """Whether a person sees this chat right now.

        A plain no when it cannot be known, and never an error: an answer that was watched and is marked all the same
        costs the tab that shows it one `chat.seen`, one that is not marked is missed.
        """
        return self._hub.is_watched(user_id, chat_id) or await self._broker.ask(user_id, IsVisible(chat_id))
