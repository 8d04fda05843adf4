"""Codes that let one person register, where only those who are invited may."""

from app.store.queries import Queries


async def create(q: Queries, code_hash: str, *, expires_at: int) -> None:
    """Add a code, of which only the hash is stored."""
    await q.execute(
        "INSERT INTO invites (code_hash, expires_at) VALUES (:hash, :expires_at)",
        {"hash": code_hash, "expires_at": expires_at},
    )


async def redeem(q: Queries, code_hash: str, *, now: int) -> bool:
    """Use up a code; say whether it was good. Whoever does not register after all rolls that back."""
    row = await q.fetch_one("DELETE FROM invites WHERE code_hash = :hash RETURNING expires_at", {"hash": code_hash})
    return row is not None and int(row["expires_at"]) > now
