"""Chats, as they are changed and as a dashboard shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.store import files, search
from app.store.queries import Queries, Row, from_text
from protocol.frames.objects import DashboardChat, QueuedQuestion

QUEUE_TEXT = 200

# Who named a chat: its first words, a model, or a person. A later one in this list is never overwritten.
TitleSource = Literal["provisional", "model", "person"]


@dataclass(frozen=True, slots=True)
class Chat:
    """What a decision about a chat needs to know; a deleted one is kept for a day."""

    chat_id: str
    title_source: str
    leaf_id: str | None
    last_status: str | None
    project_id: str | None
    queue_paused: bool
    deleted: bool


_DASHBOARD = """
    SELECT c.chat_id, c.title, c.project_id, c.pinned, c.archived, c.unseen, c.queue_paused, c.leaf_id, c.last_status,
           c.version, c.created_at, c.updated_at, s.stream_id AS active_stream_id,
           EXISTS (SELECT 1 FROM streams w
                   WHERE w.user_id = c.user_id AND w.chat_id = c.chat_id AND w.status = 'queued') AS has_queue,
           EXISTS (SELECT 1 FROM tool_requests r WHERE r.stream_id = s.stream_id AND r.answer IS NULL) AS is_asking
    FROM chats c
    LEFT JOIN streams s ON s.user_id = c.user_id AND s.chat_id = c.chat_id AND s.status IN ('streaming', 'stopping')
    WHERE c.user_id = :user_id AND c.deleted_at IS NULL
"""


async def get(q: Queries, user_id: str, chat_id: str) -> Chat | None:
    """Find a chat, deleted ones included."""
    row = await q.fetch_one(
        """
        SELECT chat_id, title_source, leaf_id, last_status, project_id, queue_paused, deleted_at FROM chats
        WHERE user_id = :user_id AND chat_id = :chat_id
        """,
        {"user_id": user_id, "chat_id": chat_id},
    )
    if row is None:
        return None
    return Chat(
        chat_id=row["chat_id"],
        title_source=row["title_source"],
        leaf_id=row["leaf_id"],
        last_status=row["last_status"],
        project_id=row["project_id"],
        queue_paused=bool(row["queue_paused"]),
        deleted=row["deleted_at"] is not None,
    )


async def create(
    q: Queries,
    user_id: str,
    chat_id: str,
    *,
    title: str,
    project_id: str | None,
    now: int,
    title_source: TitleSource = "provisional",
    pinned: bool = False,
    archived: bool = False,
) -> int:
    """Add a chat; return the version it has once this change is committed.

    Its version begins where the user's event log stands. No version of a chat is ever beyond that, since every change
    of one writes an event: so whoever remembers that an earlier chat of this id was deleted takes this one for newer.
    """
    row = await q.fetch_one(
        """
        INSERT INTO chats
            (user_id, chat_id, project_id, title, title_source, pinned, archived, version, created_at, updated_at)
        VALUES
            (:user_id, :chat_id, :project_id, :title, :title_source, :pinned, :archived,
             (SELECT head FROM users WHERE user_id = :user_id), :now, :now)
        RETURNING version + 1 AS version
        """,
        {
            "user_id": user_id,
            "chat_id": chat_id,
            "project_id": project_id,
            "title": title,
            "title_source": title_source,
            "pinned": int(pinned),
            "archived": int(archived),
            "now": now,
        },
    )
    return int(row["version"]) if row is not None else 0


async def update(
    q: Queries,
    user_id: str,
    chat_id: str,
    *,
    title: str | None,
    project_id: str | None,
    pinned: bool | None,
    archived: bool | None,
) -> int:
    """Change what a person decides about a chat; None leaves it as it is. The chat keeps its place in the sidebar.

    Args:
        title: from now on no model names the chat.
        project_id: where the chat goes; empty: into no project.

    Returns:
        The version the chat has once this change is committed; 0 when it is not there.
    """
    row = await q.fetch_one(
        """
        UPDATE chats SET
            title = COALESCE(:title, title),
            title_source = CASE WHEN :is_named = 1 THEN 'person' ELSE title_source END,
            project_id = CASE WHEN :moves = 1 THEN :project_id ELSE project_id END,
            pinned = COALESCE(:pinned, pinned),
            archived = COALESCE(:archived, archived)
        WHERE user_id = :user_id AND chat_id = :chat_id RETURNING version + 1 AS version
        """,
        {
            "user_id": user_id,
            "chat_id": chat_id,
            "title": title,
            "is_named": int(title is not None),
            "moves": int(project_id is not None),
            "project_id": project_id or None,
            "pinned": None if pinned is None else int(pinned),
            "archived": None if archived is None else int(archived),
        },
    )
    return int(row["version"]) if row is not None else 0


async def delete(q: Queries, user_id: str, chat_id: str, *, now: int) -> tuple[int, list[str]]:
    """Delete a chat with its messages, streams and files; its id stays taken for a day.

    None of its streams may be unfinished. A file that another chat names stays.

    Returns:
        The version of the deletion, and the ids of its streams.
    """
    names = {"user_id": user_id, "chat_id": chat_id}
    await files.release_chat(q, user_id, chat_id, now=now)
    await q.execute("DELETE FROM messages WHERE user_id = :user_id AND chat_id = :chat_id", names)
    streams = await q.fetch_all(
        "DELETE FROM streams WHERE user_id = :user_id AND chat_id = :chat_id RETURNING stream_id", names
    )
    row = await q.fetch_one(
        """
        UPDATE chats SET deleted_at = :now, title = '', project_id = NULL, leaf_id = NULL, last_status = NULL,
            version = version + 1
        WHERE user_id = :user_id AND chat_id = :chat_id RETURNING version
        """,
        names | {"now": now},
    )
    version = int(row["version"]) if row is not None else 0
    return version, [stream["stream_id"] for stream in streams]


async def discard(q: Queries, user_id: str, *, limit: int) -> bool:
    """Delete so many chats of a user who leaves, without a trace; none may have an unfinished stream.

    Returns:
        Whether there were any.
    """
    rows = await q.fetch_all(
        """
        DELETE FROM chats WHERE user_id = :user_id AND chat_id IN (
            SELECT chat_id FROM chats WHERE user_id = :user_id LIMIT :limit
        ) RETURNING chat_id
        """,
        {"user_id": user_id, "limit": limit},
    )
    return bool(rows)


async def show(q: Queries, user_id: str, chat_id: str, leaf_id: str, *, now: int) -> None:
    """Make a message the end of the shown branch; the chat moves to the top of the sidebar."""
    await q.execute(
        """
        UPDATE chats SET leaf_id = :leaf_id, updated_at = :now WHERE user_id = :user_id AND chat_id = :chat_id
        """,
        {"user_id": user_id, "chat_id": chat_id, "leaf_id": leaf_id, "now": now},
    )


async def turn(q: Queries, user_id: str, chat_id: str, leaf_id: str) -> None:
    """Make a message the end of the shown branch; the chat keeps its place in the sidebar."""
    await q.execute(
        "UPDATE chats SET leaf_id = :leaf_id WHERE user_id = :user_id AND chat_id = :chat_id",
        {"user_id": user_id, "chat_id": chat_id, "leaf_id": leaf_id},
    )


async def settle(q: Queries, user_id: str, chat_id: str, status: str, *, unseen: bool) -> None:
    """Note how the chat's last answer ended. The chat keeps its place: a sidebar must not move under a pointer.

    Args:
        unseen: nobody saw it end. One that was seen does not make up for an earlier one that was not.
    """
    await q.execute(
        """
        UPDATE chats SET last_status = :status, unseen = CASE WHEN :unseen = 1 THEN 1 ELSE unseen END
        WHERE user_id = :user_id AND chat_id = :chat_id
        """,
        {"user_id": user_id, "chat_id": chat_id, "status": status, "unseen": int(unseen)},
    )


async def see(q: Queries, user_id: str, chat_id: str) -> bool:
    """Take the mark from a chat that its last answers were not seen; say whether it had one."""
    row = await q.fetch_one(
        "UPDATE chats SET unseen = 0 WHERE user_id = :user_id AND chat_id = :chat_id AND unseen = 1 RETURNING chat_id",
        {"user_id": user_id, "chat_id": chat_id},
    )
    return row is not None


async def entitle(q: Queries, user_id: str, chat_id: str, title: str) -> bool:
    """Give a chat the model's title; say whether it took it: a person's title is never overwritten."""
    row = await q.fetch_one(
        """
        UPDATE chats SET title = :title, title_source = 'model'
        WHERE user_id = :user_id AND chat_id = :chat_id AND title_source = 'provisional' AND deleted_at IS NULL
        RETURNING chat_id
        """,
        {"user_id": user_id, "chat_id": chat_id, "title": title},
    )
    return row is not None


async def version(q: Queries, user_id: str, chat_id: str) -> int:
    """Read the version of a chat; 0 when there is none."""
    row = await q.fetch_one(
        "SELECT version FROM chats WHERE user_id = :user_id AND chat_id = :chat_id",
        {"user_id": user_id, "chat_id": chat_id},
    )
    return 0 if row is None else int(row["version"])


async def bump(q: Queries, user_id: str, chat_ids: Sequence[str]) -> None:
    """Raise the version of chats that a change touched, once for all it did to them."""
    await q.execute(
        "UPDATE chats SET version = version + 1 WHERE user_id = :user_id AND chat_id IN :chat_ids",
        {"user_id": user_id, "chat_ids": list(chat_ids)},
    )


async def dashboard(q: Queries, user_id: str, chat_ids: Sequence[str]) -> dict[str, DashboardChat]:
    """Read these chats as a sidebar shows them; deleted ones are missing."""
    rows = await q.fetch_all(
        _DASHBOARD + "AND c.chat_id IN :chat_ids", {"user_id": user_id, "chat_ids": list(chat_ids)}
    )
    queues = await _queues(q, user_id, rows)
    return {row["chat_id"]: _chat(row, queues) for row in rows}


async def ids(q: Queries, user_id: str) -> list[str]:
    """List the user's chats, oldest first."""
    rows = await q.fetch_all(
        "SELECT chat_id FROM chats WHERE user_id = :user_id AND deleted_at IS NULL ORDER BY created_at, chat_id",
        {"user_id": user_id},
    )
    return [row["chat_id"] for row in rows]


async def page(
    q: Queries, user_id: str, *, limit: int, after: tuple[int, str] | None, project_id: str | None, query: str | None
) -> list[DashboardChat]:
    """Read a page of the sidebar, by `updatedAt` falling, then `chatId`.

    Args:
        limit: how many chats at most.
        after: `(updatedAt, chatId)` of the last chat of the page before.
        project_id: only this project's chats.
        query: only chats whose title, or one of whose messages, has words that begin with these.
    """
    sql, values = _DASHBOARD, {"user_id": user_id, "limit": limit}
    if after is not None:
        sql += "AND (c.updated_at < :updated_at OR (c.updated_at = :updated_at AND c.chat_id > :chat_id)) "
        values |= {"updated_at": after[0], "chat_id": after[1]}
    if project_id is not None:
        sql += "AND c.project_id = :project_id "
        values |= {"project_id": project_id}
    if query is not None:
        sql += search.FOUND
        values |= {"query": query}
    rows = await q.fetch_all(sql + " ORDER BY c.updated_at DESC, c.chat_id LIMIT :limit", values)
    queues = await _queues(q, user_id, rows)
    return [_chat(row, queues) for row in rows]


async def _queues(q: Queries, user_id: str, shown: Sequence[Row]) -> dict[str, list[QueuedQuestion]]:
    """Read the waiting questions of these chats; mostly there are none, and nothing is read."""
    queues: dict[str, list[QueuedQuestion]] = {}
    waiting = [row["chat_id"] for row in shown if row["has_queue"]]
    if not waiting:
        return queues
    rows = await q.fetch_all(
        """
        SELECT chat_id, command_id, stream_id, message_id, request FROM streams
        WHERE user_id = :user_id AND status = 'queued' AND chat_id IN :waiting ORDER BY rank, created_at, stream_id
        """,
        {"user_id": user_id, "waiting": waiting},
    )
    for row in rows:
        queued = QueuedQuestion(
            command_id=row["command_id"],
            stream_id=row["stream_id"],
            message_id=row["message_id"],
            text=from_text(row["request"])["text"][:QUEUE_TEXT],
        )
        queues.setdefault(row["chat_id"], []).append(queued)
    return queues


def _chat(row: Row, queues: dict[str, list[QueuedQuestion]]) -> DashboardChat:
    return DashboardChat(
        chat_id=row["chat_id"],
        title=row["title"],
        project_id=row["project_id"],
        pinned=bool(row["pinned"]),
        archived=bool(row["archived"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
        unseen=bool(row["unseen"]),
        last_status=row["last_status"],
        active_stream_id=row["active_stream_id"],
        leaf_id=row["leaf_id"],
        awaiting_approval=bool(row["is_asking"]) or None,
        queue=queues.get(row["chat_id"]),
        queue_paused=bool(row["queue_paused"]) or None,
    )
