"""What a journal promises: the one thing a generation leaves behind when its process dies.

Every generation is a log of numbered chunks. The rule is append first, announce second: a chunk is in the journal
before any socket gets it, so killing the owner loses nothing that was shown (guarantee 19b). One suite,
`tests/contract/journal.py`, holds every adapter to what is said here.

    JournalError
    ├── JournalUnavailable   the medium's doing: full, away, broken. The same call may work later.
    └── JournalConflict      the caller's doing: it is not where the journal is, or the stream is closed
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from protocol.parts.chunks import Chunk


class JournalError(Exception):
    """Base of everything a journal raises."""


class JournalUnavailable(JournalError):  # noqa: N818 - says what happened
    """The journal cannot take or give anything now; the same call may be made again."""


class StreamKey(NamedTuple):
    """Names a stream where it is kept.

    Stream ids are unique by themselves; the user says in which partition of the backplane a stream is, together with
    everything else that concerns this user.
    """

    user_id: str
    stream_id: str


class JournalConflict(JournalError):  # noqa: N818 - says what happened
    """Some ranges of an append were refused; the others of the same call are stored.

    Args:
        heads: the stored head of each refused stream. The owner sends again from there (from 0 when the journal was
            lost); a head of its own seq or more means that the range is there.
        closed: those of them that are closed. They take nothing any more: whoever still writes is not their owner.
    """

    def __init__(self, heads: Mapping[StreamKey, int], closed: frozenset[StreamKey] = frozenset()) -> None:
        self.heads = dict(heads)
        self.closed = closed
        words = [
            f"{key.stream_id} is {'closed' if key in closed else 'stored'} up to {head}" for key, head in heads.items()
        ]
        super().__init__(f"The journal refused ranges that do not follow what it has: {', '.join(words)}.")


class JournalRange(NamedTuple):
    """Some chunks of one stream: those that follow seq `prev`, exactly `(prev, prev + len(chunks)]`.

    Each chunk is its JSON text: the log has it in that form already, and a journal need not look inside.
    """

    key: StreamKey
    prev: int
    chunks: Sequence[bytes]

    @property
    def seq(self) -> int:
        """The seq of the last chunk."""
        return self.prev + len(self.chunks)


class Held(NamedTuple):
    """What a journal holds of one stream: the seq of its last chunk, and when it ended (Unix ms), if it did."""

    head: int
    ended_at_ms: int | None


class Journal(Protocol):
    """Logs of chunks that outlive the process that wrote them.

    Any method may raise `JournalUnavailable`. A stream that is not held (never written, or past its retention) reads
    as an empty one: no chunks, no end, `held` is None.
    """

    @property
    def partitions(self) -> int:
        """How many parts it has that can fail, or be slow, apart from each other."""

    def partition(self, user_id: str) -> int:
        """The number of the part, from 0, that has everything of a user."""

    async def open(self) -> None:
        """Make ready; what an earlier process left is there afterwards."""

    async def close(self) -> None:
        """Let go of everything, in good order; a second call does nothing."""

    async def append(self, ranges: Sequence[JournalRange]) -> None:
        """Store the ranges of one tick; on return they survive the death of this process.

        A range is taken when its `prev` is the stored head of its stream (0 for a new one). One that ends at or below
        the head is there already (content never changes, guarantee 7) and is passed over. So a repeat can neither
        double a chunk nor leave a hole, and after an error the same call may be made again. Ranges of one stream
        stand in order.

        Raises:
            JournalConflict: a range follows something else than the head, or its stream is closed and lacks it. All
                other ranges of the call are stored.
            JournalUnavailable: nothing of the call is stored, or it is not known whether it is.
        """

    async def read(self, key: StreamKey, after: int = 0) -> list[Chunk]:
        """The chunks that follow seq `after`, exactly as they were appended: not merged, none left out."""

    async def claim(self, key: StreamKey) -> None:
        """Take a stream over from a dead process: from now on only this one's appends are taken.

        To everybody else the stream looks closed. The last claim counts.
        """

    async def close_stream(self, key: StreamKey, end: bytes) -> None:
        """Say that a stream is stored and over: nothing can be appended any more.

        Its chunks and its end stay for the retention. A stream that never had a chunk may be closed too. The first
        close counts (a stream ends once, guarantee 12); later ones change nothing.

        Args:
            end: the encoded `stream.end` frame, for those who come late.
        """

    async def end_of(self, key: StreamKey) -> bytes | None:
        """The `stream.end` frame of a closed stream."""

    async def held(self, key: StreamKey) -> Held | None:
        """How far one stream is stored, and whether it ended."""

    async def held_of(self, keys: Iterable[StreamKey]) -> dict[StreamKey, Held]:
        """The same for many streams at once; those that are not held are left out."""

    async def streams(self) -> dict[StreamKey, Held]:
        """Everything that is held; at the start, what an earlier process left unfinished has `ended_at_ms` None.

        Where other nodes write too, their streams are among them, and it takes long: for tests and for people.
        """

    async def retire(self, now_ms: int) -> None:
        """Forget the streams that ended more than the retention before `now_ms` (Unix ms); called every minute or so.

        An adapter whose entries expire by themselves keeps alive here what this process still writes.
        """
