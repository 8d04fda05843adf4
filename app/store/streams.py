"""Streams: one row for each attempt at an answer, from being queued to its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from app.store.queries import Queries, Row, from_text, to_text
from protocol.frames.objects import StreamStatus


@dataclass(frozen=True, slots=True)
class StreamRow:
    """One stream as it is stored. Times are Unix milliseconds.

    `request` is what was asked for (model, options, text of the question, and the whole question while it is queued);
    `outcome` what came of it (finishReason, usage, error), once it ended; `node` its owner, nobody while it is queued.
    """

    stream_id: str
    user_id: str
    chat_id: str
    message_id: str
    command_id: str
    source_client_id: str | None
    status: StreamStatus
    request: dict[str, Any]
    created_at: int
    started_at: int | None = None
    ended_at: int | None = None
    seq: int = 0
    outcome: dict[str, Any] | None = None
    node: str | None = None


_COLUMNS = """stream_id, user_id, chat_id, message_id, command_id, source_client_id, status, request, created_at,
    started_at, ended_at, seq, outcome, node"""


async def insert(q: Queries, row: StreamRow, *, rank: int) -> None:
    """Add a stream; every stream begins `queued`, if only for a statement.

    Args:
        rank: its place in the chat's queue, before its age.
    """
    await q.execute(
        """
        INSERT INTO streams (stream_id, user_id, chat_id, message_id, command_id, source_client_id, status, request,
                             rank, created_at)
        VALUES (:stream_id, :user_id, :chat_id, :message_id, :command_id, :source, :status, :request, :rank, :now)
        """,
        {
            "stream_id": row.stream_id,
            "user_id": row.user_id,
            "chat_id": row.chat_id,
            "message_id": row.message_id,
            "command_id": row.command_id,
            "source": row.source_client_id,
            "status": row.status,
            "request": to_text(row.request),
            "rank": rank,
            "now": row.created_at,
        },
    )


async def start(q: Queries, stream_id: str, *, node: str, request: Mapping[str, Any], now: int) -> None:
    """Give a queued stream to its owner.

    Raises:
        UniqueViolation: another stream is active in its chat (guarantee 17).
    """
    await q.execute(
        """
        UPDATE streams SET status = 'streaming', node = :node, request = :request, started_at = :now
        WHERE stream_id = :stream_id AND status = 'queued'
        """,
        {"stream_id": stream_id, "node": node, "request": to_text(request), "now": now},
    )


async def mark_stopping(q: Queries, stream_id: str) -> None:
    """Note that a person asked for the end of a stream that is being written."""
    await q.execute(
        "UPDATE streams SET status = 'stopping' WHERE stream_id = :stream_id AND status = 'streaming'",
        {"stream_id": stream_id},
    )


async def finish(
    q: Queries,
    stream_id: str,
    *,
    node: str | None,
    status: StreamStatus,
    seq: int,
    outcome: Mapping[str, Any],
    now: int,
) -> bool:
    """End a stream, once: say whether it was this call that did.

    Args:
        node: only if this node still owns it, which fences a node that was thought dead; None: whoever owns it.
    """
    row = await q.fetch_one(
        """
        UPDATE streams SET status = :status, seq = :seq, outcome = :outcome, ended_at = :now
        WHERE stream_id = :stream_id AND status IN ('queued', 'streaming', 'stopping')
          AND (:any_node = 1 OR node = :node)
        RETURNING stream_id
        """,
        {
            "stream_id": stream_id,
            "status": status,
            "seq": seq,
            "outcome": to_text(outcome),
            "now": now,
            "any_node": int(node is None),
            "node": node or "",
        },
    )
    return row is not None


async def get(q: Queries, user_id: str, stream_id: str) -> StreamRow | None:
    """Find a stream of this user."""
    row = await q.fetch_one(
        f"SELECT {_COLUMNS} FROM streams WHERE stream_id = :stream_id AND user_id = :user_id",  # noqa: S608 - constants
        {"stream_id": stream_id, "user_id": user_id},
    )
    return None if row is None else _stream(row)


async def each(q: Queries, stream_ids: Sequence[str]) -> dict[str, StreamRow]:
    """Find streams by their ids, of whichever user; those that are unknown are left out."""
    rows = await q.fetch_all(
        f"SELECT {_COLUMNS} FROM streams WHERE stream_id IN :ids",  # noqa: S608 - constants
        {"ids": list(stream_ids)},
    )
    return {row["stream_id"]: _stream(row) for row in rows}


async def by_command(q: Queries, user_id: str, command_id: str) -> StreamRow | None:
    """Find the stream that a command started."""
    row = await q.fetch_one(
        f"SELECT {_COLUMNS} FROM streams WHERE user_id = :user_id AND command_id = :command_id",  # noqa: S608 - constants
        {"user_id": user_id, "command_id": command_id},
    )
    return None if row is None else _stream(row)


async def active_of_chat(q: Queries, user_id: str, chat_id: str) -> StreamRow | None:
    """Find the stream that is being written in a chat."""
    row = await q.fetch_one(
        f"""
        SELECT {_COLUMNS} FROM streams
        WHERE user_id = :user_id AND chat_id = :chat_id AND status IN ('streaming', 'stopping')
        """,  # noqa: S608 - constants
        {"user_id": user_id, "chat_id": chat_id},
    )
    return None if row is None else _stream(row)


async def of_message(q: Queries, user_id: str, chat_id: str, message_id: str) -> StreamRow | None:
    """Find the stream that writes an answer, or wrote it."""
    row = await q.fetch_one(
        f"""
        SELECT {_COLUMNS} FROM streams
        WHERE user_id = :user_id AND chat_id = :chat_id AND message_id = :message_id
        ORDER BY created_at DESC, stream_id DESC LIMIT 1
        """,  # noqa: S608 - constants
        {"user_id": user_id, "chat_id": chat_id, "message_id": message_id},
    )
    return None if row is None else _stream(row)


async def unfinished_of_chat(q: Queries, user_id: str, chat_id: str) -> list[StreamRow]:
    """List the streams of a chat that have not ended, the queued ones included, oldest first."""
    rows = await q.fetch_all(
        f"""
        SELECT {_COLUMNS} FROM streams
        WHERE user_id = :user_id AND chat_id = :chat_id AND status IN ('queued', 'streaming', 'stopping')
        ORDER BY created_at, stream_id
        """,  # noqa: S608 - constants
        {"user_id": user_id, "chat_id": chat_id},
    )
    return [_stream(row) for row in rows]


async def last_of_chat(q: Queries, user_id: str, chat_id: str) -> StreamRow | None:
    """Find the newest stream of a chat."""
    row = await q.fetch_one(
        f"""
        SELECT {_COLUMNS} FROM streams WHERE user_id = :user_id AND chat_id = :chat_id
        ORDER BY created_at DESC, stream_id DESC LIMIT 1
        """,  # noqa: S608 - constants
        {"user_id": user_id, "chat_id": chat_id},
    )
    return None if row is None else _stream(row)


async def active_of_user(q: Queries, user_id: str) -> list[StreamRow]:
    """List the user's streams that have not ended, the queued ones included, oldest first."""
    rows = await q.fetch_all(
        f"""
        SELECT {_COLUMNS} FROM streams
        WHERE user_id = :user_id AND status IN ('queued', 'streaming', 'stopping') ORDER BY created_at, stream_id
        """,  # noqa: S608 - constants
        {"user_id": user_id},
    )
    return [_stream(row) for row in rows]


async def active_of_users(q: Queries, user_ids: Sequence[str]) -> dict[str, list[StreamRow]]:
    """As `active_of_user` for many; users who have none are left out."""
    rows = await q.fetch_all(
        f"""
        SELECT {_COLUMNS} FROM streams
        WHERE user_id IN :user_ids AND status IN ('queued', 'streaming', 'stopping') ORDER BY created_at, stream_id
        """,  # noqa: S608 - constants
        {"user_ids": list(user_ids)},
    )
    found: dict[str, list[StreamRow]] = {}
    for row in rows:
        found.setdefault(row["user_id"], []).append(_stream(row))
    return found


async def unfinished(q: Queries) -> list[StreamRow]:
    """List the streams of all users that have not ended, the queued ones included, oldest first."""
    rows = await q.fetch_all(
        f"""
        SELECT {_COLUMNS} FROM streams WHERE status IN ('queued', 'streaming', 'stopping')
        ORDER BY created_at, stream_id
        """  # noqa: S608 - constants
    )
    return [_stream(row) for row in rows]


async def running(q: Queries, user_id: str) -> int:
    """Count the user's streams that are being written."""
    row = await q.fetch_one(
        "SELECT COUNT(*) AS n FROM streams WHERE user_id = :user_id AND status IN ('streaming', 'stopping')",
        {"user_id": user_id},
    )
    return 0 if row is None else int(row["n"])


async def next_queued(q: Queries, user_id: str) -> StreamRow | None:
    """Find the queued stream whose turn it is: its chat is free, and not paused for what waits in line."""
    row = await q.fetch_one(
        f"""
        SELECT {_COLUMNS} FROM streams waiting
        WHERE user_id = :user_id AND status = 'queued' AND NOT EXISTS (
            SELECT 1 FROM streams active WHERE active.user_id = :user_id AND active.chat_id = waiting.chat_id
              AND active.status IN ('streaming', 'stopping')
        ) AND (rank < 0 OR NOT EXISTS (
            SELECT 1 FROM chats c WHERE c.user_id = :user_id AND c.chat_id = waiting.chat_id AND c.queue_paused = 1
        ))
        ORDER BY rank, created_at, stream_id LIMIT 1
        """,  # noqa: S608 - constants
        {"user_id": user_id},
    )
    return None if row is None else _stream(row)


async def owned(q: Queries, node: str) -> list[StreamRow]:
    """List the streams that a node owns and has not ended, oldest first."""
    rows = await q.fetch_all(
        f"""
        SELECT {_COLUMNS} FROM streams WHERE node = :node AND status IN ('streaming', 'stopping') ORDER BY created_at
        """,  # noqa: S608 - constants
        {"node": node},
    )
    return [_stream(row) for row in rows]


async def claim_all(q: Queries, node: str) -> None:
    """Make a node the owner of every stream that is not ended, because it knows that no other node lives."""
    await q.execute("UPDATE streams SET node = :node WHERE status IN ('streaming', 'stopping')", {"node": node})


async def claim_orphans(q: Queries, node: str, *, limit: int) -> list[StreamRow]:
    """Make a node the owner of streams whose own node's lease has run out; each goes to one claimant only.

    From then on its former owner's end of it is refused (`finish`).
    """
    orphans = await q.fetch_all(
        """
        SELECT stream_id FROM streams orphan
        WHERE status IN ('streaming', 'stopping') AND node <> :node AND NOT EXISTS (
            SELECT 1 FROM leases, database_clock WHERE leases.node = orphan.node AND expires_at > now_ms
        ) LIMIT :limit
        """,
        {"node": node, "limit": limit},
    )
    # One at a time: claimants that lock many rows, each in its own order, would deadlock.
    claimed = [await _claim(q, node, row["stream_id"]) for row in orphans]
    return [row for row in claimed if row is not None]


async def _claim(q: Queries, node: str, stream_id: str) -> StreamRow | None:
    row = await q.fetch_one(
        f"""
        UPDATE streams SET node = :node
        WHERE stream_id = :stream_id AND status IN ('streaming', 'stopping') AND NOT EXISTS (
            SELECT 1 FROM leases, database_clock WHERE leases.node = streams.node AND expires_at > now_ms
        ) RETURNING {_COLUMNS}
        """,  # noqa: S608 - constants
        {"node": node, "stream_id": stream_id},
    )
    return None if row is None else _stream(row)


async def ended(q: Queries, stream_ids: Sequence[str]) -> list[StreamRow]:
    """Find those of these streams, of whichever user, that have ended."""
    rows = await q.fetch_all(
        f"SELECT {_COLUMNS} FROM streams WHERE stream_id IN :ids AND ended_at IS NOT NULL",  # noqa: S608 - constants
        {"ids": list(stream_ids)},
    )
    return [_stream(row) for row in rows]


async def existing(q: Queries, stream_ids: Sequence[str]) -> set[str]:
    """Find those of these streams, of whichever user, that are known; those of a deleted chat are not."""
    rows = await q.fetch_all("SELECT stream_id FROM streams WHERE stream_id IN :ids", {"ids": list(stream_ids)})
    return {row["stream_id"] for row in rows}


async def users_to_serve(q: Queries, *, at_once: int, limit: int) -> list[str]:
    """List users of whom a waiting stream could start now: its chat is free and not paused, and few enough run.

    Whoever ends a stream starts the next one; here is found what nobody started, because its node died or drained.
    """
    rows = await q.fetch_all(
        """
        SELECT DISTINCT user_id FROM streams waiting
        WHERE status = 'queued' AND NOT EXISTS (
            SELECT 1 FROM streams active WHERE active.user_id = waiting.user_id AND active.chat_id = waiting.chat_id
              AND active.status IN ('streaming', 'stopping')
        ) AND (rank < 0 OR NOT EXISTS (
            SELECT 1 FROM chats c
            WHERE c.user_id = waiting.user_id AND c.chat_id = waiting.chat_id AND c.queue_paused = 1
        )) AND :at_once > (
            SELECT COUNT(*) FROM streams running
            WHERE running.user_id = waiting.user_id AND running.status IN ('streaming', 'stopping')
        ) LIMIT :limit
        """,
        {"at_once": at_once, "limit": limit},
    )
    return [row["user_id"] for row in rows]


def _stream(row: Row) -> StreamRow:
    return StreamRow(
        stream_id=row["stream_id"],
        user_id=row["user_id"],
        chat_id=row["chat_id"],
        message_id=row["message_id"],
        command_id=row["command_id"],
        source_client_id=row["source_client_id"],
        status=cast("StreamStatus", row["status"]),
        request=from_text(row["request"]),
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        seq=row["seq"],
        outcome=from_text(row["outcome"]),
        node=row["node"],
    )
