"""Hashes of passwords: argon2id, in threads of its own and only so many at once.

A hash takes a twentieth of a second and 46 MiB on purpose. So that a crowd at the door costs the server neither its
memory nor its event loop, two are computed at a time, some may wait, and whoever comes then is told to come back.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from protocol.errors import Refusal

T = TypeVar("T")

AT_ONCE = 2
MOST_WAITING = 32


def strong_hasher() -> PasswordHasher:
    """Argon2id with the first parameters that the OWASP password storage cheat sheet gives."""
    return PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1)


class Passwords:
    """Makes and checks hashes.

    Args:
        hasher: computes them; a test hands in a cheap one.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or strong_hasher()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._under_way = 0

    async def hash(self, password: str) -> str:
        """Make the hash of a password.

        Raises:
            Refusal: `overloaded`.
        """
        return await self._run(lambda: self._hasher.hash(password))

    async def check(self, password: str, stored: str | None) -> bool:
        """Say whether a password is the one whose hash is stored.

        Args:
            stored: None when there is nobody to compare with. That takes as long, so that the time of an answer does
                not tell who has an account.

        Raises:
            Refusal: `overloaded`.
        """
        if stored is None:
            await self.hash(password)
            return False
        return await self._run(lambda: self._verify(password, stored))

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= AT_ONCE + MOST_WAITING:
            raise Refusal("overloaded", "Too many people sign in at this moment. Try again.", retry_after_ms=2_000)
        self._under_way += 1
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        # A caller that is gone does not take its thread along: what counts is when the work is done.
        running.add_done_callback(self._done)
        return await asyncio.shield(running)

    def _done(self, _running: asyncio.Future[T]) -> None:
        self._under_way -= 1
