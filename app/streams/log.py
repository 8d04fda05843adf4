"""The log of one stream on this node: numbered chunks, read as merged ranges by cursor.

Theory of operation. A reader holds a number, its cursor, and asks for the range `(cursor, head]` when it can send.
Being slow, resuming, refreshing and joining late are therefore one question with one answer, and a slow reader
costs nothing here (guarantee 28).

The log *is* the wire text of its merged chunks, in one buffer:

    ,{"type":"text-start","id":"t"},{"type":"text-delta","id":"t","delta":"Hel|lo wo|rld|"},{"type":"text-end","id":"t"}

Neighbouring deltas of one part form a *run* (`coalesce.merge_key`): the head of the run is written once, then only
the escaped text of each delta; the closing `"}` is written by the chunk that follows the run. `_ends[seq]` is where
chunk `seq` ends in the buffer (the bars above). A range that begins inside a run borrows the head of that run, one
that stops inside a run adds the closing; between them lies one slice of the buffer. So a range costs two bisects
and one copy however many tokens it covers, a byte limit is a bisect in `_ends`, and a token costs its own bytes and
four more.

Escaped text is additive: the JSON of a concatenation is the concatenation of the JSON, because no delta ends inside
a character. A lone surrogate would break that; orjson refuses it and `clean` strips it at the door of the log.

Append first, announce second: `append` moves the tail, the journal confirms, `publish` moves the head, and nothing
beyond the head is ever read. A range never changes once it may be read (guarantee 7), so the last few are kept and
shared: readers in lockstep send one bytes object.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from protocol.parts.chunks import MERGEABLE, Chunk, text_of
from protocol.parts.coalesce import merge_key

KEPT_RANGES = 4
"""Shared ranges: the tabs at the head want one and the same, a few lag one tick behind."""

_CLOSE = b'"}'


@dataclass(frozen=True, slots=True)
class Range:
    """The chunks after `prev`, up to and including `seq`, as one frame.

    Args:
        prev: where the range begins; the reader's old cursor.
        seq: the number of its last chunk; the reader's new cursor.
        frame: the whole `stream.chunk` frame in UTF-8.
    """

    prev: int
    seq: int
    frame: bytes


class StreamLog:
    """The chunks 1..tail of one stream, of which readers see 1..head.

    Plain functions only: one event loop owns the log and nothing here waits.

    Args:
        stream_id: names the stream in every frame.
    """

    __slots__ = ("_body", "_end", "_ends", "_firsts", "_head", "_heads", "_key", "_prefix", "_ranges", "stream_id")

    def __init__(self, stream_id: str) -> None:
        self.stream_id = stream_id
        self._prefix = b'{"type":"stream.chunk","streamId":' + orjson.dumps(stream_id) + b',"prev":'
        self._body = bytearray()
        self._ends = array("I", [0])  # by seq; 0 is the beginning
        self._firsts = array("I", [0])  # first seq of each run
        self._heads = [b""]  # what opens each run; empty for a stretch of chunks that stand alone
        self._key: tuple[str, str] | None = None  # of the last run
        self._head = 0
        self._end: bytes | None = None
        self._ranges: dict[tuple[int, int], Range] = {}

    def __repr__(self) -> str:
        ended = " ended" if self.ended else ""
        return f"<StreamLog {self.stream_id} head={self._head} tail={self.tail} size={self.size}{ended}>"

    @property
    def tail(self) -> int:
        """Number of the last chunk appended; 0 when there is none."""
        return len(self._ends) - 1

    @property
    def head(self) -> int:
        """Number of the last chunk that readers may see."""
        return self._head

    @property
    def size(self) -> int:
        """Bytes of the merged log on the wire, without the frame around it."""
        return len(self._body)

    @property
    def end(self) -> bytes | None:
        """The `stream.end` frame; a reader sends it when its cursor has reached the tail (guarantee 12)."""
        return self._end

    @property
    def ended(self) -> bool:
        """Whether the log is complete and its end is known."""
        return self._end is not None

    def append(self, chunk: Chunk) -> int:
        """Add a clean chunk behind the tail; nobody sees it before `publish`.

        Returns:
            The number of the chunk.

        Raises:
            ValueError: the log has ended.
            TypeError: the chunk is not JSON; nothing was added.
        """
        if self._end is not None:
            raise ValueError(f"The stream {self.stream_id} has ended at {self.tail}: no chunk can follow.")
        key = merge_key(chunk)
        opens = key is None or key != self._key
        text = orjson.dumps(chunk) if key is None else orjson.dumps(text_of(chunk))[1:-1]
        if opens:
            self._open(chunk, key)
        self._body += text
        self._ends.append(len(self._body))
        return self.tail

    def extend(self, chunks: Iterable[Chunk]) -> int:
        """Add chunks in order; returns the number of the last one."""
        for chunk in chunks:
            self.append(chunk)
        return self.tail

    def publish(self, seq: int) -> None:
        """Let readers see the chunks up to this number; a number behind the head changes nothing.

        Raises:
            ValueError: the number is beyond the tail.
        """
        if seq > self.tail:
            raise ValueError(
                f"Chunk {seq} of the stream {self.stream_id} cannot be published: its tail is {self.tail}."
            )
        self._head = max(self._head, seq)

    def finish(self, end_frame: bytes) -> None:
        """Set the terminal frame, once; nothing can be appended any more.

        Raises:
            ValueError: the log has ended before.
        """
        if self._end is not None:
            raise ValueError(f"The stream {self.stream_id} has ended already.")
        self._end = end_frame

    def read(self, after: int, limit: int) -> Range:
        """The merged range that begins after a cursor.

        Args:
            after: the reader's cursor, 0 <= after < head.
            limit: most bytes of the frame; exceeded only by a single chunk, which cannot be split.

        Raises:
            ValueError: there is nothing to read after this cursor.
        """
        if not 0 <= after < self._head:
            raise ValueError(f"Nothing to read after {after} in the stream {self.stream_id}: its head is {self._head}.")
        seq = self._cut(after, limit)
        kept = self._ranges.get((after, seq))
        if kept is None:
            kept = Range(after, seq, self._frame(after, seq))
            self._keep(kept)
        return kept

    def raw(self, after: int, upto: int) -> list[bytes]:
        """The JSON of the chunks `(after, upto]` one by one, as they were appended: for the journal.

        Raises:
            ValueError: the range is not inside the log.
        """
        if not 0 <= after <= upto <= self.tail:
            raise ValueError(f"The range ({after}, {upto}] is not inside the stream {self.stream_id}: 1..{self.tail}.")
        return [self._chunk(seq) for seq in range(after + 1, upto + 1)]

    def merged(self) -> list[Chunk]:
        """All chunks up to the tail, merged: they fold to what the raw ones do, and parse a hundred times faster."""
        if self.tail == 0:
            return []
        chunks: list[Chunk] = orjson.loads(self._frame(0, self.tail))["chunks"]
        return chunks

    def _open(self, chunk: Chunk, key: tuple[str, str] | None) -> None:
        """Begin a new element of the array; a stretch of chunks that stand alone is one run."""
        if self._key is not None:
            self._body += _CLOSE
        self._body += b","
        if key is not None:
            field = MERGEABLE[chunk["type"]]
            named = orjson.dumps({"type": chunk["type"], field.id_field: chunk[field.id_field]})
            head = named[:-1] + f',"{field.text_field}":"'.encode()
            self._body += head
        else:
            head = b""
        if head or self._heads[-1]:
            self._firsts.append(self.tail + 1)
            self._heads.append(head)
        self._key = key

    def _run(self, seq: int) -> int:
        """Index of the run that holds a chunk."""
        return bisect_right(self._firsts, seq) - 1

    def _begin(self, seq: int) -> tuple[bytes, int]:
        """What must stand before chunk `seq` in a range that begins with it, and where it begins in the buffer."""
        run = self._run(seq)
        before = self._ends[seq - 1]
        if self._heads[run] and self._firsts[run] < seq:
            return self._heads[run], before
        closed = len(_CLOSE) if self._heads[self._run(seq - 1)] else 0
        return b"", before + closed + 1  # behind the comma

    def _cut(self, after: int, limit: int) -> int:
        """The last chunk up to the head whose frame stays within the limit; at least one."""
        borrowed, begin = self._begin(after + 1)
        around = len(self._prefix) + len(f'{after},"seq":{self._head},"chunks":[') + len(borrowed) + len(b'"}]}')
        room = limit - around + begin
        return max(after + 1, bisect_right(self._ends, room, after + 1, self._head + 1) - 1)

    def _frame(self, after: int, seq: int) -> bytes:
        borrowed, begin = self._begin(after + 1)
        close = _CLOSE if self._heads[self._run(seq)] else b""
        span = b'%d,"seq":%d,"chunks":[' % (after, seq)
        # The view is gone before the next append, which could not grow the buffer under it.
        with memoryview(self._body) as body, body[begin : self._ends[seq]] as chunks:
            return b"".join((self._prefix, span, borrowed, chunks, close, b"]}"))

    def _keep(self, fresh: Range) -> None:
        if len(self._ranges) >= KEPT_RANGES:
            del self._ranges[next(iter(self._ranges))]
        self._ranges[fresh.prev, fresh.seq] = fresh

    def _chunk(self, seq: int) -> bytes:
        borrowed, begin = self._begin(seq)
        if self._heads[self._run(seq)]:
            return b"".join((borrowed, self._body[begin : self._ends[seq]], _CLOSE))
        return bytes(self._body[begin : self._ends[seq]])
