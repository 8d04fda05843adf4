"""Measures one answer: what its steps cost in tokens, and how long the model thought. Pure."""

from collections.abc import Sequence

from app.streams.generation import estimate
from protocol.frames.objects import Usage
from protocol.parts.chunks import Chunk


class Meter:
    """Sums what the steps of an answer cost. Within a step the last word of the model counts."""

    def __init__(self) -> None:
        self._before: Usage | None = None  # of the steps that are over
        self._step: Usage | None = None

    def note(self, input_tokens: int | None, output_tokens: int | None, *, estimated: bool) -> None:
        """Take what a model says of the current step; None is not known."""
        known = self._step or Usage(input_tokens=0, output_tokens=0)
        self._step = Usage(
            input_tokens=known.input_tokens if input_tokens is None else input_tokens,
            output_tokens=known.output_tokens if output_tokens is None else output_tokens,
            estimated=estimated,
        )

    def next_step(self, written: Sequence[Chunk]) -> None:
        """Begin the next step; `written` is the log so far."""
        self._before, self._step = self.total(written), None

    def total(self, written: Sequence[Chunk]) -> Usage | None:
        """What it cost so far; guessed from the log where the model said nothing. None when there is nothing."""
        step = self._step or estimate(_last_step(written))
        if self._before is None or step is None:
            return self._before or step
        return Usage(
            input_tokens=self._before.input_tokens + step.input_tokens,
            output_tokens=self._before.output_tokens + step.output_tokens,
            estimated=self._before.estimated or step.estimated,
        )


class Stopwatch:
    """Times the reasoning of an answer: milliseconds of each part, in the order in which they began.

    Every time is in monotonic seconds.
    """

    def __init__(self) -> None:
        self._running: dict[str, tuple[int, float]] = {}  # by id of the part: its place, and when it began
        self.laps: list[int] = []

    def start(self, part_id: str, now: float) -> None:
        """A part begins."""
        self._running[part_id] = (len(self.laps), now)
        self.laps.append(0)

    def stop(self, part_id: str, now: float) -> None:
        """A part ends."""
        place, began = self._running.pop(part_id)
        self.laps[place] = round((now - began) * 1000)

    def stop_all(self, now: float) -> None:
        """The answer ends, and with it what is open."""
        for part_id in list(self._running):
            self.stop(part_id, now)


def _last_step(written: Sequence[Chunk]) -> Sequence[Chunk]:
    begin = max((n for n, chunk in enumerate(written) if chunk["type"] == "start-step"), default=0)
    return written[begin:]
