"""What a start does about the streams of a process that died: closes their logs and stores what was shown.

Embedded, the lock on the data folder is the lease: whoever holds it knows that no other process writes, so every
stream that is not ended is sealed at once. Its log is what the journal holds, which is everything any client was
shown (guarantee 19b), closed by the ends of its open parts.
"""

import logging

from app.backplane.interface import Journal
from app.clock import Clock
from app.store import streams
from app.store.engine import Database
from app.store.errors import BadQuery, ConstraintViolation, StoreUnavailable
from app.store.outbox import Outbox
from app.store.streams import StreamRow
from app.streams import ledger
from app.streams.closing import Closing
from app.streams.generation import INTERRUPTED, Ending, Generation, ending_of_log, ending_of_row
from app.streams.registry import Registry
from app.streams.supervisor import Supervisor
from protocol.codec import encode
from protocol.parts.grammar import Grammar, ending

log = logging.getLogger("tidewire.streams")

# How long a start waits for a database that cannot be written, in seconds; whoever started it reads why it did not.
PATIENCE = 5.0


class Recovery:
    """Seals what a dead process left, and starts what waited.

    Args:
        database, outbox: what was promised.
        journal: what was shown.
        registry: where readers find the sealed streams.
        closing: stores them.
        supervisor: runs those whose turn has come.
        clock: stamps.
        node: this node.
        at_once: how many streams of one user may run at the same time.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        journal: Journal,
        registry: Registry,
        closing: Closing,
        supervisor: Supervisor,
        clock: Clock,
        *,
        node: str,
        at_once: int,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._journal = journal
        self._registry = registry
        self._closing = closing
        self._supervisor = supervisor
        self._clock = clock
        self._node = node
        self._at_once = at_once

    async def run(self) -> None:
        """Leave nothing running that nobody runs.

        Raises:
            StoreUnavailable: the database cannot be written.
        """
        await self._close_stored()
        unfinished = await streams.unfinished(self._database)
        for row in unfinished:
            try:
                started = await self._seal(row)
            except StoreUnavailable:
                raise  # nothing can be sealed now, so nothing can be started
            except Exception:
                log.exception("%s cannot be sealed; the others are", row.stream_id)
                continue
            for generation in started:
                self._supervisor.launch(generation)
        if unfinished:
            log.warning("sealed %d answers that an earlier process left unfinished", len(unfinished))
        for user_id in await streams.users_with_queued(self._database):
            await self._start_waiting(user_id)

    async def _close_stored(self) -> None:
        """Close logs that ended, or whose chat was deleted, just before the process died: nobody else would."""
        open_logs = [
            stream_id for stream_id, held in (await self._journal.streams()).items() if held.ended_at_ms is None
        ]
        if not open_logs:
            return
        for row in await streams.ended(self._database, open_logs):
            end = ending_of_row(row).frame(row.stream_id, row.chat_id, row.message_id, row.seq)
            await self._journal.close_stream(row.stream_id, encode(end))
        for stream_id in set(open_logs) - await streams.existing(self._database, open_logs):
            end = INTERRUPTED.frame(stream_id, "deleted", "deleted", 0)  # for nobody: its stream cannot be found
            await self._journal.close_stream(stream_id, encode(end))

    async def _seal(self, row: StreamRow) -> list[Generation]:
        stream = self._registry.expect(row)
        written = await self._journal.read(row.stream_id)
        grammar = Grammar().extend(written)
        sealed = ending_of_log(written) if grammar.ended else Ending("interrupted", error=INTERRUPTED.error)
        stream.journaled = stream.log.extend(written)
        stream.log.extend(ending(grammar, sealed.metadata(self._clock.now_ms()), sealed.last_chunk()))
        return await self._closing.end(_generation(row), stream, sealed, sealing=True, patience=PATIENCE)

    async def _start_waiting(self, user_id: str) -> None:
        try:
            async with self._outbox.change(user_id) as change:
                started = await ledger.start_waiting(change, node=self._node, at_once=self._at_once)
        except (ConstraintViolation, BadQuery):
            log.exception("the answers that %s waits for cannot start", user_id)
            return  # one user's queue must not keep the server from starting
        for generation in started:
            self._supervisor.launch(generation)


def _generation(row: StreamRow) -> Generation:
    """What the row says of the generation its dead owner ran; only what storing its end needs."""
    started_at = row.started_at or row.created_at
    return Generation(
        stream_id=row.stream_id,
        user_id=row.user_id,
        chat_id=row.chat_id,
        message_id=row.message_id,
        question_id=row.request["questionId"],
        model=row.request["model"],
        options=row.request["options"],
        started_at=started_at,
        metadata={
            "model": row.request["model"],
            "createdAt": started_at,
            "parentId": row.request["questionId"],
        },
    )
