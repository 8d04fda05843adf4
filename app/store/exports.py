"""What an export reads: whole chats and all files, in pages, so that no answer grows with how much there is.

Of a chat first the ids of its messages are read, with their sizes; then the messages, in groups of so many bytes.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

from app.store.files import StoredFile
from app.store.messages import StoredMessage
from app.store.queries import Queries, from_text

PAGE_ROWS = 100
# A group has one message at least, and that has at most `streamLogBytes`.
GROUP_BYTES = 256 * 1024

Sized = tuple[str, int]
"""The id of a message, and how long it is; about as many bytes."""

_SIZED = "m.message_id, LENGTH(m.parts) + LENGTH(m.metadata) AS size"


async def tree(q: Queries, user_id: str, chat_id: str) -> list[Sized]:
    """List the messages of a chat on all its branches, parents before children; but what is still being written."""
    rows = await q.fetch_all(
        f"""
        SELECT {_SIZED} FROM messages m WHERE m.user_id = :user_id AND m.chat_id = :chat_id AND m.committed = 1
        ORDER BY m.created_at, m.role DESC, m.message_id
        """,  # noqa: S608 - constants; an answer may be as old as its question, which comes first
        {"user_id": user_id, "chat_id": chat_id},
    )
    return [(row["message_id"], row["size"]) for row in rows]


async def branch(q: Queries, user_id: str, chat_id: str, leaf_id: str) -> list[Sized]:
    """List a message of a chat and all before it, oldest first; but what is still being written."""
    rows = await q.fetch_all(
        f"""
        WITH RECURSIVE branch (message_id, parent_id, depth) AS (
            SELECT message_id, parent_id, 0 FROM messages
            WHERE user_id = :user_id AND chat_id = :chat_id AND message_id = :leaf_id
            UNION ALL
            SELECT m.message_id, m.parent_id, b.depth + 1 FROM messages m JOIN branch b ON m.message_id = b.parent_id
            WHERE m.user_id = :user_id AND m.chat_id = :chat_id
        )
        SELECT {_SIZED} FROM branch b JOIN messages m ON m.user_id = :user_id AND m.message_id = b.message_id
        WHERE m.committed = 1 ORDER BY b.depth DESC
        """,  # noqa: S608 - constants
        {"user_id": user_id, "chat_id": chat_id, "leaf_id": leaf_id},
    )
    return [(row["message_id"], row["size"]) for row in rows]


async def messages(q: Queries, user_id: str, sized: Iterable[Sized]) -> AsyncIterator[StoredMessage]:
    """Read messages in this order, a group at a time; one that was deleted meanwhile is left out."""
    for group in grouped(sized):
        rows = await q.fetch_all(
            """
            SELECT message_id, parent_id, role, parts, metadata FROM messages
            WHERE user_id = :user_id AND message_id IN :message_ids
            """,
            {"user_id": user_id, "message_ids": group},
        )
        found = {row["message_id"]: row for row in rows}
        for row in (found[message_id] for message_id in group if message_id in found):
            yield StoredMessage(
                message_id=row["message_id"],
                parent_id=row["parent_id"],
                role=row["role"],
                parts=from_text(row["parts"]),
                metadata=from_text(row["metadata"]),
                committed=True,
            )


def grouped(sized: Iterable[Sized]) -> Iterator[Sequence[str]]:
    """Cut a list into groups of at most `PAGE_ROWS` and, unless one alone is longer, `GROUP_BYTES`."""
    group: list[str] = []
    room = GROUP_BYTES
    for message_id, size in sized:
        if group and (size > room or len(group) == PAGE_ROWS):
            yield group
            group, room = [], GROUP_BYTES
        group.append(message_id)
        room -= size
    if group:
        yield group


async def files(q: Queries, user_id: str, *, now: int) -> AsyncIterator[StoredFile]:
    """Read what is known of every file of a user, by id; `now` in Unix milliseconds."""
    after, rows = "", None
    while rows is None or len(rows) == PAGE_ROWS:
        rows = await q.fetch_all(
            """
            SELECT file_id, media_type, filename, size FROM files
            WHERE user_id = :user_id AND file_id > :after AND (expires_at IS NULL OR expires_at > :now)
            ORDER BY file_id LIMIT :limit
            """,
            {"user_id": user_id, "after": after, "now": now, "limit": PAGE_ROWS},
        )
        for row in rows:
            after = row["file_id"]
            yield StoredFile(row["file_id"], row["media_type"], row["filename"], row["size"])
