"""Users, their sessions, and the one-time tickets of a session."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.store.queries import Queries, Row


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in user, as a token proves it. Times are Unix milliseconds."""

    session_id: str
    user_id: str
    kind: str
    expires_at: int
    revoked: bool
    disabled: bool


_SESSION = """
    SELECT s.session_id, s.user_id, s.expires_at, s.revoked_at, u.kind, u.disabled_at
    FROM sessions s JOIN users u ON u.user_id = s.user_id
"""


async def create_user(q: Queries, user_id: str, *, kind: str, epoch: str, now: int) -> None:
    """Add a user with an empty event log of this epoch."""
    await q.execute(
        "INSERT INTO users (user_id, kind, created_at, epoch) VALUES (:user_id, :kind, :now, :epoch)",
        {"user_id": user_id, "kind": kind, "now": now, "epoch": epoch},
    )


async def create_session(
    q: Queries, session_id: str, user_id: str, *, token_hash: str, now: int, expires_at: int
) -> None:
    """Add a session; only the hash of its token is ever stored."""
    await q.execute(
        """
        INSERT INTO sessions (session_id, user_id, token_hash, created_at, expires_at)
        VALUES (:session_id, :user_id, :token_hash, :now, :expires_at)
        """,
        {
            "session_id": session_id,
            "user_id": user_id,
            "token_hash": token_hash,
            "now": now,
            "expires_at": expires_at,
        },
    )


async def delete_guests(q: Queries, user_ids: Sequence[str]) -> None:
    """Delete those of these users who are guests without a session, who can never come back, and without chats."""
    await q.execute(
        """
        DELETE FROM users WHERE user_id IN :user_ids AND kind = 'guest'
        AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.user_id = users.user_id)
        AND NOT EXISTS (SELECT 1 FROM chats c WHERE c.user_id = users.user_id)
        """,
        {"user_ids": list(user_ids)},
    )


async def session_by_token(q: Queries, token_hash: str) -> Session | None:
    """Find the session a token belongs to, ended ones included."""
    return _session(await q.fetch_one(_SESSION + "WHERE s.token_hash = :hash", {"hash": token_hash}))


async def create_ticket(q: Queries, ticket_hash: str, session_id: str, *, expires_at: int) -> None:
    """Add a ticket that stands for a session, once."""
    await q.execute(
        "INSERT INTO tickets (ticket_hash, session_id, expires_at) VALUES (:hash, :session_id, :expires_at)",
        {"hash": ticket_hash, "session_id": session_id, "expires_at": expires_at},
    )


async def redeem_ticket(q: Queries, ticket_hash: str, *, now: int) -> Session | None:
    """Use up a ticket and find its session; None when it is unknown, used or too old."""
    row = await q.fetch_one(
        "DELETE FROM tickets WHERE ticket_hash = :hash RETURNING session_id, expires_at", {"hash": ticket_hash}
    )
    if row is None or row["expires_at"] <= now:
        return None
    return _session(await q.fetch_one(_SESSION + "WHERE s.session_id = :id", {"id": row["session_id"]}))


def _session(row: Row | None) -> Session | None:
    if row is None:
        return None
    return Session(
        session_id=row["session_id"],
        user_id=row["user_id"],
        kind=row["kind"],
        expires_at=row["expires_at"],
        revoked=row["revoked_at"] is not None,
        disabled=row["disabled_at"] is not None,
    )
