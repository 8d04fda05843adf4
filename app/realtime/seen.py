"""When each session was last in use, for its owner's eyes; coarse, so that nothing waits for a write.

Whoever checks a session notes it by a plain call, and every socket that is open counts as use. A round writes all of
it down in few statements.
"""

from app.clock import Clock
from app.realtime.signed_in import SignedIn
from app.store import sessions
from app.store.queries import Queries, batches
from app.store.sessions import Session

WRITE_EVERY = 60.0
_AT_ONCE = 500


class Seen:
    """Remembers which sessions were in use since the last round.

    Args:
        database: where that is written.
        signed_in: knows whose sockets are open.
        clock: stamps.
    """

    def __init__(self, database: Queries, signed_in: SignedIn, clock: Clock) -> None:
        self._database = database
        self._signed_in = signed_in
        self._clock = clock
        self._noted: set[str] = set()

    def note(self, session: Session) -> None:
        """Note a session in use."""
        if session.session_id is not None:
            self._noted.add(session.session_id)

    async def write(self) -> None:
        """Write down who was here; what cannot be written now is written next time."""
        here = sorted(self._noted | self._signed_in.sessions())
        for batch in batches(here, _AT_ONCE):
            await sessions.note_seen(self._database, batch, now=self._clock.now_ms())
            self._noted.difference_update(batch)
