"""Seals a stream whose owner died: closes its log with what the journal holds, and stores what was shown."""

from dataclasses import replace

from app.backplane.interface import Journal
from app.clock import Clock
from app.store.streams import StreamRow
from app.streams.closing import Closing
from app.streams.generation import INTERRUPTED, Generation, ending_of_log, estimate
from app.streams.registry import Registry
from protocol.parts.grammar import Grammar, ending

# How long to try to store what is sealed, in seconds; it stays claimed, so the next round tries again.
PATIENCE = 5.0


class Sealing:
    """Ends what dead processes left (guarantee 18).

    Its log is what the journal holds, which is everything any client was shown (guarantee 19b), closed by the ends of
    its open parts.

    Args:
        journal: what was shown.
        registry: where readers find the sealed streams.
        closing: stores them.
        clock: stamps.
    """

    def __init__(self, journal: Journal, registry: Registry, closing: Closing, clock: Clock) -> None:
        self._journal = journal
        self._registry = registry
        self._closing = closing
        self._clock = clock

    async def seal(self, row: StreamRow, *, start_next: bool = True) -> list[Generation]:
        """End a stream that this node has claimed; return the generations whose turn has come.

        Args:
            row: the stream, as it was claimed.
            start_next: whether streams that wait may have their turn.

        Raises:
            StreamLost: yet another node has claimed it since.
            StoreUnavailable, JournalUnavailable: it is as unfinished as before, and this node's all the same.
        """
        stream = self._registry.expect(row)
        stream.is_ours = True  # what another node still tells of it does not count any more
        await self._journal.claim(stream.key)
        # From where it stands: a try before this one, or readers on this node, may have brought back some of it.
        if written := await self._journal.read(stream.key, stream.log.tail):
            stream.journaled = stream.log.extend(written)
        shown = stream.log.merged()
        grammar = Grammar().extend(shown)
        sealed = ending_of_log(shown) if grammar.ended else replace(INTERRUPTED, usage=estimate(shown))
        stream.log.extend(ending(grammar, sealed.metadata(self._clock.now_ms()), sealed.last_chunk()))
        return await self._closing.end(_generation(row), stream, sealed, start_next=start_next, patience=PATIENCE)


def about(row: StreamRow) -> dict[str, str]:
    """What a line of the log is about that tells of a stream."""
    return {"user": row.user_id, "chat": row.chat_id, "stream": row.stream_id}


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
