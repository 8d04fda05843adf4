"""Where a user is, on all nodes: asked when it matters, and stored nowhere, so that no count outlives a dead node.

Who looks at what is asked when an answer ends, so that one nobody watched is marked as unseen (guarantee 26); how many
sockets there are when one more says hello.
"""

from app.backplane.broker import Broker
from app.backplane.news import HowMany, IsVisible
from app.realtime.hub import Hub

# Up to this share of what a user may have, a node lets them in unasked: hardly anybody has more, and when a node has
# died its neighbours have better things to do. So there can be a quarter more for each further node, and no more.
UNASKED = 4


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
        return self._hub.is_watched(user_id, chat_id) or bool(await self._broker.ask(user_id, IsVisible(chat_id)))

    async def has_room(self, user_id: str, most: int) -> bool:
        """Whether a user has no more sockets than that on all nodes, one that has just joined here included.

        Those of nodes that drain or do not answer are left out.
        """
        here = self._hub.sockets_of(user_id)
        if here > most or here <= most // UNASKED:
            return here <= most
        return here + await self._broker.ask(user_id, HowMany(), enough=most - here + 1) <= most
