"""What a start does about the streams of a process that died: closes their logs and stores what was shown.

Only for a node that knows it is alone: whoever holds the lock on the data folder, or the only lease, knows that no
other process writes, so every stream that is not ended is claimed and sealed at once. One of several nodes leaves that
to the rounds of `ownership`, which wait until the dead node's lease has run out.
"""

import logging

from app.backplane.interface import Journal, StreamKey
from app.store import streams
from app.store.engine import Database
from app.store.errors import StoreUnavailable
from app.streams.generation import INTERRUPTED, ending_of_row
from app.streams.sealing import Sealing, about
from app.streams.supervisor import Supervisor
from protocol.codec import encode

log = logging.getLogger("tidewire.streams")


class Recovery:
    """Seals what a dead process left.

    Args:
        database: what was promised.
        journal: what was shown.
        sealing: ends it.
        supervisor: runs those whose turn has come.
        node: this node.
    """

    def __init__(
        self, database: Database, journal: Journal, sealing: Sealing, supervisor: Supervisor, *, node: str
    ) -> None:
        self._database = database
        self._journal = journal
        self._sealing = sealing
        self._supervisor = supervisor
        self._node = node

    async def run(self) -> None:
        """Leave nothing running that nobody runs.

        Raises:
            StoreUnavailable: the database cannot be written.
        """
        await self._close_stored()
        await streams.claim_all(self._database, self._node)
        unfinished = await streams.owned(self._database, self._node)
        for row in unfinished:
            try:
                started = await self._sealing.seal(row)
            except StoreUnavailable:
                raise  # nothing can be sealed now, so nothing can be started
            except Exception:
                log.exception("%s cannot be sealed; the others are", row.stream_id, extra=about(row))
                continue
            for generation in started:
                self._supervisor.launch(generation)
        if unfinished:
            log.warning("sealed %d answers that an earlier process left unfinished", len(unfinished))

    async def _close_stored(self) -> None:
        """Close logs that ended, or whose chat was deleted, just before the process died: nobody else would."""
        held = await self._journal.streams()
        open_logs = {key.stream_id: key for key, log in held.items() if log.ended_at_ms is None}
        if not open_logs:
            return
        for row in await streams.ended(self._database, list(open_logs)):
            end = ending_of_row(row).frame(row.stream_id, row.chat_id, row.message_id, row.seq)
            await self._journal.close_stream(StreamKey(row.user_id, row.stream_id), encode(end))
        for stream_id in open_logs.keys() - await streams.existing(self._database, list(open_logs)):
            end = INTERRUPTED.frame(stream_id, "deleted", "deleted", 0)  # for nobody: its stream cannot be found
            await self._journal.close_stream(open_logs[stream_id], encode(end))
