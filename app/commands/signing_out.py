"""Ending sessions: one's own, or others of the same user."""

from app.clock import Clock
from app.realtime.signed_in import SignedIn
from app.store import sessions
from app.store.engine import Database
from app.store.sessions import Session
from protocol.errors import Refusal


class SigningOut:
    """Ends sessions, in the store and on this node's sockets.

    Args:
        database: where sessions are kept.
        signed_in: closes the sockets of an ended session.
        clock: stamps.
    """

    def __init__(self, database: Database, signed_in: SignedIn, clock: Clock) -> None:
        self._database = database
        self._signed_in = signed_in
        self._clock = clock

    async def logout(self, session: Session) -> None:
        """End a session.

        Raises:
            Refusal: `permission_denied`, when an identity provider vouches for it.
        """
        if session.session_id is None:
            raise Refusal("permission_denied", "This token is good until it expires; sign out where it comes from.")
        ended = await sessions.revoke(
            self._database, session.user_id, now=self._clock.now_ms(), session_id=session.session_id
        )
        self._signed_in.end(session.user_id, ended)
