"""The leases of the nodes: which of them live, by the clock of the database alone.

A node renews one row for all of its streams. Whoever is late is dead to the others, whatever it thinks of itself: its
streams may be claimed, and from then on nothing it writes about them counts (`streams.finish`, `streams.claim`).
"""

from collections.abc import Sequence
from typing import NamedTuple

from app.store.queries import Queries


class Lease(NamedTuple):
    """A node's lease. Times are Unix milliseconds of the database's clock.

    Attributes:
        acquired_at: since when it was renewed without a break.
        renewed_at: when it was renewed last.
        expires_at: until when it is good.
    """

    acquired_at: int
    renewed_at: int
    expires_at: int


class Neighbour(NamedTuple):
    """Another node that lives: how long its lease is good without being renewed, in milliseconds."""

    node: str
    remaining_ms: int


async def renew(q: Queries, node: str, *, term_ms: int) -> Lease:
    """Take a lease, or prolong it; one that had run out begins anew, because others may have acted since."""
    rows = await q.fetch_all(
        """
        INSERT INTO leases (node, acquired_at, renewed_at, expires_at)
        SELECT :node, now_ms, now_ms, now_ms + :term_ms FROM database_clock WHERE 1 = 1
        ON CONFLICT (node) DO UPDATE SET
            acquired_at = CASE
                WHEN leases.expires_at <= excluded.renewed_at THEN excluded.renewed_at ELSE leases.acquired_at
            END,
            renewed_at = excluded.renewed_at,
            expires_at = excluded.expires_at
        RETURNING acquired_at, renewed_at, expires_at
        """,
        {"node": node, "term_ms": term_ms},
    )
    return Lease(**rows[0])


async def release(q: Queries, node: str) -> None:
    """Give a lease back: whatever this node still owns may be claimed at once."""
    await q.execute("DELETE FROM leases WHERE node = :node", {"node": node})


async def neighbours(q: Queries, node: str) -> Sequence[Neighbour]:
    """List the other nodes that live, the one whose lease ends first in front."""
    rows = await q.fetch_all(
        """
        SELECT node, expires_at - now_ms AS remaining_ms FROM leases, database_clock
        WHERE node <> :node AND expires_at > now_ms ORDER BY expires_at
        """,
        {"node": node},
    )
    return [Neighbour(row["node"], row["remaining_ms"]) for row in rows]


async def forget_dead(q: Queries, *, older_than_ms: int) -> None:
    """Delete leases that ran out long ago; their nodes will not come back under that name."""
    await q.execute(
        "DELETE FROM leases WHERE expires_at < (SELECT now_ms FROM database_clock) - :age", {"age": older_than_ms}
    )
