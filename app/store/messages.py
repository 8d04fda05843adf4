"""Messages: a tree in each chat, of which one branch is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.store.queries import Queries, Row, from_text, to_text


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message with its place in the tree; `metadata` lacks `versions`, which its siblings decide."""

    message_id: str
    parent_id: str | None
    role: str
    parts: list[dict[str, Any]]
    metadata: dict[str, Any]
    committed: bool


@dataclass(frozen=True, slots=True)
class Sibling:
    """A message as its siblings see it."""

    message_id: str
    parent_id: str | None
    role: str
    is_blank_failure: bool


_PATH = """
    WITH RECURSIVE branch (message_id, parent_id, depth) AS (
        SELECT message_id, parent_id, 0 FROM messages
        WHERE user_id = :user_id AND chat_id = :chat_id AND message_id = :leaf_id
        UNION ALL
        SELECT m.message_id, m.parent_id, b.depth + 1 FROM messages m JOIN branch b ON m.message_id = b.parent_id
        WHERE m.user_id = :user_id AND m.chat_id = :chat_id
    )
    SELECT m.message_id, m.parent_id, m.role, m.parts, m.metadata, m.committed
    FROM branch b JOIN messages m ON m.user_id = :user_id AND m.message_id = b.message_id
    ORDER BY b.depth LIMIT :limit
"""


# What an answer holds that failed before its first word: at most the mark that a step began.
_NOTHING = [to_text([]), to_text([{"type": "step-start"}])]


async def insert_question(
    q: Queries,
    user_id: str,
    chat_id: str,
    message_id: str,
    *,
    parent_id: str | None,
    parts: Sequence[Mapping[str, Any]],
    metadata: Mapping[str, Any],
    now: int,
) -> None:
    """Add a question below its parent; `tree.show` decides whether its branch is shown."""
    await _insert(
        q, user_id, chat_id, message_id, parent_id, role="user", parts=parts, metadata=metadata, committed=True, now=now
    )


async def insert_answer(
    q: Queries,
    user_id: str,
    chat_id: str,
    message_id: str,
    *,
    parent_id: str,
    metadata: Mapping[str, Any],
    now: int,
) -> None:
    """Add the place of an answer that is about to be written; until it is committed it lives in its stream."""
    await _insert(
        q, user_id, chat_id, message_id, parent_id, role="assistant", parts=[], metadata=metadata, committed=False,
        now=now,
    )  # fmt: skip


async def _insert(
    q: Queries,
    user_id: str,
    chat_id: str,
    message_id: str,
    parent_id: str | None,
    *,
    role: str,
    parts: Sequence[Mapping[str, Any]],
    metadata: Mapping[str, Any],
    committed: bool,
    now: int,
) -> None:
    await q.execute(
        """
        INSERT INTO messages
            (user_id, message_id, chat_id, parent_id, role, parts, metadata, committed, created_at)
        VALUES (
            :user_id, :message_id, :chat_id, :parent_id, :role, :parts, :metadata, :committed,
            -- Versions are told apart by their age: no two below one parent are of the same, whatever the clock does.
            (SELECT CASE WHEN MAX(created_at) >= :now THEN MAX(created_at) + 1 ELSE :now END FROM messages
             WHERE user_id = :user_id AND chat_id = :chat_id
               AND (parent_id = :parent_id OR (parent_id IS NULL AND :is_root = 1)))
        )
        """,
        {
            "user_id": user_id,
            "message_id": message_id,
            "chat_id": chat_id,
            "parent_id": parent_id,
            "role": role,
            "parts": to_text(parts),
            "metadata": to_text(metadata),
            "committed": int(committed),
            "now": now,
            "is_root": int(parent_id is None),
        },
    )


async def commit(
    q: Queries, user_id: str, message_id: str, *, parts: Sequence[Mapping[str, Any]], metadata: Mapping[str, Any]
) -> None:
    """Store the final form of an answer (guarantee 13)."""
    await q.execute(
        """
        UPDATE messages SET parts = :parts, metadata = :metadata, committed = 1
        WHERE user_id = :user_id AND message_id = :message_id
        """,
        {"user_id": user_id, "message_id": message_id, "parts": to_text(parts), "metadata": to_text(metadata)},
    )


async def exists(q: Queries, user_id: str, message_id: str) -> bool:
    """Say whether the user has a message with this id, in any chat."""
    row = await q.fetch_one(
        "SELECT message_id FROM messages WHERE user_id = :user_id AND message_id = :message_id",
        {"user_id": user_id, "message_id": message_id},
    )
    return row is not None


async def get(q: Queries, user_id: str, chat_id: str, message_id: str) -> StoredMessage | None:
    """Find a message of this chat, on whichever branch."""
    row = await q.fetch_one(
        """
        SELECT message_id, parent_id, role, parts, metadata, committed FROM messages
        WHERE user_id = :user_id AND chat_id = :chat_id AND message_id = :message_id
        """,
        {"user_id": user_id, "chat_id": chat_id, "message_id": message_id},
    )
    return None if row is None else _message(row)


async def parent_of(q: Queries, user_id: str, chat_id: str, message_id: str) -> Row | None:
    """Find the parent of a message of this chat, as `parent_id`; None when there is no such message."""
    return await q.fetch_one(
        "SELECT parent_id FROM messages WHERE user_id = :user_id AND chat_id = :chat_id AND message_id = :message_id",
        {"user_id": user_id, "chat_id": chat_id, "message_id": message_id},
    )


async def branch(
    q: Queries, user_id: str, chat_id: str, leaf_id: str, *, limit: int, most_bytes: int | None = None
) -> list[StoredMessage]:
    """Read a message and its nearest ancestors, oldest first.

    Args:
        limit: how many at most.
        most_bytes: after so much text no further ancestor is taken; the message itself always is.
    """
    rows = await q.fetch_all(_PATH, {"user_id": user_id, "chat_id": chat_id, "leaf_id": leaf_id, "limit": limit})
    taken: list[StoredMessage] = []
    size = 0
    for row in rows:
        size += len(row["parts"])
        if taken and most_bytes is not None and size > most_bytes:
            break
        taken.append(_message(row))
    return taken[::-1]


async def siblings(q: Queries, user_id: str, chat_id: str, parent_ids: Sequence[str | None]) -> list[Sibling]:
    """Read everything below these parents (None: the chat's first questions), oldest first."""
    rows = await q.fetch_all(
        """
        SELECT message_id, parent_id, role, parts IN :nothing AS blank, metadata FROM messages
        WHERE user_id = :user_id AND chat_id = :chat_id
          AND (parent_id IN :parents OR (parent_id IS NULL AND :roots = 1))
        ORDER BY created_at, message_id
        """,
        {
            "user_id": user_id,
            "chat_id": chat_id,
            "parents": [parent for parent in parent_ids if parent is not None] or [""],
            "roots": int(None in parent_ids),
            "nothing": _NOTHING,
        },
    )
    return [_sibling(row) for row in rows]


def _sibling(row: Row) -> Sibling:
    failed = bool(row["blank"]) and from_text(row["metadata"]).get("status") == "failed"
    return Sibling(row["message_id"], row["parent_id"], row["role"], is_blank_failure=failed)


def _message(row: Row) -> StoredMessage:
    return StoredMessage(
        message_id=row["message_id"],
        parent_id=row["parent_id"],
        role=row["role"],
        parts=from_text(row["parts"]),
        metadata=from_text(row["metadata"]),
        committed=bool(row["committed"]),
    )
