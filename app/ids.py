"""Ids and secrets the server mints; tests hand in their own source of randomness."""

import secrets
from collections.abc import Callable

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


class Mint:
    """Makes random ids of the form `str_4f…`: 20 base-36 digits carry 103 random bits.

    Args:
        below: returns a random integer below its argument; `secrets.randbelow` unless a test hands in another.
    """

    def __init__(self, below: Callable[[int], int] = secrets.randbelow) -> None:
        self._below = below

    def __call__(self, prefix: str) -> str:
        """Make one id."""
        number, digits = self._below(36**20), []
        for _ in range(20):
            number, digit = divmod(number, 36)
            digits.append(_ALPHABET[digit])
        return f"{prefix}_{''.join(digits)}"

    def secret(self, prefix: str) -> str:
        """Make a bearer secret of 256 random bits."""
        return f"{prefix}_{secrets.token_urlsafe(32)}"
