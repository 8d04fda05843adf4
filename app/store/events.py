"""The event log of each user: numbered without gaps, and only as long as the limits say."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from app.store.queries import Queries, Row, batches, values_list


class StoredEvent(NamedTuple):
    """One event; `data` is its JSON text, which goes to the wire unparsed."""

    offset: int
    name: str
    time: int
    source_client_id: str | None
    data: str


class Head(NamedTuple):
    """Where a user's event log stands."""

    epoch: str
    offset: int


# Rows in one INSERT; few enough that the texts of all such statements can be kept ready.
_AT_ONCE = 100
_COLUMNS = ("user_id", "event_offset", "name", "time", "source_client_id", "data")


async def head(q: Queries, user_id: str) -> Head | None:
    """Read where a user's log stands; None when there is no such user."""
    row = await q.fetch_one("SELECT epoch, head FROM users WHERE user_id = :user_id", {"user_id": user_id})
    return None if row is None else Head(row["epoch"], row["head"])


async def heads(q: Queries, user_ids: Sequence[str]) -> dict[str, Head]:
    """Read where the logs of many users stand."""
    rows = await q.fetch_all(
        "SELECT user_id, epoch, head FROM users WHERE user_id IN :user_ids", {"user_ids": list(user_ids)}
    )
    return {row["user_id"]: Head(row["epoch"], row["head"]) for row in rows}


async def after(q: Queries, user_id: str, offset: int, *, limit: int) -> list[StoredEvent]:
    """Read the events after an offset, oldest first."""
    rows = await q.fetch_all(
        """
        SELECT event_offset, name, time, source_client_id, data FROM events
        WHERE user_id = :user_id AND event_offset > :offset ORDER BY event_offset LIMIT :limit
        """,
        {"user_id": user_id, "offset": offset, "limit": limit},
    )
    return [_event(row) for row in rows]


async def after_each(
    q: Queries, positions: Sequence[tuple[str, int]], *, limit: int
) -> dict[tuple[str, int], list[StoredEvent]]:
    """As `after` for many positions, each a user and an offset; those that nothing follows are left out."""
    one = """
        SELECT * FROM (
            SELECT user_id, {n} AS place, event_offset, name, time, source_client_id, data FROM events
            WHERE user_id = :user{n} AND event_offset > :offset{n} ORDER BY event_offset LIMIT :limit
        ) AS after{n}
    """
    values: dict[str, Any] = {"limit": limit}
    for n, (user_id, offset) in enumerate(positions):
        values |= {f"user{n}": user_id, f"offset{n}": offset}
    rows = await q.fetch_all(" UNION ALL ".join(one.format(n=n) for n in range(len(positions))), values)
    found: dict[tuple[str, int], list[StoredEvent]] = {}
    for row in rows:
        found.setdefault(positions[row["place"]], []).append(_event(row))
    return {position: sorted(events) for position, events in found.items()}


async def lock(q: Queries, user_id: str) -> Head | None:
    """Lock a user against other changes and read the log's head; first statement of every change."""
    row = await q.fetch_one(
        "UPDATE users SET head = head WHERE user_id = :user_id RETURNING epoch, head", {"user_id": user_id}
    )
    return None if row is None else Head(row["epoch"], row["head"])


async def append(q: Queries, user_id: str, events: Sequence[StoredEvent], *, keep: int) -> None:
    """Write events, move the head to the last of them and delete the oldest; the user must be locked.

    Args:
        keep: how many of the user's newest events stay.
    """
    rows: list[tuple[Any, ...]] = [(user_id, *event) for event in events]
    for batch in batches(rows, _AT_ONCE):
        places, values = values_list(_COLUMNS, batch)
        await q.execute(f"INSERT INTO events ({', '.join(_COLUMNS)}) VALUES {places}", values)  # noqa: S608 - constants
    await q.execute(
        "UPDATE users SET head = :head WHERE user_id = :user_id", {"user_id": user_id, "head": events[-1].offset}
    )
    if (last := events[-1].offset - keep) > 0:
        await q.execute(
            "DELETE FROM events WHERE user_id = :user_id AND event_offset <= :last", {"user_id": user_id, "last": last}
        )


def _event(row: Row) -> StoredEvent:
    return StoredEvent(row["event_offset"], row["name"], row["time"], row["source_client_id"], row["data"])
