"""Reads the segments back at a start, and says what it found."""

from dataclasses import dataclass
from os import truncate
from pathlib import Path

from app.backplane.index import Index
from app.backplane.records import CHUNKS, END, GONE, NOTHING, decode_end, decode_gone, scan
from app.backplane.segments import keep_aside, numbers, path_of


@dataclass(slots=True)
class Recovered:
    """What a start found in the journal.

    Args:
        streams: how many are held; `unfinished` of them have no end.
        torn_bytes: of a write that the death of the process or a power cut left incomplete; cut off.
        damaged_bytes: that were written once and cannot be read any more. Logs are kept up to them.
        damaged: the segments concerned; a copy stays under this name until somebody deletes it.
    """

    streams: int = 0
    unfinished: int = 0
    bytes: int = 0
    torn_bytes: int = 0
    damaged_bytes: int = 0
    damaged: tuple[Path, ...] = ()

    def __str__(self) -> str:
        said = f"The journal holds {self.streams} answers ({self.unfinished} unfinished) in {self.bytes} bytes"
        if self.torn_bytes:
            said += f"; {self.torn_bytes} bytes of an incomplete write at its end were cut off"
        if self.damaged_bytes:
            names = ", ".join(str(path) for path in self.damaged)
            said += f"; {self.damaged_bytes} bytes are damaged and lost (kept for you to look at: {names or 'nothing'})"
        return said + "."


class Replay:
    """One reading of all segments of a folder.

    Raises:
        OSError: the folder cannot be read, or a segment belongs to another user of this machine. A segment that the
            disk does not give back only counts as damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.index = Index()
        self.sizes: dict[int, int] = {}
        self.recovered = Recovered()
        self._folder = folder
        segments, self.next_number = numbers(folder)
        for number in segments:
            self._read(number, newest=number == segments[-1])
        held = self.index.entries.values()
        self.recovered.streams = len(held)
        self.recovered.unfinished = sum(entry.ended_at_ms is None for entry in held)
        self.recovered.bytes = sum(self.sizes.values())

    def _read(self, number: int, *, newest: bool) -> None:
        path = path_of(self._folder, number)
        self.sizes[number] = path.stat().st_size
        try:
            data = path.read_bytes()
        except PermissionError:
            raise
        except OSError:
            self._note_damage(path, self.sizes[number])
            return
        add = self.index.add
        for start, stop, kind, name, seq, count, body in scan(data):
            if kind == CHUNKS:  # nearly all are, and there are hundreds of thousands
                add(name, seq, count, number, start)
            elif kind == END:
                self.index.close(name, seq, decode_end(data[body:stop])[0], number, start)
            elif kind == GONE:
                self.index.forget(decode_gone(data[body:stop]), number)
            elif kind == NOTHING and newest and stop == len(data):
                self._cut_off(path, number, start)
            elif kind == NOTHING:
                self._note_damage(path, stop - start)

    def _cut_off(self, path: Path, number: int, size: int) -> None:
        truncate(path, size)
        self.recovered.torn_bytes += self.sizes[number] - size
        self.sizes[number] = size

    def _note_damage(self, path: Path, lost: int) -> None:
        self.recovered.damaged_bytes += lost
        aside = keep_aside(path)
        if aside is not None and aside not in self.recovered.damaged:
            self.recovered.damaged += (aside,)
