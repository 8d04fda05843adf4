"""Takes files in: each content once for its user, within what the user may have."""

import asyncio
import hashlib

from app.clock import Clock
from app.ids import Mint
from app.store import events, files
from app.store.engine import Database
from app.store.files import StoredFile
from protocol.errors import Refusal
from protocol.limits import Limits

MIB = 1024 * 1024


class Uploads:
    """Stores files.

    Args:
        database: where they are kept, so that every node has them.
        mint: names them.
        clock: says until when they stay.
        limits: how large one may be, and all of a user's together.
    """

    def __init__(self, database: Database, mint: Mint, clock: Clock, limits: Limits) -> None:
        self._database = database
        self._mint = mint
        self._clock = clock
        self._limits = limits

    async def store(
        self, user_id: str, body: bytes, media_type: str, filename: str, *, param: str | None
    ) -> StoredFile:
        """Store a file; the same bytes again are the same file, under the name they were given last.

        Args:
            param: what to name when it is refused.

        Raises:
            Refusal: `frame_too_large`, `quota_exceeded`, or `session_revoked` when the user is gone.
        """
        if (refusal := self.too_large(len(body), param=param)) is not None:
            raise refusal
        content_hash = await asyncio.to_thread(lambda: hashlib.sha256(body).hexdigest())
        now = self._clock.now_ms()
        async with self._database.transaction() as tx:
            # Nothing is told to anybody, but the lock of a change it is: two uploads at once see each other's bytes.
            if await events.lock(tx, user_id) is None:
                raise Refusal("session_revoked")
            known = await files.find_content(tx, user_id, content_hash)
            if known is not None:
                file = StoredFile(known.file_id, media_type, filename, known.size)
                await files.give_again(tx, user_id, file, now=now)
                return file
            if await files.total(tx, user_id) + len(body) > self._limits.user_file_bytes:
                raise self._full(param)
            file = StoredFile(self._mint("file"), media_type, filename, len(body))
            await files.insert(tx, user_id, file, content_hash, body, now=now)
        return file

    def too_large(self, size: int, *, param: str | None = None) -> Refusal | None:
        """Say why a file of so many bytes is not taken; None when it is."""
        most = self._limits.file_bytes
        if size <= most:
            return None
        return Refusal("frame_too_large", f"A file may have at most {in_words(most)}.", param=param)

    def _full(self, param: str | None) -> Refusal:
        most = in_words(self._limits.user_file_bytes)
        return Refusal(
            "quota_exceeded",
            f"Your files may have {most} together, and this one would be too much. Delete chats with files first.",
            param=param,
        )


def in_words(size: int) -> str:
    """A number of bytes, for people."""
    if size >= MIB:
        return f"{size / MIB:.4g} MB"
    return f"{size / 1024:.4g} KB" if size >= 1024 else f"{size} bytes"
