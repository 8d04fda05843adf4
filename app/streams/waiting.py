"""Ends for their readers the waiting streams that were withdrawn elsewhere: by an admin, or on another node."""

from app.store import streams
from app.store.queries import Queries
from app.streams.registry import Registry


class Waiting:
    """Compares what waits here with the database.

    Args:
        database: knows what was withdrawn.
        registry: has the readers.
    """

    def __init__(self, database: Queries, registry: Registry) -> None:
        self._database = database
        self._registry = registry

    async def look(self) -> None:
        """Do one round; mostly nothing waits, and nothing is read."""
        waiting = self._registry.waiting()
        if not waiting:
            return
        for row in await streams.ended(self._database, waiting):
            if row.started_at is None:  # else its owner says how it ended
                self._registry.withdraw(row, now=row.ended_at or row.created_at)
