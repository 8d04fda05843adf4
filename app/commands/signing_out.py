"""Where one is signed in, and ending that: here, there, or everywhere else."""

from app.clock import Clock
from app.realtime.signed_in import SignedIn
from app.store import sessions
from app.store.engine import Database
from app.store.sessions import Session, SignIn
from protocol.errors import Refusal


class SigningOut:
    """Lists and ends sessions, in the store and on this node's sockets.

    Args:
        database: where sessions are kept.
        signed_in: closes the sockets of an ended session.
        clock: stamps.
    """

    def __init__(self, database: Database, signed_in: SignedIn, clock: Clock) -> None:
        self._database = database
        self._signed_in = signed_in
        self._clock = clock

    async def devices(self, session: Session) -> list[SignIn]:
        """List where the user is signed in."""
        return await sessions.of_user(self._database, session.user_id, kind="login", now=self._clock.now_ms())

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

    async def end(self, session: Session, session_id: str) -> None:
        """End one of the user's sessions.

        Raises:
            Refusal: `not_found`, also when it is somebody else's (guarantee 32).
        """
        ended = await sessions.revoke(
            self._database, session.user_id, now=self._clock.now_ms(), session_id=session_id, kind="login"
        )
        if not ended:
            raise Refusal("not_found", "There is no such sign-in.")
        self._signed_in.end(session.user_id, ended)

    async def end_others(self, session: Session) -> int:
        """End every sign-in of the user but this one; return how many."""
        ended = await sessions.revoke(
            self._database, session.user_id, now=self._clock.now_ms(), except_for=session.session_id, kind="login"
        )
        self._signed_in.end(session.user_id, ended)
        return len(ended)
