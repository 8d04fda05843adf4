"""Ends streams: stores the message, tells the readers, starts whoever waits. Written once, whatever happens."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace

from app.clock import Clock
from app.store import streams
from app.store.engine import Database
from app.store.errors import StoreError, StoreUnavailable
from app.store.outbox import Outbox
from app.streams import ledger
from app.streams.generation import Ending, Generation, ending_of_row, failed
from app.streams.quota import Quota
from app.streams.stream import Stream
from app.streams.tally import Tally
from app.streams.ticker import Ticker
from protocol.errors import Refusal
from protocol.parts.chunks import Part
from protocol.parts.fold import Fold

log = logging.getLogger("tidewire.streams")

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0

# Of a user and one of their chats: whether a person sees it right now. It never fails; what it cannot know is a no.
IsWatched = Callable[[str, str], Awaitable[bool]]


class StreamLost(Exception):  # noqa: N818 - says what happened
    """Another node has taken the stream over; whatever this one knows of it does not count any more."""


class Closing:
    """Brings a complete log to its end (guarantees 12 and 13).

    Args:
        database, outbox: where the message is stored.
        ticker: writes the end into the journal, behind the last chunk.
        clock: stamps the end.
        is_watched: says whether a person saw it end.
        node: this node, which must still own what it ends.
        quota: how much one user may have.

    Attributes:
        tally: counts what was ended.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        ticker: Ticker,
        clock: Clock,
        is_watched: IsWatched,
        *,
        node: str,
        quota: Quota,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._ticker = ticker
        self._clock = clock
        self._is_watched = is_watched
        self._node = node
        self._quota = quota
        self.tally = Tally()

    async def end(
        self,
        generation: Generation,
        stream: Stream,
        ending: Ending,
        *,
        start_next: bool = True,
        patience: float = math.inf,
    ) -> list[Generation]:
        """Store the answer, then send its `stream.end`; return the generations whose turn has come.

        While the database is away this waits and tries again: the message is whole in memory and in the journal, and
        its readers have seen all of it.

        Args:
            start_next: whether streams that wait may have their turn; not while this node drains.
            patience: after how many seconds to give up; a start must not wait for a database for ever.

        Raises:
            StoreUnavailable: patience is over; the answer is as unfinished as before.
            StreamLost: another node ends it.
            StoreError: the database refuses even an empty answer; its stream stays open until somebody looks.
        """
        pause, give_up_at = FIRST_PAUSE, self._clock.monotonic() + patience
        parts: list[Part] | None = None
        while True:
            try:
                ending, started = await self._store(generation, stream, ending, parts, start_next=start_next)
                break
            except StoreUnavailable as problem:
                if self._clock.monotonic() >= give_up_at:
                    raise
                log.warning("%s: its end cannot be stored yet: %s", stream.stream_id, problem)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
            except Refusal:
                started = []  # the user is gone, and the answer with it
                break
            except StoreError:
                if start_next:  # this answer is whole all the same, and its readers wait for its end
                    log.exception("%s ends, but what waits behind it cannot start", stream.stream_id)
                    start_next = False
                elif parts is None:  # nobody will read it, but its chat must not stay blocked
                    log.exception("%s cannot be stored as it is, so it ends empty", stream.stream_id)
                    ending, parts = replace(failed("internal"), usage=ending.usage), []
                else:
                    raise
        end = ending.frame(stream.stream_id, stream.chat_id, stream.message_id, stream.log.tail)
        stream.finish(end, now=self._clock.now_ms())
        self._ticker.touch(stream, urgent=True)
        self.tally.count(ending, (self._clock.now_ms() - generation.started_at) / 1000)
        return started

    async def _store(
        self,
        generation: Generation,
        stream: Stream,
        ending: Ending,
        parts: list[Part] | None,
        *,
        start_next: bool,
    ) -> tuple[Ending, list[Generation]]:
        metadata = generation.metadata | ending.metadata(self._clock.now_ms())
        if parts is None:
            folded = Fold().extend(stream.log.merged())
            # What the log says of its end counts (guarantee 13); an empty log says nothing.
            parts, metadata = folded.parts, metadata | (folded.metadata or {})
        watched = await self._is_watched(generation.user_id, generation.chat_id)  # before: a change waits for nobody
        async with self._outbox.change(generation.user_id) as change:
            ours = await ledger.end(
                change,
                generation,
                ending,
                node=self._node,
                seq=stream.log.tail,
                parts=parts,
                metadata=metadata,
                watched=watched,
            )
            if ours:
                if not start_next:
                    return ending, []
                return ending, await ledger.start_waiting(change, node=self._node, quota=self._quota)
            row = await streams.get(change.tx, generation.user_id, generation.stream_id)
        if row is not None and row.node != self._node:
            raise StreamLost
        # Its chat was deleted, or it was stored by a try whose answer got lost: then what is stored counts.
        return (ending if row is None else ending_of_row(row)), []
