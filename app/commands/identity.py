"""Who somebody is: guests, sessions, and the tickets of a session."""

from dataclasses import dataclass
from typing import Literal

from app.auth.tokens import SESSION_PREFIX, TICKET_PREFIX, hash_of
from app.clock import Clock
from app.ids import Mint
from app.store import users
from app.store.engine import Database
from app.store.users import Session
from protocol.errors import Refusal

TICKET_MS = 60_000
DAY_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Granted:
    """A new session: its token is shown once and never stored."""

    user_id: str
    token: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Proof:
    """How somebody proves who they are."""

    token: str
    method: Literal["cookie", "bearer", "ticket"]


class Identity:
    """Makes and checks sessions.

    Args:
        database: where they are kept, as hashes.
        mint: makes ids and secrets.
        clock: stamps.
        session_days: how long a session lasts.
    """

    def __init__(self, database: Database, mint: Mint, clock: Clock, *, session_days: int) -> None:
        self._database = database
        self._mint = mint
        self._clock = clock
        self._session_ms = session_days * DAY_MS

    async def guest(self) -> Granted:
        """Make a user without an account, and a session for it."""
        now, token = self._clock.now_ms(), self._mint.secret(SESSION_PREFIX)
        user_id, session_id = self._mint("usr"), self._mint("ses")
        granted = Granted(user_id, token, now + self._session_ms)
        async with self._database.transaction() as tx:
            await users.create_user(tx, user_id, kind="guest", epoch=self._mint("ep"), now=now)
            await users.create_session(
                tx, session_id, user_id, token_hash=hash_of(token), now=now, expires_at=granted.expires_at
            )
        return granted

    async def ticket(self, session: Session) -> tuple[str, int]:
        """Make a ticket that stands for a session, once; return it and when it expires, in Unix milliseconds."""
        secret, expires_at = self._mint.secret(TICKET_PREFIX), self._clock.now_ms() + TICKET_MS
        await users.create_ticket(self._database, hash_of(secret), session.session_id, expires_at=expires_at)
        return secret, expires_at

    async def session(self, proof: Proof | None) -> Session:
        """Find the session that somebody proves to have.

        Raises:
            Refusal: `unauthenticated`, `token_expired`, `session_revoked` or `account_disabled`.
        """
        if proof is None:
            raise Refusal("unauthenticated")
        found = await self._find(proof)
        if found is None:
            raise Refusal("unauthenticated", "This sign-in is not known. Sign in again.")
        if found.revoked:
            raise Refusal("session_revoked")
        if found.disabled:
            raise Refusal("account_disabled")
        if found.expires_at <= self._clock.now_ms():
            raise Refusal("token_expired")
        return found

    async def _find(self, proof: Proof) -> Session | None:
        # A ticket is good for a frame only: as a bearer token of `/v1/auth/ticket` it could renew itself for ever.
        if proof.method == "ticket":
            return await users.redeem_ticket(self._database, hash_of(proof.token), now=self._clock.now_ms())
        return await users.session_by_token(self._database, hash_of(proof.token))
