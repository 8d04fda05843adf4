"""Leaving for good: a user goes with everything they have."""

import asyncio

from app.realtime.signed_in import SignedIn
from app.store.outbox import Outbox
from app.streams import leaving
from app.streams.owners import Owners
from app.streams.registry import Registry
from protocol.errors import Refusal

# A stopped answer ends within 3 s (guarantee 16), one whose node died within 10 (guarantee 18).
PATIENCE = 15.0
# Another node obeys within a second of what is written down.
LOOK_AGAIN = 0.2


class Leaving:
    """Deletes users.

    Args:
        outbox: where they are deleted.
        owners: stop what runs for them.
        registry: serves their streams until they are gone.
        signed_in: closes their sockets.
    """

    def __init__(self, outbox: Outbox, owners: Owners, registry: Registry, signed_in: SignedIn) -> None:
        self._outbox = outbox
        self._owners = owners
        self._registry = registry
        self._signed_in = signed_in

    async def leave(self, user_id: str) -> None:
        """End a user's answers, delete everything they have, and close their sockets.

        Raises:
            Refusal: `timeout`, when an answer cannot be ended now; the user is still there then.
        """
        try:
            async with asyncio.timeout(PATIENCE) as patience:
                while (step := await leaving.step(self._outbox, user_id)) is not None:
                    for row in step.withdrawn:
                        self._registry.withdraw(row, now=step.now)
                    if not step.running:
                        patience.reschedule(asyncio.get_running_loop().time() + PATIENCE)
                    elif not all([await self._owners.end(row) for row in step.running]):
                        await asyncio.sleep(LOOK_AGAIN)
        except TimeoutError:
            raise Refusal("timeout", "Your answers cannot be ended just now. Try again.") from None
        self._registry.forget_user(user_id)
        self._signed_in.end(user_id)
