"""Who somebody is: guests, sessions, and the tickets of a session."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, Protocol

from app.auth.claims import Claims, is_jwt
from app.auth.devices import UNKNOWN
from app.auth.tokens import SESSION_PREFIX, TICKET_PREFIX, hash_of
from app.clock import Clock
from app.ids import Mint
from app.store import sessions, users
from app.store.batching import Batch
from app.store.engine import Database
from app.store.queries import Queries
from app.store.sessions import Session
from protocol.errors import Refusal

TICKET_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


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


class Provider(Protocol):
    """Vouches for users of its own."""

    async def claims(self, token: str) -> Claims:
        """Check a token of the provider; raises `Refusal` when it is no good."""


class Identity:
    """Makes and checks sessions.

    Args:
        database: where they are kept, as hashes.
        mint: makes ids and secrets.
        clock: stamps.
        seen: a plain function that is told of every session in use.
        session_days: how long a session lasts that is not used.
        provider: vouches for users of its own, when there is one.
    """

    def __init__(
        self,
        database: Database,
        mint: Mint,
        clock: Clock,
        seen: Callable[[Session], None],
        *,
        session_days: int,
        provider: Provider | None = None,
    ) -> None:
        self._database = database
        self._mint = mint
        self._clock = clock
        self._seen = seen
        self._session_ms = session_days * DAY_MS
        self._provider = provider
        self._sessions = Batch("sessions", partial(sessions.by_tokens, database))
        self._vouched_for = Batch("vouched users", partial(users.by_subjects, database))

    async def guest(self, device: str = UNKNOWN) -> Granted:
        """Make a user without an account, and a session for it."""
        async with self._database.transaction() as tx:
            return await self.begin(tx, await self.create_guest(tx), device=device)

    async def create_guest(self, q: Queries) -> str:
        """Add a user without an account and return their id."""
        user_id = self._mint("usr")
        await users.create_user(q, user_id, kind="guest", epoch=self._mint("ep"), now=self._clock.now_ms())
        return user_id

    async def begin(self, q: Queries, user_id: str, *, device: str) -> Granted:
        """Begin a session of a user.

        Args:
            device: where, in words.
        """
        now, token = self._clock.now_ms(), self._mint.secret(SESSION_PREFIX)
        granted = Granted(user_id, token, now + self._session_ms)
        await sessions.create(
            q,
            self._mint("ses"),
            user_id,
            token_hash=hash_of(token),
            now=now,
            expires_at=granted.expires_at,
            device=device,
        )
        return granted

    async def ticket(self, session: Session) -> tuple[str, int]:
        """Make a ticket that stands for a session, once; return it and when it expires, in Unix milliseconds."""
        secret, expires_at = self._mint.secret(TICKET_PREFIX), self._clock.now_ms() + TICKET_MS
        await sessions.create_ticket(self._database, hash_of(secret), session, expires_at=expires_at)
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
        if found.expires_at is not None and found.expires_at <= self._clock.now_ms():
            raise Refusal("token_expired")
        self._seen(found)
        return found

    async def prolonged(self, session: Session) -> Session:
        """Give a session that is in use its whole length again, once an hour at most; return it as it is now.

        So nobody who keeps coming back is ever signed out. API tokens end when their owner said.
        """
        expires_at = self._clock.now_ms() + self._session_ms
        if session.session_id is None or session.kind != "login" or session.expires_at is None:
            return session
        if session.expires_at > expires_at - HOUR_MS:
            return session
        await sessions.prolong(self._database, session.session_id, expires_at=expires_at)
        return replace(session, expires_at=expires_at)

    async def _find(self, proof: Proof) -> Session | None:
        # A ticket is good for a frame only: as a bearer token of `/v1/auth/ticket` it could renew itself for ever.
        if proof.method == "ticket":
            return await sessions.redeem_ticket(self._database, hash_of(proof.token), now=self._clock.now_ms())
        if proof.method == "bearer" and self._provider is not None and is_jwt(proof.token):
            return await self._vouched(await self._provider.claims(proof.token))
        return await self._sessions.get(hash_of(proof.token))

    async def _vouched(self, claims: Claims) -> Session:
        """Find the user whom the provider vouches for, who comes into being when they are first seen.

        Nothing is stored of the sign-in itself: it lasts as long as the token.
        """
        user = await self._vouched_for.get((claims.issuer, claims.subject))
        if user is None or (user.email, user.name) != (claims.email, claims.name):
            user = await users.vouch(
                self._database,
                self._mint("usr"),
                issuer=claims.issuer,
                subject=claims.subject,
                email=claims.email,
                name=claims.name,
                epoch=self._mint("ep"),
                now=self._clock.now_ms(),
            )
        return Session(None, user.user_id, user.kind, claims.expires_at, disabled=user.disabled)
