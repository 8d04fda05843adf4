"""Builds streams from what is stored of them: their rows, and their logs in the journal."""

import asyncio

import orjson

from app.backplane.interface import Journal, JournalUnavailable, StreamKey
from app.clock import Clock
from app.store.streams import StreamRow
from app.streams.generation import ending_of_row
from app.streams.stream import Stream
from app.tasks import Crew
from protocol.codec import decode_server
from protocol.errors import Refusal
from protocol.frames.server import StreamEnd

# For so long after an end its owner may have yet to write down what a journal that was away has missed.
JOURNAL_PATIENCE_MS = 10_000


class Restoring:
    """Reads streams back that have ended, each once for all who ask for it meanwhile.

    Nothing needs to be closed: a reading that is under way ends with the journal.

    Args:
        journal: holds their logs.
        clock: says how long ago one ended.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._readings: dict[str, asyncio.Task[Stream | Refusal | JournalUnavailable]] = {}
        self._crew = Crew("restoring")

    async def stream(self, row: StreamRow) -> Stream:
        """Read a stream back with its end.

        Raises:
            Refusal: `stream_expired`, when its log is gone; `unavailable`, when its owner may have yet to write it.
            JournalUnavailable: it cannot be known now.
        """
        if row.seq == 0:  # it ended before it began: its row says everything, so the journal need not
            stream = stream_of(row)
            stream.finish(end_of(row), now=ended_at(row))
            return stream
        reading = self._readings.get(row.stream_id)
        if reading is None:
            reading = self._crew.start(self._outcome(row), name=f"reading {row.stream_id}")
            self._readings[row.stream_id] = reading
        outcome = await asyncio.shield(reading)  # others may wait for it, too
        if isinstance(outcome, Stream):
            return outcome
        raise outcome

    async def _outcome(self, row: StreamRow) -> Stream | Refusal | JournalUnavailable:
        try:
            return await self._read(row)
        except (Refusal, JournalUnavailable) as problem:
            return problem
        finally:
            del self._readings[row.stream_id]

    async def _read(self, row: StreamRow) -> Stream:
        stream = stream_of(row)
        key = StreamKey(row.user_id, row.stream_id)
        # Between its commit and its owner's next tick the journal lacks the end, which the row says as well.
        end = await self._journal.end_of(key)
        frame = end_of(row) if end is None else decode_server(end)
        # A long log takes a while to build; until it is returned it is nobody else's, so a thread may do it.
        await asyncio.to_thread(stream.log.extend, await self._journal.read(key))
        if not isinstance(frame, StreamEnd):
            raise ValueError(f"The journal ends {row.stream_id} with {orjson.loads(end or b'{}').get('type')!r}.")
        if frame.seq != stream.log.tail:  # no hole is ever sent
            is_late = end is None and self._clock.now_ms() - ended_at(row) < JOURNAL_PATIENCE_MS
            raise Refusal("unavailable" if is_late else "stream_expired")
        stream.finish(frame, now=ended_at(row))
        return stream


def end_of(row: StreamRow) -> StreamEnd:
    """The end of a stream, as its row says it."""
    return ending_of_row(row).frame(row.stream_id, row.chat_id, row.message_id, row.seq)


def ended_at(row: StreamRow) -> int:
    """When a stream ended, in Unix milliseconds."""
    return row.ended_at or row.created_at


def stream_of(row: StreamRow) -> Stream:
    """A stream as its row describes it, with an empty log."""
    return Stream(
        row.stream_id,
        user_id=row.user_id,
        chat_id=row.chat_id,
        message_id=row.message_id,
        status=row.status,
        started_at=row.started_at or row.created_at,
    )
