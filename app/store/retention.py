"""Forgets what has outlived its limit: old events, receipts, tickets, and the ids of deleted chats."""

from app.store.queries import Queries
from protocol.limits import Limits

# A deleted chat's id cannot be used again for a day, so that a late command does not bring it back.
TOMBSTONE_MS = 24 * 3_600_000


async def sweep(q: Queries, limits: Limits, *, now: int) -> None:
    """Delete what is too old.

    Args:
        limits: how long events and receipts are kept.
        now: Unix time in milliseconds.
    """
    await q.execute("DELETE FROM events WHERE time < :before", {"before": now - limits.event_log_ms})
    await q.execute(
        """
        DELETE FROM events WHERE event_offset <= (SELECT head FROM users u WHERE u.user_id = events.user_id) - :kept
        """,
        {"kept": limits.event_log_events},
    )
    await q.execute("DELETE FROM idempotency WHERE created_at < :before", {"before": now - limits.idempotency_ms})
    await q.execute("DELETE FROM early_stops WHERE expires_at < :now", {"now": now})
    await q.execute("DELETE FROM tickets WHERE expires_at < :now", {"now": now})
    await q.execute("DELETE FROM sessions WHERE expires_at < :now", {"now": now})
    await q.execute("DELETE FROM chats WHERE deleted_at < :before", {"before": now - TOMBSTONE_MS})
