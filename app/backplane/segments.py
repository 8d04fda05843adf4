"""The files of the journal: numbered, only ever appended to, deleted whole.

`00000012.journal` is a segment, `00000012.journal.damaged` a second name for one in which something was unreadable:
it stays when the segment is deleted, for whoever wants to know what the disk did. Nobody but the owner may read
them.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from app.backplane.records import CHUNKS, Record, record_at, size_of

SEGMENT_BYTES = 16 * 1024 * 1024
"""A new segment begins after this many: small enough to be deleted soon, few enough files for a busy server."""

_NAME = re.compile(r"(\d{8,})\.journal(\.damaged)?")
_FIRST_READ = 2048
"""A range of one tick fits; what is longer takes a second read."""


def make_folder(folder: Path) -> None:
    """Create the folder of the journal, for its owner alone."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def numbers(folder: Path) -> tuple[list[int], int]:
    """The numbers of the segments, rising, and the first number that was never used."""
    found = [match for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    segments = sorted(int(match[1]) for match in found if not match[2])
    return segments, max((int(match[1]) for match in found), default=0) + 1


def path_of(folder: Path, number: int) -> Path:
    """Where a segment is."""
    return folder / f"{number:08d}.journal"


def keep_aside(path: Path) -> Path | None:
    """Give a damaged segment a second name that outlives it; None where the file system has no hard links."""
    aside = path.with_name(path.name + ".damaged")
    try:
        aside.hardlink_to(path)
    except FileExistsError:
        return aside
    except OSError:
        return None
    return aside


class Writer:
    """Appends to one segment.

    Args:
        folder: of the journal.
        number: a new segment's.

    Raises:
        OSError: the file cannot be made.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self.path = path_of(folder, number)
        self.size = 0
        self._torn = False
        self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def write(self, data: bytes) -> int:
        """Append all of this or nothing; return where it begins.

        A plain blocking write: some KB into the page cache take about 10 us, less than the way to a thread and back.

        Raises:
            OSError: nothing was appended.
        """
        self._mend()
        start, written = self.size, 0
        self._torn = True
        while written < len(data):
            written += os.write(self._fd, data[written:] if written else data)
        self._torn = False
        self.size += written
        return start

    def close(self) -> None:
        """Let go of the file."""
        with suppress(OSError):  # the next start takes what is left for damage, and finds all records nevertheless
            self._mend()
        os.close(self._fd)

    def _mend(self) -> None:
        """Cut off the piece that a write without room left behind."""
        if self._torn:
            os.ftruncate(self._fd, self.size)
            self._torn = False


class Segments:
    """The segments of one folder: those that are full, and the youngest, which is written to.

    Args:
        folder: of the journal.
        sizes: the segments that are there, number -> bytes.
        next_number: for the segment that the first write begins.
        limit: a new segment begins after this many bytes.
        touch: told each file and folder that is written to.
    """

    def __init__(
        self, folder: Path, sizes: dict[int, int], next_number: int, limit: int, touch: Callable[[Path], None]
    ) -> None:
        self.full = sizes
        self._folder = folder
        self._next_number = next_number
        self._limit = limit
        self._touch = touch
        self._writer: Writer | None = None

    @property
    def youngest(self) -> int | None:
        """The number of the segment that is written to."""
        return self._writer.number if self._writer else None

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.full) + (self._writer is not None)

    @property
    def total(self) -> int:
        """How many bytes they have together."""
        return sum(self.full.values()) + (self._writer.size if self._writer else 0)

    def write(self, data: bytes) -> tuple[int, int]:
        """Append all of this or nothing; return the number of the segment and where in it the data begins.

        Raises:
            OSError: nothing was appended.
        """
        if self._writer is not None and self._writer.size >= self._limit:
            self.rest()
        if self._writer is None:
            self._writer = Writer(self._folder, self._next_number)
            self._next_number += 1
            self._touch(self._folder)
        offset = self._writer.write(data)
        self._touch(self._writer.path)
        return self._writer.number, offset

    def rest(self) -> None:
        """Append no more to the youngest segment; the next write begins another."""
        if self._writer is not None:
            self._writer.close()
            self.full[self._writer.number] = self._writer.size
            self._writer = None

    def delete(self, segments: Iterable[int]) -> None:
        """Delete the files of full segments; may be called from a thread. They still count until `drop`.

        Raises:
            OSError: one could not be deleted.
        """
        for number in segments:
            path_of(self._folder, number).unlink(missing_ok=True)

    def drop(self, segments: Iterable[int]) -> None:
        """Count these no more."""
        for number in segments:
            self.full.pop(number, None)


def read_records(path: Path, starts: Iterable[int]) -> Iterator[tuple[Record, bytes]]:
    """The records that begin at these offsets of a segment, each with the data in it.

    Raises:
        OSError: the file cannot be read.
        ValueError: what stands there is not a sound record any more.
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        for start in starts:
            raw = os.pread(fd, _FIRST_READ, start)
            size = size_of(raw)
            if size > len(raw):
                raw += os.pread(fd, size - len(raw), start + len(raw))
            record = record_at(raw)
            if record is None or record[2] < CHUNKS:
                raise ValueError(f"{path.name} is damaged at byte {start}.")
            yield record, raw[record[6] : record[1]]
    finally:
        os.close(fd)
