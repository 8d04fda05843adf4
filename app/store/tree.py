"""The tree of a chat's messages: which branch is shown, and what is shown below each message.

Below every message one child was shown last (`shown_child_id`). The shown branch is the path of such children that
ends with the chat's leaf; a branch that was left keeps its own, so whoever returns finds it as it was.
"""

from app.store.queries import Queries


async def leaf_below(q: Queries, user_id: str, chat_id: str, message_id: str) -> str:
    """Follow what was last shown below a message down to its leaf."""
    row = await q.fetch_one(
        """
        WITH RECURSIVE below (message_id, shown_child_id, depth) AS (
            SELECT message_id, shown_child_id, 0 FROM messages
            WHERE user_id = :user_id AND chat_id = :chat_id AND message_id = :message_id
            UNION ALL
            SELECT m.message_id, m.shown_child_id, b.depth + 1
            FROM messages m JOIN below b ON m.message_id = b.shown_child_id
            WHERE m.user_id = :user_id AND m.chat_id = :chat_id
        )
        SELECT message_id FROM below ORDER BY depth DESC LIMIT 1
        """,
        {"user_id": user_id, "chat_id": chat_id, "message_id": message_id},
    )
    leaf: str = message_id if row is None else row["message_id"]
    return leaf


async def show(q: Queries, user_id: str, chat_id: str, leaf_id: str) -> None:
    """Make each ancestor of a leaf show the branch that leads to it."""
    await q.execute(
        """
        WITH RECURSIVE branch (message_id, parent_id) AS (
            SELECT message_id, parent_id FROM messages
            WHERE user_id = :user_id AND chat_id = :chat_id AND message_id = :leaf_id
            UNION ALL
            SELECT m.message_id, m.parent_id FROM messages m JOIN branch b ON m.message_id = b.parent_id
            WHERE m.user_id = :user_id AND m.chat_id = :chat_id
        )
        UPDATE messages
        SET shown_child_id = (SELECT b.message_id FROM branch b WHERE b.parent_id = messages.message_id)
        WHERE user_id = :user_id AND message_id IN (
            SELECT b.parent_id FROM branch b JOIN messages p ON p.user_id = :user_id AND p.message_id = b.parent_id
            WHERE p.shown_child_id IS NULL OR p.shown_child_id <> b.message_id
        )
        """,
        {"user_id": user_id, "chat_id": chat_id, "leaf_id": leaf_id},
    )


async def newest(q: Queries, user_id: str, chat_id: str, leaf_id: str) -> list[str]:
    """Follow the shown branch from its leaf up to its newest answer that is stored whole; the ids of all of these."""
    rows = await q.fetch_all(
        """
        WITH RECURSIVE up (message_id, parent_id, is_whole) AS (
            SELECT message_id, parent_id, CASE WHEN role = 'assistant' THEN committed ELSE 0 END FROM messages
            WHERE user_id = :user_id AND chat_id = :chat_id AND message_id = :leaf_id
            UNION ALL
            SELECT m.message_id, m.parent_id, CASE WHEN m.role = 'assistant' THEN m.committed ELSE 0 END
            FROM messages m JOIN up u ON m.message_id = u.parent_id
            WHERE m.user_id = :user_id AND m.chat_id = :chat_id AND u.is_whole = 0
        )
        SELECT message_id FROM up
        """,
        {"user_id": user_id, "chat_id": chat_id, "leaf_id": leaf_id},
    )
    return [row["message_id"] for row in rows]
