"""Bearer secrets: what they look like, how they are kept, and where a request carries them."""

import hashlib
from collections.abc import Iterable

from protocol.ids import TICKET

COOKIE = "tidewire_session"
SESSION_PREFIX = "tws"
TICKET_PREFIX = TICKET.removesuffix("_")
API_PREFIX = "twk"
INVITE_PREFIX = "twi"


def hash_of(secret: str) -> str:
    """Hash a secret for storage. It has 256 random bits, so a plain fast hash cannot be searched."""
    return hashlib.sha256(secret.encode()).hexdigest()


def bearer_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Find the token of an `Authorization: Bearer` header."""
    for name, value in headers:
        if name.lower() == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() == "bearer" and token.strip():
                return token.strip()
    return None


def cookie_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Find the session cookie, whatever other programs on the same host have put beside it.

    (`http.cookies` gives up on the whole header when one cookie of it holds, say, JSON.)
    """
    for name, value in headers:
        if name.lower() != b"cookie":
            continue
        for pair in value.decode("latin-1").split(";"):
            key, _, secret = pair.partition("=")
            if key.strip() == COOKIE and secret.strip():
                return secret.strip()
    return None
