"""The streams this node can serve: those it runs, those that wait, and those that ended a short while ago."""

import asyncio
import dataclasses
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from app.backplane.interface import Held, Journal, JournalUnavailable, StreamKey
from app.clock import Clock
from app.store import streams as rows
from app.store.batching import Batch
from app.store.queries import Queries
from app.store.streams import StreamRow
from app.streams.following import Following
from app.streams.generation import STOPPED, Generation
from app.streams.restoring import Restoring, end_of, ended_at, stream_of
from app.streams.stream import Stream
from protocol.codec import encode
from protocol.errors import Refusal
from protocol.frames.objects import ActiveStream
from protocol.lifecycle import TERMINAL

log = logging.getLogger("tidewire.streams")

# Whoever ends a stream tells of it within a tick; one that has not by then is dead, or its word was lost.
TOLD_WITHIN_MS = 2_000
# What a journal took it confirms within that many seconds, as any call of it; mostly within milliseconds.
CONFIRMED_WITHIN = 2.0
LOOK_FOR_HEAD_EVERY = 0.005


@dataclass(frozen=True, slots=True)
class LogStatistics:
    """The streams that a node holds in memory.

    Attributes:
        by_status: how many there are of each status; those that ended stay readable for a while.
        size: of their logs, in bytes.
        readers: subscriptions to those that have not ended.
    """

    by_status: Mapping[str, int]
    size: int
    readers: int


class Registry:
    """Finds streams by id, in memory or else in the journal.

    Args:
        database: says whose a stream is.
        journal: holds the logs of streams that ended before this process began.
        clock: stamps the ends of streams that ended elsewhere, and says how long ago one ended.
        node: this node; what another one owns is followed.
        retention_ms: how long a log stays readable after its end (guarantee 12).
    """

    def __init__(self, database: Queries, journal: Journal, clock: Clock, *, node: str, retention_ms: int) -> None:
        self._database = database
        self._rows = Batch("streams", partial(rows.each, database))
        self._journal = journal
        self._restoring = Restoring(journal, clock)
        self._clock = clock
        self._retention_ms = retention_ms
        self._node = node
        self._streams: dict[str, Stream] = {}
        self.following = Following(journal, self._streams.values, self._streams.get, clock.now_ms)

    def __len__(self) -> int:
        return len(self._streams)

    def statistics(self) -> LogStatistics:
        """Say what is held in memory."""
        held = self._streams.values()
        return LogStatistics(
            by_status=Counter(stream.status for stream in held),
            size=sum(stream.log.size for stream in held),
            readers=sum(len(stream.readers) for stream in held),
        )

    def get(self, stream_id: str) -> Stream | None:
        """Find a stream in memory."""
        return self._streams.get(stream_id)

    def waiting(self) -> list[str]:
        """The streams here that wait for their turn."""
        return [stream.stream_id for stream in self._streams.values() if stream.status == "queued"]

    def expect(self, row: StreamRow) -> Stream:
        """Take in a stream that waits for its turn, so that readers can already follow it."""
        return self._streams.setdefault(row.stream_id, stream_of(row))

    def withdraw(self, row: StreamRow, *, now: int) -> None:
        """End a stream that was taken out of the queue, for those who follow it; `now` is Unix milliseconds."""
        stream = self.expect(row)
        if not stream.ended:
            stream.finish(STOPPED.frame(row.stream_id, row.chat_id, row.message_id, 0), now=now)

    def add(self, generation: Generation) -> Stream:
        """Take in a stream that is about to run."""
        stream = Stream(
            generation.stream_id,
            user_id=generation.user_id,
            chat_id=generation.chat_id,
            message_id=generation.message_id,
            status="queued",
            started_at=generation.started_at,
        )
        self._streams[generation.stream_id] = stream
        return stream

    async def find(self, user_id: str, stream_id: str) -> Stream:
        """Find a stream of this user.

        Raises:
            Refusal: `not_found`, when it is unknown or another user's (guarantee 32); `stream_expired`, when it is this
                user's but its log is gone (guarantee 11); `unavailable`, when the journal cannot be read now.
        """
        stream = self._streams.get(stream_id)
        if stream is not None and stream.user_id == user_id and not stream.ended:
            await self._joined(stream)
            return stream
        row = await self._rows.get(stream_id)
        if row is None or row.user_id != user_id:  # perhaps its chat was deleted, on this node or another
            self.forget([stream_id] if stream is not None and stream.user_id == user_id else [])
            raise Refusal("not_found", "There is no such stream.")
        if row.status not in TERMINAL:
            return await self._unfinished(row)
        return self._streams.get(stream_id) or await self._ended(row)

    async def find_at(self, user_id: str, stream_id: str, after: int, *, param: str | None = None) -> Stream:
        """Find a stream of this user that has come as far as `after`.

        Args:
            param: names the position in what was asked.

        Raises:
            Refusal: as for `find`; `position_invalid`, when it has not come so far; `unavailable`, when it may have
                and that is not known here yet.
        """
        stream = await self.find(user_id, stream_id)
        if after > stream.head and not stream.ended and await self._lags(stream, after):
            raise Refusal("unavailable")
        if after > stream.head:
            raise Refusal("position_invalid", f"The stream has {stream.head} chunks so far.", param=param)
        return stream

    async def _lags(self, stream: Stream, after: int) -> bool:
        """Catch up with a reader who comes from another node and knows more; say whether this node may still lag."""
        if stream.is_ours:
            # What the journal took was told to the others first; here the answer of the journal is under way.
            give_up_at = self._clock.monotonic() + CONFIRMED_WITHIN
            while stream.head < after <= stream.log.tail and self._clock.monotonic() < give_up_at:  # noqa: ASYNC110 - rare
                await asyncio.sleep(LOOK_FOR_HEAD_EVERY)
            return stream.head < after <= stream.log.tail
        # Its owner has told, or has gone on alone and writes it down later (guarantee 19b).
        await self._join(stream)
        return after > stream.head and not stream.ended and stream.status != "queued"

    async def _unfinished(self, row: StreamRow) -> Stream:
        """Take in a stream that waits, or is about to run here, or runs on another node."""
        if row.node == self._node:
            # Committed a moment ago and not launched yet: its launch finds it waiting, as any other.
            row = dataclasses.replace(row, status="queued")
        stream = self.expect(row)
        if row.status != "queued" and not stream.is_ours:
            await self._join(stream)
        return stream

    async def _joined(self, stream: Stream) -> None:
        """Wait until a stream that somebody else has just asked for here is whole: before, its head says nothing."""
        if not stream.is_ours and self.following.is_reading(stream):
            await self._join(stream)

    async def _join(self, stream: Stream) -> None:
        try:
            await self.following.join(stream)
        except JournalUnavailable as problem:
            log.warning("%s cannot be followed: %s", stream.stream_id, problem)
            raise Refusal("unavailable") from None

    async def _ended(self, row: StreamRow) -> Stream:
        # Between the two awaits another reader may have brought it back; the first one counts.
        try:
            restored = await self._restoring.stream(row)
        except JournalUnavailable as problem:
            log.warning("%s cannot be read back: %s", row.stream_id, problem)
            raise Refusal("unavailable") from None
        if await self._rows.get(row.stream_id) is None:  # its chat was deleted meanwhile
            raise Refusal("not_found", "There is no such stream.")
        return self._streams.setdefault(row.stream_id, restored)

    async def look_for_ends(self) -> None:
        """End what is followed here and was stored by a node that died before it told; a round of the node.

        Raises:
            StoreUnavailable: the next round looks again.
        """
        known = self._streams.values()
        followed = [each.stream_id for each in known if not (each.is_ours or each.ended or each.status == "queued")]
        for row in await rows.ended(self._database, followed) if followed else ():
            if self._clock.now_ms() - ended_at(row) >= TOLD_WITHIN_MS:
                self.following.told_end(row.stream_id, encode(end_of(row)))

    async def summaries(self, found: Sequence[StreamRow]) -> list[ActiveStream]:
        """Describe streams that have not ended, with their heads at this moment."""
        away = [row for row in found if row.stream_id not in self._streams and row.node not in (None, self._node)]
        heads: dict[StreamKey, Held] = {}
        if away:
            try:
                heads = await self._journal.held_of([StreamKey(row.user_id, row.stream_id) for row in away])
            except JournalUnavailable:
                heads = {}  # whoever subscribes hears better as soon as it can be known
        return [self._summary(row, heads.get(StreamKey(row.user_id, row.stream_id))) for row in found]

    def _summary(self, row: StreamRow, held: Held | None) -> ActiveStream:
        summary = (self._streams.get(row.stream_id) or stream_of(row)).summary()
        return summary if held is None else replace(summary, seq=held.head)

    def written_here(self) -> list[Stream]:
        """The streams this node writes, or has written and still serves."""
        return [stream for stream in self._streams.values() if stream.is_ours]

    def release(self, user_id: str) -> None:
        """Let go of what is followed for a user who has no socket here any more: nothing is told of it from now on."""
        for stream in list(self._streams.values()):
            if stream.user_id == user_id and not stream.is_ours and not stream.ended:
                del self._streams[stream.stream_id]

    def forget(self, stream_ids: Iterable[str]) -> None:
        """Serve these streams no more: their chat is deleted."""
        for stream_id in stream_ids:
            self._streams.pop(stream_id, None)

    def forget_user(self, user_id: str) -> None:
        """Serve no stream of this user any more: they are gone."""
        self.forget([stream.stream_id for stream in self._streams.values() if stream.user_id == user_id])

    def retire(self, now: int) -> None:
        """Forget logs that ended too long ago; `now` is Unix time in milliseconds."""
        for stream in list(self._streams.values()):
            if stream.ended_at is not None and now - stream.ended_at > self._retention_ms:
                del self._streams[stream.stream_id]
