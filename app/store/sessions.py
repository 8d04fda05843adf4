"""What people are signed in with: sessions, API tokens, and the one-time tickets of both. Only hashes are stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from app.store.queries import Queries, Row

# Written where no end is set; farther than any clock, and still a whole number for every JSON reader.
NEVER = 2**53 - 1
# How long an ended session is known as such; after that its token is as unknown as any other.
KNOWN_MS = 7 * 24 * 3_600_000

# How exactly it is known when a session was last in use.
SEEN_TO_MS = 15 * 60_000

Kind = Literal["login", "token"]


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in user, as a token proves it.

    Args:
        session_id: None when nothing is stored of it, because an identity provider vouches for the user.
        user_kind: `guest` or `account`.
        expires_at: Unix milliseconds; None: never.
        kind: how one signed in, or an API token.
        seen_at: when it was last used, coarsely; Unix milliseconds.
    """

    session_id: str | None
    user_id: str
    user_kind: str
    expires_at: int | None
    revoked: bool = False
    disabled: bool = False
    kind: Kind = "login"
    seen_at: int | None = None


class SignIn(NamedTuple):
    """A session as its owner sees it. Times are Unix milliseconds."""

    session_id: str
    name: str | None
    device: str | None
    created_at: int
    seen_at: int | None
    expires_at: int | None


class Ended(NamedTuple):
    """A session that was ended, or every one of a user."""

    user_id: str
    session_id: str | None
    code: str


_SESSION = """
    SELECT s.session_id, s.user_id, s.token_hash, s.expires_at, s.revoked_at, s.kind, s.seen_at,
           u.kind AS user_kind, u.disabled_at
    FROM sessions s JOIN users u ON u.user_id = s.user_id
"""


async def create(
    q: Queries,
    session_id: str,
    user_id: str,
    *,
    token_hash: str,
    now: int,
    expires_at: int | None,
    kind: Kind = "login",
    name: str | None = None,
    device: str | None = None,
) -> None:
    """Add a session.

    Args:
        token_hash: of its token, which is not stored.
        name: what its owner calls an API token.
        device: where it was begun, in words.
    """
    await q.execute(
        """
        INSERT INTO sessions (session_id, user_id, token_hash, created_at, expires_at, kind, name, device, seen_at)
        VALUES (:session_id, :user_id, :token_hash, :now, :expires_at, :kind, :name, :device, :seen_at)
        """,
        {
            "session_id": session_id,
            "user_id": user_id,
            "token_hash": token_hash,
            "now": now,
            "expires_at": NEVER if expires_at is None else expires_at,
            "kind": kind,
            "name": name,
            "device": device,
            "seen_at": now if kind == "login" else None,
        },
    )


async def by_tokens(q: Queries, token_hashes: Sequence[str]) -> dict[str, Session]:
    """Find the sessions that tokens belong to, by the hash of each, ended ones included."""
    rows = await q.fetch_all(_SESSION + "WHERE s.token_hash IN :hashes", {"hashes": list(token_hashes)})
    return {row["token_hash"]: session for row in rows if (session := _session(row)) is not None}


async def of_user(q: Queries, user_id: str, *, kind: Kind, now: int) -> list[SignIn]:
    """List the sessions of a user that are good, newest first; of very many the newest 100."""
    rows = await q.fetch_all(
        """
        SELECT session_id, name, device, created_at, seen_at, expires_at FROM sessions
        WHERE user_id = :user_id AND kind = :kind AND revoked_at IS NULL AND expires_at > :now
        ORDER BY created_at DESC, session_id LIMIT 100
        """,
        {"user_id": user_id, "kind": kind, "now": now},
    )
    return [
        SignIn(
            row["session_id"], row["name"], row["device"], row["created_at"], row["seen_at"], _end(row["expires_at"])
        )
        for row in rows
    ]


async def note_seen(q: Queries, session_ids: Sequence[str], *, now: int) -> None:
    """Write down that these sessions are in use, a quarter of an hour apart at most."""
    await q.execute(
        """
        UPDATE sessions SET seen_at = :now
        WHERE session_id IN :session_ids AND (seen_at IS NULL OR seen_at < :before)
        """,
        {"session_ids": list(session_ids), "now": now, "before": now - SEEN_TO_MS},
    )


async def prolong(q: Queries, session_id: str, *, expires_at: int) -> None:
    """Move the end of a session that is in use."""
    await q.execute(
        """
        UPDATE sessions SET expires_at = :expires_at
        WHERE session_id = :session_id AND revoked_at IS NULL AND expires_at < :expires_at
        """,
        {"session_id": session_id, "expires_at": expires_at},
    )


async def revoke(
    q: Queries,
    user_id: str,
    *,
    now: int,
    session_id: str | None = None,
    except_for: str | None = None,
    kind: Kind | None = None,
) -> list[str]:
    """End sessions of a user, for good.

    Args:
        now: Unix milliseconds; for a week from now it is known that they were ended.
        session_id: only this one.
        except_for: all but this one.
        kind: only those of this kind.

    Returns:
        The ids of those that were not ended before.
    """
    rows = await q.fetch_all(
        """
        UPDATE sessions SET
            revoked_at = (SELECT now_ms FROM database_clock),
            expires_at = CASE WHEN expires_at > :known_until THEN :known_until ELSE expires_at END
        WHERE user_id = :user_id AND revoked_at IS NULL
          AND (:any_id = 1 OR session_id = :session_id) AND (:no_exception = 1 OR session_id <> :except_for)
          AND (:any_kind = 1 OR kind = :kind)
        RETURNING session_id
        """,
        {
            "user_id": user_id,
            "known_until": now + KNOWN_MS,
            "any_id": int(session_id is None),
            "session_id": session_id or "",
            "no_exception": int(except_for is None),
            "except_for": except_for or "",
            "any_kind": int(kind is None),
            "kind": kind or "",
        },
    )
    return [row["session_id"] for row in rows]


async def ended_lately(q: Queries, *, within_ms: int) -> list[Ended]:
    """List who was signed out within so many milliseconds: by session, or with their account."""
    rows = await q.fetch_all(
        """
        SELECT user_id, session_id, 'session_revoked' AS code FROM sessions
        WHERE revoked_at > (SELECT now_ms FROM database_clock) - :within
        UNION ALL SELECT user_id, NULL AS session_id, 'account_disabled' AS code FROM users
        WHERE disabled_at > (SELECT now_ms FROM database_clock) - :within
        UNION ALL SELECT user_id, NULL AS session_id, 'session_revoked' AS code FROM deleted_users
        WHERE deleted_at > (SELECT now_ms FROM database_clock) - :within
        """,
        {"within": within_ms},
    )
    return [Ended(row["user_id"], row["session_id"], row["code"]) for row in rows]


async def create_ticket(q: Queries, ticket_hash: str, session: Session, *, expires_at: int) -> None:
    """Add a ticket that stands for a session, once."""
    await q.execute(
        """
        INSERT INTO tickets (ticket_hash, user_id, session_id, signed_in_until, expires_at)
        VALUES (:hash, :user_id, :session_id, :signed_in_until, :expires_at)
        """,
        {
            "hash": ticket_hash,
            "user_id": session.user_id,
            "session_id": session.session_id,
            "signed_in_until": NEVER if session.expires_at is None else session.expires_at,
            "expires_at": expires_at,
        },
    )


async def redeem_ticket(q: Queries, ticket_hash: str, *, now: int) -> Session | None:
    """Use up a ticket and find its session; None when it is unknown, used or too old."""
    ticket = await q.fetch_one(
        """
        DELETE FROM tickets WHERE ticket_hash = :hash
        RETURNING user_id, session_id, signed_in_until, expires_at
        """,
        {"hash": ticket_hash},
    )
    if ticket is None or ticket["expires_at"] <= now:
        return None
    if ticket["session_id"] is not None:
        return _session(await q.fetch_one(_SESSION + "WHERE s.session_id = :id", {"id": ticket["session_id"]}))
    user = await q.fetch_one(
        "SELECT kind, disabled_at FROM users WHERE user_id = :user_id", {"user_id": ticket["user_id"]}
    )
    if user is None:
        return None
    return Session(
        None,
        ticket["user_id"],
        user["kind"],
        _end(ticket["signed_in_until"]),
        disabled=user["disabled_at"] is not None,
    )


def _session(row: Row | None) -> Session | None:
    if row is None:
        return None
    return Session(
        session_id=row["session_id"],
        user_id=row["user_id"],
        user_kind=row["user_kind"],
        expires_at=_end(row["expires_at"]),
        revoked=row["revoked_at"] is not None,
        disabled=row["disabled_at"] is not None,
        kind=row["kind"],
        seen_at=row["seen_at"],
    )


def _end(written: int) -> int | None:
    return None if written == NEVER else written
