"""The sockets of this node by what they are signed in with, so that whoever is signed out loses them (guarantee 33).

Whoever ends a session here says so by a plain call, and its sockets are closed at once. Other nodes and the command
line only write rows; a round reads each second what ended within the last minute, so that neither a slow commit nor a
socket that was being greeted meanwhile is missed. Reading the same line again does nothing.
"""

from collections.abc import Collection
from typing import Protocol

from app.store import sessions
from app.store.queries import Queries
from app.store.sessions import Session
from protocol.errors import Violation

LOOK_EVERY = 1.0
# Longer than a hello or a commit takes.
LOOK_BACK_MS = 60_000


class Socket(Protocol):
    """A live connection of a user."""

    def refuse(self, violation: Violation) -> None:
        """End it with an error."""


class SignedIn:
    """Knows which session each socket of a user lives on.

    Args:
        database: where ended sessions are read.
    """

    def __init__(self, database: Queries) -> None:
        self._database = database
        self._sockets: dict[str, dict[Socket, str | None]] = {}  # by user; the id of the session, if it has one

    def enter(self, session: Session, socket: Socket) -> None:
        """Note what a socket is signed in with; once more when that changes."""
        self._sockets.setdefault(session.user_id, {})[socket] = session.session_id

    def leave(self, user_id: str, socket: Socket) -> None:
        """Forget a socket that is gone."""
        mine = self._sockets.get(user_id, {})
        mine.pop(socket, None)
        if not mine:
            self._sockets.pop(user_id, None)

    def end(self, user_id: str, session_ids: Collection[str] | None = None, *, code: str = "session_revoked") -> None:
        """Close the sockets of sessions that have ended.

        Args:
            session_ids: None: of every session of the user, and of those that an identity provider vouches for.
            code: why.
        """
        for socket, session_id in list(self._sockets.get(user_id, {}).items()):
            if session_ids is None or session_id in session_ids:
                socket.refuse(Violation(code))

    def sessions(self) -> set[str]:
        """The sessions that have a socket here."""
        return {session_id for mine in self._sockets.values() for session_id in mine.values() if session_id is not None}

    async def check(self) -> None:
        """Close the sockets of whoever was signed out elsewhere."""
        if not self._sockets:
            return
        for ended in await sessions.ended_lately(self._database, within_ms=LOOK_BACK_MS):
            self.end(ended.user_id, None if ended.session_id is None else [ended.session_id], code=ended.code)
