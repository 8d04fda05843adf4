"""Names on the wire: what an id may look like, and how a client mints one."""

import re
from typing import Annotated

from msgspec import Meta

# `$` alone also matches before a trailing newline in Python; the look-ahead closes that, and ECMAScript agrees.
ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$(?!\n)"

Id = Annotated[str, Meta(pattern=ID_PATTERN, description="1 to 64 of A-Z, a-z, 0-9, '_' and '-'")]
MAX_INTEGER = 2**53 - 1
Position = Annotated[
    int, Meta(ge=0, le=MAX_INTEGER, description="number of a chunk or an event; 0 is before the first")
]
Millis = Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="Unix time in milliseconds")]

# How the ticket of a session begins.
TICKET = "twt_"

_is_id = re.compile(ID_PATTERN).search


def is_id(value: object) -> bool:
    """Say whether a JSON value is a legal id."""
    return isinstance(value, str) and _is_id(value) is not None


def is_ticket(token: str) -> bool:
    """Say whether a token is a ticket, which is good once: for this hello or refresh, not for the next."""
    return token.startswith(TICKET)


def uuid7(unix_ms: int, randomness: bytes) -> str:
    """Build a UUIDv7 (RFC 9562, section 5.7), the recommended form of a command id.

    Ids sort by the time they were minted and carry 74 random bits, so two tabs never collide (a counter would).

    Args:
        unix_ms: Unix time in milliseconds.
        randomness: at least 10 random bytes.
    """
    value = (unix_ms & (2**48 - 1)) << 80 | int.from_bytes(randomness[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
