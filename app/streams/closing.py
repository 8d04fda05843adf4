"""Ends streams: stores the message, tells the readers, starts whoever waits. Written once, whatever happens."""

import asyncio
import logging

from app.backplane.interface import Journal, JournalError
from app.clock import Clock
from app.store import streams
from app.store.engine import Database
from app.store.errors import StoreUnavailable
from app.store.outbox import Outbox
from app.streams import ledger
from app.streams.generation import Ending, Generation, ending_of_row
from app.streams.stream import Stream
from app.streams.ticker import Ticker
from protocol.codec import encode
from protocol.errors import Refusal
from protocol.parts.fold import Fold

log = logging.getLogger("tidewire.streams")

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


class Closing:
    """Brings a complete log to its end (guarantees 12 and 13).

    Args:
        database, outbox: where the message is stored.
        journal: keeps the log for those who come late.
        ticker: knows how far the journal is.
        clock: stamps the end.
        node: this node, which must still own what it ends.
        at_once: how many streams of one user may run at the same time.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        journal: Journal,
        ticker: Ticker,
        clock: Clock,
        *,
        node: str,
        at_once: int,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._journal = journal
        self._ticker = ticker
        self._clock = clock
        self._node = node
        self._at_once = at_once

    async def end(
        self, generation: Generation, stream: Stream, ending: Ending, *, sealing: bool = False
    ) -> list[Generation]:
        """Store the answer, then send its `stream.end`; return the generations whose turn has come.

        While the database is away this waits and tries again: the message is whole in memory and in the journal, and
        its readers have seen all of it.

        Args:
            sealing: the owner is dead, so its ownership does not count.
        """
        pause = FIRST_PAUSE
        while True:
            try:
                ending, started = await self._store(generation, stream, ending, node=None if sealing else self._node)
                break
            except StoreUnavailable as problem:
                log.warning("%s: its end cannot be stored yet: %s", stream.stream_id, problem)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
            except Refusal:
                started = []  # the user is gone, and the answer with it
                break
        end = ending.frame(stream.stream_id, stream.chat_id, stream.message_id, stream.log.tail)
        stream.finish(end, now=self._clock.now_ms())
        await self._close_journal(stream, encode(end))
        return started

    async def _store(
        self, generation: Generation, stream: Stream, ending: Ending, *, node: str | None
    ) -> tuple[Ending, list[Generation]]:
        folded = Fold()
        for chunk in stream.log.raw(0, stream.log.tail):
            folded.apply(chunk)
        # What the log says of its end counts (guarantee 13); an empty log says nothing.
        metadata = generation.metadata | ending.metadata(self._clock.now_ms()) | (folded.metadata or {})
        async with self._outbox.change(generation.user_id) as change:
            ours = await ledger.end(
                change,
                generation,
                ending,
                node=node,
                seq=stream.log.tail,
                parts=folded.parts,
                metadata=metadata,
            )
            if ours:
                return ending, await ledger.start_waiting(change, node=self._node, at_once=self._at_once)
            row = await streams.get(change.tx, generation.user_id, generation.stream_id)
        # Stored by a try whose answer got lost, or by somebody who thought this node dead: what is stored counts.
        return (ending if row is None else ending_of_row(row)), []

    async def _close_journal(self, stream: Stream, end: bytes) -> None:
        self._ticker.forget(stream.stream_id)
        try:
            await self._journal.close_stream(stream.stream_id, end)
        except JournalError as problem:
            log.error("%s: the journal did not take its end: %s", stream.stream_id, problem)
