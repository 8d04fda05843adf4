"""Commands that were carried out, remembered so that a repeat has no second effect (guarantee 3)."""

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from app.store.queries import Queries, from_text, to_text
from protocol.codec import to_json
from protocol.errors import Refusal
from protocol.frames.client import Command


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a command answered when it was carried out."""

    result: dict[str, Any]


def body_hash(command: Command) -> str:
    """Hash everything a command says but its id; an absent field equals one at its default."""
    body = {name: value for name, value in to_json(command).items() if name != "id"}
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def receipt(q: Queries, user_id: str, command: Command) -> Receipt | None:
    """Find what this command answered before.

    Raises:
        Refusal: `idempotency_conflict`, when the id was used with another body.
    """
    row = await q.fetch_one(
        "SELECT body_hash, result FROM idempotency WHERE user_id = :user_id AND command_id = :id",
        {"user_id": user_id, "id": command.id},
    )
    if row is None:
        return None
    if row["body_hash"] != body_hash(command):
        raise Refusal("idempotency_conflict")
    return Receipt(from_text(row["result"]))


async def remember(q: Queries, user_id: str, command: Command, result: dict[str, Any], *, now: int) -> None:
    """Write down what this command answers, in the transaction of its effect."""
    await q.execute(
        """
        INSERT INTO idempotency (user_id, command_id, body_hash, result, created_at)
        VALUES (:user_id, :id, :hash, :result, :now)
        """,
        {"user_id": user_id, "id": command.id, "hash": body_hash(command), "result": to_text(result), "now": now},
    )


async def stop_early(q: Queries, user_id: str, command_id: str, *, expires_at: int) -> None:
    """Note that a command is to be stopped when it comes (guarantee 15)."""
    await q.execute(
        """
        INSERT INTO early_stops (user_id, command_id, expires_at) VALUES (:user_id, :id, :expires_at)
        ON CONFLICT (user_id, command_id) DO UPDATE SET expires_at = excluded.expires_at
        """,
        {"user_id": user_id, "id": command_id, "expires_at": expires_at},
    )


async def take_early_stop(q: Queries, user_id: str, command_id: str, *, now: int) -> bool:
    """Say whether this command was stopped before it came; the note is used up."""
    row = await q.fetch_one(
        "DELETE FROM early_stops WHERE user_id = :user_id AND command_id = :id RETURNING expires_at",
        {"user_id": user_id, "id": command_id},
    )
    return row is not None and row["expires_at"] > now
