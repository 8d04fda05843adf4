"""The records of a journal file: what one looks like, and how to find those that a crash left whole.

    mark 2 | length 4 | crc32 4 | kind 1, name length 1, seq 8, count 4 | name | data      (little-endian)

Length and crc32 cover all that follows the crc. Why not a line of JSON each: a length lets a start step over 64 MiB
of text without parsing it, the checksum tells a record that was written from one that was only begun (after a power
cut a file may end in pages of zeros), and JSON in it needs no escaping. The mark begins with 0xFE, a byte that UTF-8
never contains, so behind a damaged place the next record can be found; it is believed only if its checksum agrees.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from app.backplane.interface import StreamKey

MARK = b"\xfe\xed"
NOTHING, CHUNKS, END, GONE = 0, 1, 2, 3
"""Kinds: no record; a range of chunks; the end of a stream; withdraws all other records of some streams."""

_HEADER = struct.Struct("<2sIIBBQI")
_PREFIX = 10
"""Mark, length and crc32: what the length does not count."""
_TIME = struct.Struct("<q")


Record = tuple[int, int, int, str, int, int, int]
"""A record as it stands in a file: `(start, stop, kind, name, seq, count, data)`.

It takes bytes `[start, stop)` of the file, its data begins at `data`. `name` is that of the stream, empty for `GONE`;
`seq` the seq before the chunks, or the last one of a stream that is over; `count` says how many chunks. Kind `NOTHING`
stands for bytes that are no record. A plain tuple, since a start reads hundreds of thousands and a class would double
that.
"""


def name_of(key: StreamKey) -> str:
    """A stream's name in the files."""
    return f"{key.user_id}/{key.stream_id}"


def key_of(name: str) -> StreamKey:
    """The stream of this name; ids of streams have no slash."""
    user_id, _, stream_id = name.rpartition("/")
    return StreamKey(user_id, stream_id)


def encode_chunks(name: str, prev: int, chunks: Sequence[bytes]) -> bytes:
    """The record of a range, of which each chunk is JSON."""
    return _encode(CHUNKS, name, prev, len(chunks), b"[" + b",".join(chunks) + b"]")


def encode_end(name: str, head: int, ended_at_ms: int, end: bytes) -> bytes:
    """The record of a stream that is over: its last seq, the time (Unix ms) and its `stream.end` frame."""
    return _encode(END, name, head, 0, _TIME.pack(ended_at_ms) + end)


def encode_gone(names: Sequence[str]) -> bytes:
    """The record that withdraws all others of these streams."""
    return _encode(GONE, "", 0, len(names), orjson.dumps([*names]))


def _encode(kind: int, name: str, seq: int, count: int, data: bytes) -> bytes:
    raw = name.encode()
    tail = b"".join((_HEADER.pack(MARK, 0, 0, kind, len(raw), seq, count)[_PREFIX:], raw, data))
    return b"".join((MARK, struct.pack("<II", len(tail), zlib.crc32(tail)), tail))


def decode_chunks(data: bytes) -> list[dict[str, Any]]:
    """The chunks in the data of a `CHUNKS` record."""
    chunks: list[dict[str, Any]] = orjson.loads(data)
    return chunks


def decode_end(data: bytes) -> tuple[int, bytes]:
    """Time (Unix ms) and frame in the data of an `END` record."""
    return _TIME.unpack_from(data)[0], data[_TIME.size :]


def decode_gone(data: bytes) -> list[str]:
    """The streams that the data of a `GONE` record withdraws."""
    names: list[str] = orjson.loads(data)
    return names


def size_of(beginning: bytes) -> int:
    """How long a record says it is, in bytes, by its first ten; 0 when they begin none."""
    if len(beginning) < _PREFIX or not beginning.startswith(MARK):
        return 0
    return _PREFIX + int.from_bytes(beginning[len(MARK) : len(MARK) + 4], "little")


def record_at(data: bytes, start: int = 0) -> Record | None:
    """The record that begins at `start`, or None when there is no whole and sound one."""
    body = start + _HEADER.size
    if body > len(data):
        return None
    mark, length, crc, kind, named, seq, count = _HEADER.unpack_from(data, start)
    covered = start + _PREFIX
    stop = covered + length
    if mark != MARK or not body + named <= stop <= len(data) or zlib.crc32(data[covered:stop]) != crc:
        return None
    return start, stop, kind, str(data[body : body + named], "utf-8", "replace"), seq, count, body + named


def scan(data: bytes) -> Iterator[Record]:
    """Everything in a file, in order: its records, and what is none (kind `NOTHING`)."""
    start = 0
    while start < len(data):
        record = record_at(data, start)
        if record is None:
            stop = _next_record(data, start + 1)
            record = start, stop, NOTHING, "", 0, 0, stop
        yield record
        start = record[1]


def _next_record(data: bytes, start: int) -> int:
    """Where the next sound record begins, or the end of the file."""
    while (start := data.find(MARK, start)) >= 0:
        if record_at(data, start) is not None:
            return start
        start += 1
    return len(data)
