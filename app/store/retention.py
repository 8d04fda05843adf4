"""Forgets what has outlived its limit: old events, receipts, tickets, files, ids of what was deleted, guests who left.

How many events a user may have is minded where they are written (`events.append`); here rows go by their age. Every
statement finds them by an index and takes only so many, so that no sweep keeps the one writer of SQLite for long.
"""

from typing import NamedTuple

from app.store import users
from app.store.engine import Database
from protocol.limits import Limits

# A deleted chat's id cannot be used again for a day, so that a late command does not bring it back.
TOMBSTONE_MS = 24 * 3_600_000
# Every node has long heard of a user who was deleted.
HEARD_MS = 3_600_000


class _Aging(NamedTuple):
    """A table whose rows grow old.

    Args:
        key: its primary key.
        time: the column that says how old a row is, in Unix milliseconds.
        batch: how many rows one transaction deletes.
        keeps_guests: whether a guest stays because of such a row.
    """

    table: str
    key: str
    time: str
    batch: int = 500
    keeps_guests: bool = False


_EVENTS = _Aging("events", "user_id, event_offset", "time")
_RECEIPTS = _Aging("idempotency", "user_id, command_id", "created_at")
_STOPS = _Aging("early_stops", "user_id, command_id", "expires_at")
_REQUESTS = _Aging("tool_requests", "stream_id, kind, request_id", "asked_at")
_TICKETS = _Aging("tickets", "ticket_hash", "expires_at")
_INVITES = _Aging("invites", "code_hash", "expires_at")
_DELETED_USERS = _Aging("deleted_users", "user_id", "deleted_at")
_FILES = _Aging("files", "user_id, file_id", "expires_at", batch=10)  # with all their bytes
_SESSIONS = _Aging("sessions", "session_id", "expires_at", batch=50, keeps_guests=True)
_CHATS = _Aging("chats", "user_id, chat_id", "deleted_at", batch=20, keeps_guests=True)  # with all their messages


async def sweep(database: Database, limits: Limits, *, now: int) -> None:
    """Delete what is too old.

    Args:
        limits: how long events and receipts are kept.
        now: Unix time in milliseconds.
    """
    await _delete(database, _EVENTS, now - limits.event_log_ms)
    await _delete(database, _RECEIPTS, now - limits.idempotency_ms)
    await _delete(database, _STOPS, now)
    await _delete(database, _REQUESTS, now - limits.idempotency_ms - limits.tool_wait_ms)
    await _delete(database, _TICKETS, now)
    await _delete(database, _INVITES, now)
    await _delete(database, _DELETED_USERS, now - HEARD_MS)
    await _delete(database, _FILES, now)
    await _delete(database, _SESSIONS, now)
    await _delete(database, _CHATS, now - TOMBSTONE_MS)


async def _delete(database: Database, aging: _Aging, before: int) -> None:
    table, key, time, batch, keeps_guests = aging
    old = f"SELECT {key} FROM {table} WHERE {time} < :before LIMIT :batch"  # noqa: S608 - constants
    owner = "user_id" if keeps_guests else "1 AS one"
    # Asked twice: on PostgreSQL a row may be given more time between being found and being deleted.
    statement = f"DELETE FROM {table} WHERE {time} < :before AND ({key}) IN ({old}) RETURNING {owner}"  # noqa: S608
    more = True
    while more:
        async with database.transaction() as tx:
            gone = await tx.fetch_all(statement, {"before": before, "batch": batch})
            if gone and keeps_guests:
                # In the same transaction: nothing else would ever look at these guests again.
                await users.delete_guests(tx, sorted({row["user_id"] for row in gone}))
        more = len(gone) == batch
