"""Users: guests, accounts with an email and a password, and who an identity provider vouches for."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.store.queries import Queries, Row


@dataclass(frozen=True, slots=True)
class User:
    """A user as they are stored; times are Unix milliseconds.

    Args:
        kind: `guest` or `account`.
        password_hash: None when no password signs this user in.
        issuer, subject: who vouches for this user, and as whom; None for the others.
    """

    user_id: str
    kind: str
    email: str | None
    name: str | None
    password_hash: str | None
    issuer: str | None
    subject: str | None
    created_at: int
    disabled: bool


_COLUMNS = "user_id, kind, email, name, password_hash, issuer, subject, created_at, disabled_at"
_USER = f"SELECT {_COLUMNS} FROM users "  # noqa: S608 - constants


async def create_user(q: Queries, user_id: str, *, kind: str, epoch: str, now: int) -> None:
    """Add a user with an empty event log of this epoch."""
    await q.execute(
        "INSERT INTO users (user_id, kind, created_at, epoch) VALUES (:user_id, :kind, :now, :epoch)",
        {"user_id": user_id, "kind": kind, "now": now, "epoch": epoch},
    )


async def get(q: Queries, user_id: str) -> User | None:
    """Find a user."""
    return _user(await q.fetch_one(_USER + "WHERE user_id = :user_id", {"user_id": user_id}))


async def by_email(q: Queries, email: str) -> User | None:
    """Find the account that one signs in to with this email, as `credentials.email_of` spells it."""
    return _user(await q.fetch_one(_USER + "WHERE email = :email AND issuer IS NULL", {"email": email}))


async def by_subjects(q: Queries, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], User]:
    """Find the users whom identity providers know by these names, each an issuer and a subject."""
    rows = await q.fetch_all(
        _USER + "WHERE issuer IN :issuers AND subject IN :subjects",
        {"issuers": list({issuer for issuer, _ in names}), "subjects": [subject for _, subject in names]},
    )
    return {(row["issuer"], row["subject"]): user for row in rows if (user := _user(row)) is not None}


async def vouch(
    q: Queries,
    user_id: str,
    *,
    issuer: str,
    subject: str,
    email: str | None,
    name: str | None,
    epoch: str,
    now: int,
) -> User:
    """Add the user of a subject, or note what their provider says of them now; return them as they are.

    Args:
        user_id, epoch: of a new one.
    """
    row = await q.fetch_one(
        f"""
        INSERT INTO users (user_id, kind, email, name, issuer, subject, created_at, epoch)
        VALUES (:user_id, 'account', :email, :name, :issuer, :subject, :now, :epoch)
        ON CONFLICT (issuer, subject) WHERE issuer IS NOT NULL
        DO UPDATE SET email = excluded.email, name = excluded.name
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - constants
        {
            "user_id": user_id,
            "email": email,
            "name": name,
            "issuer": issuer,
            "subject": subject,
            "now": now,
            "epoch": epoch,
        },
    )
    user = _user(row)
    if user is None:
        raise LookupError("an INSERT returned no row")
    return user


async def called(q: Queries, name: str) -> list[User]:
    """Find users by their id or their email, which an account here and one of a provider may share."""
    rows = await q.fetch_all(
        _USER + "WHERE user_id = :name OR email = :email ORDER BY created_at", {"name": name, "email": name.lower()}
    )
    return [user for row in rows if (user := _user(row)) is not None]


async def everybody(q: Queries, *, guests: bool) -> list[User]:
    """List the accounts, and the guests if they are wanted, oldest first."""
    rows = await q.fetch_all(
        _USER + "WHERE :guests = 1 OR kind = 'account' ORDER BY created_at, user_id", {"guests": int(guests)}
    )
    return [user for row in rows if (user := _user(row)) is not None]


async def disable(q: Queries, user_id: str, *, disabled: bool) -> None:
    """Lock a user out, or let them in again."""
    await q.execute(
        """
        UPDATE users SET disabled_at = CASE WHEN :disabled = 1 THEN (SELECT now_ms FROM database_clock) END
        WHERE user_id = :user_id
        """,
        {"user_id": user_id, "disabled": int(disabled)},
    )


async def make_account(q: Queries, user_id: str, *, email: str, name: str | None, password_hash: str) -> bool:
    """Turn a guest into an account; say whether they were one.

    Raises:
        UniqueViolation: another account has this email.
    """
    row = await q.fetch_one(
        """
        UPDATE users SET kind = 'account', email = :email, name = :name, password_hash = :password_hash
        WHERE user_id = :user_id AND kind = 'guest' AND disabled_at IS NULL RETURNING user_id
        """,
        {"user_id": user_id, "email": email, "name": name, "password_hash": password_hash},
    )
    return row is not None


async def set_password(q: Queries, user_id: str, *, password_hash: str, instead_of: str | None = None) -> bool:
    """Replace the hash of a password.

    Args:
        instead_of: only if this is the hash until now; None: whatever it is.

    Returns:
        Whether it was replaced.
    """
    row = await q.fetch_one(
        """
        UPDATE users SET password_hash = :password_hash
        WHERE user_id = :user_id AND (:any_hash = 1 OR password_hash = :instead_of) RETURNING user_id
        """,
        {
            "user_id": user_id,
            "password_hash": password_hash,
            "any_hash": int(instead_of is None),
            "instead_of": instead_of or "",
        },
    )
    return row is not None


async def book_question(q: Queries, user_id: str, *, now: int, share_ms: int, most_ms: int) -> int:
    """Let one question more use up a user's rate; return until when it is used up, in Unix milliseconds.

    Args:
        share_ms: what one question uses up.
        most_ms: what questions before this one can have used up, ahead of `now`; more is a clock that went back.
    """
    row = await q.fetch_one(
        """
        UPDATE users SET asked_until = :share_ms + CASE
            WHEN asked_until < :now THEN :now WHEN asked_until > :full THEN :full ELSE asked_until
        END
        WHERE user_id = :user_id RETURNING asked_until
        """,
        {"user_id": user_id, "now": now, "full": now + most_ms, "share_ms": share_ms},
    )
    return now if row is None else int(row["asked_until"])


async def delete(q: Queries, user_id: str) -> None:
    """Delete a user with every row that is theirs. That they are gone is known for an hour, for every node to hear."""
    await q.execute("DELETE FROM users WHERE user_id = :user_id", {"user_id": user_id})
    await q.execute(
        """
        INSERT INTO deleted_users (user_id, deleted_at)
        VALUES (:user_id, (SELECT now_ms FROM database_clock)) ON CONFLICT DO NOTHING
        """,
        {"user_id": user_id},
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


def _user(row: Row | None) -> User | None:
    if row is None:
        return None
    return User(
        user_id=row["user_id"],
        kind=row["kind"],
        email=row["email"],
        name=row["name"],
        password_hash=row["password_hash"],
        issuer=row["issuer"],
        subject=row["subject"],
        created_at=row["created_at"],
        disabled=row["disabled_at"] is not None,
    )
