"""The identity provider of a server: its keys, read again when they change, and the users it vouches for."""

import asyncio
import logging
from http.client import HTTPException

from app.auth.claims import Claims
from app.auth.jwts import Jwk, claims_of, key_id_of, read_keys
from app.auth.keys import Source
from app.clock import Clock
from protocol.errors import Refusal

log = logging.getLogger("tidewire.auth")

# Keys are read again so often, so that one that was taken back is good no longer than this.
READ_EVERY = 3_600.0
# A token may name a key that was published a moment ago, or one that never was: at most one look so often, in seconds.
LOOK_AGAIN = 30.0


class Provider:
    """Tells who a token of the provider is of.

    Args:
        issuer: the provider, exactly as it calls itself.
        audience: this server, as the provider calls it.
        source: reads its keys, and may block.
        clock: says whether a token is good now.
    """

    def __init__(self, issuer: str, audience: str, source: Source, clock: Clock) -> None:
        self._issuer = issuer
        self._audience = audience
        self._source = source
        self._clock = clock
        self._keys: list[Jwk] | None = None
        self._looked_at: float | None = None
        self._reading = asyncio.Lock()

    async def claims(self, token: str) -> Claims:
        """Check a token.

        Raises:
            Refusal: `unauthenticated`, `token_expired`; or `unavailable`, when the keys cannot be read.
        """
        key = await self._find(key_id_of(token))
        return claims_of(token, key, issuer=self._issuer, audience=self._audience, now=self._clock.unix())

    async def read(self) -> None:
        """Read the keys; those known until now stay when that fails."""
        async with self._reading:
            await self._read()

    async def _find(self, key_id: str | None) -> Jwk:
        """Find a key by its id; without one there must be only one key to choose from."""
        found = self._choose(key_id)
        if found is None:
            async with self._reading:
                # Whoever waited here finds what the one before has read.
                if (found := self._choose(key_id)) is None and self._may_look():
                    await self._read()
                    found = self._choose(key_id)
        if self._keys is None:
            raise Refusal("unavailable", "The keys of the identity provider cannot be read just now. Try again.")
        if found is None:
            raise Refusal(
                "unauthenticated", "This token is signed with a key that the identity provider does not have."
            )
        return found

    def _choose(self, key_id: str | None) -> Jwk | None:
        keys = self._keys or []
        fitting = keys if key_id is None else [key for key in keys if key.get("kid") == key_id]
        return fitting[0] if len(fitting) == 1 else None

    def _may_look(self) -> bool:
        return self._looked_at is None or self._clock.monotonic() - self._looked_at >= LOOK_AGAIN

    async def _read(self) -> None:
        self._looked_at = self._clock.monotonic()
        try:
            self._keys = read_keys(await asyncio.to_thread(self._source))
        except (OSError, HTTPException, ValueError) as problem:
            log.warning("the keys of the identity provider cannot be read: %s", problem)
        else:
            log.info("the identity provider has %d keys", len(self._keys))
