"""Files that people attach: stored once for each user and content, named by questions, gone when nothing names them.

A file that no question names has a time to go. The first question that names it takes that away; when the last one is
gone, the file gets a new one, and `retention` deletes it. What is over is not there any more, deleted or not.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from app.store.queries import Queries, Row

# Small enough that reading or writing one holds up nobody, and that a thousand slow downloads fit into memory.
PIECE_BYTES = 256 * 1024
# What was attached and never sent. A draft may lie overnight.
UNNAMED_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file; `size` in bytes."""

    file_id: str
    media_type: str
    filename: str
    size: int


_COLUMNS = "file_id, media_type, filename, size"
_IS_THERE = "(expires_at IS NULL OR expires_at > :now)"


async def find(q: Queries, user_id: str, file_id: str, *, now: int) -> StoredFile | None:
    """Find a file of a user."""
    row = await q.fetch_one(
        f"SELECT {_COLUMNS} FROM files WHERE user_id = :user_id AND file_id = :file_id AND {_IS_THERE}",  # noqa: S608 - constants
        {"user_id": user_id, "file_id": file_id, "now": now},
    )
    return None if row is None else _file(row)


async def find_content(q: Queries, user_id: str, content_hash: str) -> StoredFile | None:
    """Find a user's file by what is in it, also one whose time is over: until it is deleted, it can be had again."""
    row = await q.fetch_one(
        f"SELECT {_COLUMNS} FROM files WHERE user_id = :user_id AND content_hash = :content_hash",  # noqa: S608 - constants
        {"user_id": user_id, "content_hash": content_hash},
    )
    return None if row is None else _file(row)


async def total(q: Queries, user_id: str) -> int:
    """Sum up the bytes of a user's files."""
    row = await q.fetch_one(
        "SELECT COALESCE(SUM(size), 0) AS bytes FROM files WHERE user_id = :user_id", {"user_id": user_id}
    )
    return 0 if row is None else int(row["bytes"])


async def insert(q: Queries, user_id: str, file: StoredFile, content_hash: str, body: bytes, *, now: int) -> None:
    """Add a file that no question names yet; the user must be locked, so that none with this content comes between."""
    await q.execute(
        """
        INSERT INTO files (user_id, file_id, content_hash, media_type, filename, size, created_at, expires_at)
        VALUES (:user_id, :file_id, :content_hash, :media_type, :filename, :size, :now, :expires_at)
        """,
        {
            "user_id": user_id,
            "file_id": file.file_id,
            "content_hash": content_hash,
            "media_type": file.media_type,
            "filename": file.filename,
            "size": file.size,
            "now": now,
            "expires_at": now + UNNAMED_MS,
        },
    )
    for number, start in enumerate(range(0, len(body), PIECE_BYTES)):
        await q.execute(
            "INSERT INTO file_pieces (user_id, file_id, number, bytes) VALUES (:user_id, :file_id, :number, :bytes)",
            {"user_id": user_id, "file_id": file.file_id, "number": number, "bytes": body[start : start + PIECE_BYTES]},
        )


async def give_again(q: Queries, user_id: str, file: StoredFile, *, now: int) -> None:
    """Note that a file was given once more, by this name and as this type; its time begins anew."""
    await q.execute(
        """
        UPDATE files SET media_type = :media_type, filename = :filename,
            expires_at = CASE WHEN expires_at IS NULL THEN NULL ELSE :expires_at END
        WHERE user_id = :user_id AND file_id = :file_id
        """,
        {
            "user_id": user_id,
            "file_id": file.file_id,
            "media_type": file.media_type,
            "filename": file.filename,
            "expires_at": now + UNNAMED_MS,
        },
    )


async def pieces(q: Queries, user_id: str, file: StoredFile) -> AsyncIterator[bytes]:
    """Read a file piece by piece.

    Raises:
        LookupError: it was deleted meanwhile.
    """
    for number in range(-(-file.size // PIECE_BYTES)):
        row = await q.fetch_one(
            "SELECT bytes FROM file_pieces WHERE user_id = :user_id AND file_id = :file_id AND number = :number",
            {"user_id": user_id, "file_id": file.file_id, "number": number},
        )
        if row is None:
            raise LookupError(f"{file.file_id} was deleted while it was read")
        yield row["bytes"]


async def keep(q: Queries, user_id: str, file_ids: Sequence[str], *, now: int) -> dict[str, StoredFile]:
    """Take the time to go from files that a question is about to name; return those that are there.

    The change that does so writes the question's uses, too. Looking and keeping are one statement, so that no sweep
    comes between the two.
    """
    rows = await q.fetch_all(
        f"""
        UPDATE files SET expires_at = NULL WHERE user_id = :user_id AND file_id IN :file_ids AND {_IS_THERE}
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - constants
        {"user_id": user_id, "file_ids": list(file_ids), "now": now},
    )
    return {row["file_id"]: _file(row) for row in rows}


async def name(q: Queries, user_id: str, chat_id: str, message_id: str, file_ids: Sequence[str]) -> None:
    """Note that a question names files, which were kept."""
    for file_id in file_ids:
        await q.execute(
            """
            INSERT INTO file_uses (user_id, chat_id, message_id, file_id)
            VALUES (:user_id, :chat_id, :message_id, :file_id)
            """,
            {"user_id": user_id, "chat_id": chat_id, "message_id": message_id, "file_id": file_id},
        )


async def release_question(q: Queries, user_id: str, message_id: str, *, now: int) -> None:
    """Note that a question is not asked after all; files that no other one names stay for a while."""
    await _release(q, user_id, "message_id", message_id, expires_at=now + UNNAMED_MS)


async def release_chat(q: Queries, user_id: str, chat_id: str, *, now: int) -> None:
    """Note that a chat is deleted; files that no other one names are gone with it."""
    await _release(q, user_id, "chat_id", chat_id, expires_at=now)


async def _release(q: Queries, user_id: str, column: str, value: str, *, expires_at: int) -> None:
    names = {"user_id": user_id, "value": value}
    await q.execute(
        f"""
        UPDATE files SET expires_at = :expires_at
        WHERE user_id = :user_id
          AND file_id IN (SELECT file_id FROM file_uses WHERE user_id = :user_id AND {column} = :value)
          AND NOT EXISTS (
              SELECT 1 FROM file_uses other
              WHERE other.user_id = files.user_id AND other.file_id = files.file_id AND other.{column} <> :value
          )
        """,  # noqa: S608 - constants
        names | {"expires_at": expires_at},
    )
    await q.execute(f"DELETE FROM file_uses WHERE user_id = :user_id AND {column} = :value", names)  # noqa: S608 - constants


async def discard(q: Queries, user_id: str, *, limit: int) -> bool:
    """Delete so many files of a user who leaves; say whether there were any."""
    rows = await q.fetch_all(
        """
        DELETE FROM files WHERE user_id = :user_id AND file_id IN (
            SELECT file_id FROM files WHERE user_id = :user_id LIMIT :limit
        ) RETURNING file_id
        """,
        {"user_id": user_id, "limit": limit},
    )
    return bool(rows)


def _file(row: Row) -> StoredFile:
    return StoredFile(row["file_id"], row["media_type"], row["filename"], row["size"])
