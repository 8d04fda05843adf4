"""The questions that wait in a chat: their order, and whether they are paused.

A queue is paused only while something waits in line. What a person wants now (`ifActive: "stop"`) goes ahead of the
line and is never held up by it; its rank says which of the two a stream is.
"""

from collections.abc import Sequence

from app.store.queries import Queries

# Behind these an answer waits in line; in front of them goes what a person wants now.
IN_LINE, NEXT = 0, -1

_WAITS_IN_LINE = """EXISTS (
    SELECT 1 FROM streams w
    WHERE w.user_id = :user_id AND w.chat_id = :chat_id AND w.status = 'queued' AND w.rank >= 0
)"""


async def is_paused(q: Queries, user_id: str, chat_id: str) -> bool:
    """Say whether what waits in line is held up."""
    row = await q.fetch_one(
        "SELECT queue_paused FROM chats WHERE user_id = :user_id AND chat_id = :chat_id",
        {"user_id": user_id, "chat_id": chat_id},
    )
    return row is not None and bool(row["queue_paused"])


async def pause(q: Queries, user_id: str, chat_id: str) -> bool:
    """Hold up what waits in line, if anything does; say whether that changed anything."""
    row = await q.fetch_one(
        f"""
        UPDATE chats SET queue_paused = 1
        WHERE user_id = :user_id AND chat_id = :chat_id AND queue_paused = 0 AND {_WAITS_IN_LINE} RETURNING chat_id
        """,  # noqa: S608 - constants
        {"user_id": user_id, "chat_id": chat_id},
    )
    return row is not None


async def resume(q: Queries, user_id: str, chat_id: str) -> bool:
    """Let what waits in line have its turn; say whether that changed anything."""
    row = await q.fetch_one(
        """
        UPDATE chats SET queue_paused = 0
        WHERE user_id = :user_id AND chat_id = :chat_id AND queue_paused = 1 RETURNING chat_id
        """,
        {"user_id": user_id, "chat_id": chat_id},
    )
    return row is not None


async def resume_if_empty(q: Queries, user_id: str, chat_id: str) -> None:
    """Forget the pause of a queue in which nothing waits any more."""
    await q.execute(
        f"""
        UPDATE chats SET queue_paused = 0
        WHERE user_id = :user_id AND chat_id = :chat_id AND queue_paused = 1 AND NOT {_WAITS_IN_LINE}
        """,  # noqa: S608 - constants
        {"user_id": user_id, "chat_id": chat_id},
    )


async def reorder(q: Queries, user_id: str, chat_id: str, first: Sequence[str]) -> bool:
    """Put some of those who wait in line first; say whether that changed anything.

    They exchange the times of their creation, by which the line is ordered: so whoever comes later stands behind them
    all, and no chat's line gets ahead of another's.

    Args:
        first: ids of the commands that asked for them. Those that wait no longer are passed over.
    """
    rows = await q.fetch_all(
        """
        SELECT stream_id, command_id, created_at FROM streams
        WHERE user_id = :user_id AND chat_id = :chat_id AND status = 'queued' AND rank >= 0
        ORDER BY rank, created_at, stream_id
        """,
        {"user_id": user_id, "chat_id": chat_id},
    )
    places = {command_id: place for place, command_id in reversed(list(enumerate(first)))}
    ordered = sorted(rows, key=lambda row: places.get(row["command_id"], len(first)))
    moved = [(row, at) for row, at in zip(ordered, rows, strict=True) if row["stream_id"] != at["stream_id"]]
    for row, at in moved:
        await q.execute(
            "UPDATE streams SET created_at = :created_at WHERE stream_id = :stream_id",
            {"stream_id": row["stream_id"], "created_at": at["created_at"]},
        )
    return bool(moved)
