"""API tokens: a name, a secret that is shown once, and an end if one is set. A program uses them like a session."""

from app.auth.credentials import name_of
from app.auth.tokens import API_PREFIX, hash_of
from app.clock import Clock
from app.ids import Mint
from app.realtime.signed_in import SignedIn
from app.store import sessions
from app.store.engine import Database
from app.store.sessions import NEVER, Session, SignIn
from protocol.errors import Refusal

MOST_TOKENS = 50


class ApiTokens:
    """Makes, lists and ends API tokens.

    Args:
        database: where they are kept, as hashes.
        signed_in: closes the sockets of a token that ends.
        mint: makes ids and secrets.
        clock: stamps.
    """

    def __init__(self, database: Database, signed_in: SignedIn, mint: Mint, clock: Clock) -> None:
        self._database = database
        self._signed_in = signed_in
        self._mint = mint
        self._clock = clock

    async def create(self, session: Session, name: str, expires_at: int | None) -> tuple[SignIn, str]:
        """Make a token; return it and its secret, which nobody can read again.

        Args:
            expires_at: Unix milliseconds; None: it is good until it is ended.

        Raises:
            Refusal: `invalid_argument`; `permission_denied` to guests; `quota_exceeded`.
        """
        if session.user_kind == "guest":
            raise Refusal("permission_denied", "API tokens need an account; register first.")
        shown, now = name_of(name), self._clock.now_ms()
        if shown is None:
            raise Refusal("invalid_argument", "Give the token a name that tells what it is for.", param="$.name")
        if expires_at is not None and not now < expires_at < NEVER:
            raise Refusal("invalid_argument", "The token would have expired already.", param="$.expiresAt")
        if len(await self.all(session)) >= MOST_TOKENS:
            raise Refusal("quota_exceeded", f"An account has at most {MOST_TOKENS} tokens. Delete one first.")
        token_id, secret = self._mint("tok"), self._mint.secret(API_PREFIX)
        await sessions.create(
            self._database,
            token_id,
            session.user_id,
            token_hash=hash_of(secret),
            now=now,
            expires_at=expires_at,
            kind="token",
            name=shown,
        )
        return SignIn(token_id, shown, None, now, None, expires_at), secret

    async def all(self, session: Session) -> list[SignIn]:
        """List the user's tokens, newest first."""
        return await sessions.of_user(self._database, session.user_id, kind="token", now=self._clock.now_ms())

    async def end(self, session: Session, token_id: str) -> None:
        """End a token.

        Raises:
            Refusal: `not_found`, also when it is somebody else's (guarantee 32).
        """
        ended = await sessions.revoke(
            self._database, session.user_id, now=self._clock.now_ms(), session_id=token_id, kind="token"
        )
        if not ended:
            raise Refusal("not_found", "There is no such token.")
        self._signed_in.end(session.user_id, ended)
