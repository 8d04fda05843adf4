"""The client's place in its user's event log (section 5, client event log).

Four states. `unknown`: no position yet. `live`: every event follows the last. `resuming`: a gap was seen, and events
are dropped until the ack of `events.resume`. `reading`: the position was lost and a snapshot is on its way.
"""

from typing import Literal

from protocol.frames.objects import EventPosition
from protocol.positions import Step, follow_events

State = Literal["unknown", "live", "resuming", "reading"]


class EventLog:
    """Epoch and number of the last event that was applied."""

    __slots__ = ("_dropped", "epoch", "last", "state")

    def __init__(self) -> None:
        self.state: State = "unknown"
        self.epoch: str | None = None
        self.last = 0
        self._dropped = 0

    def __repr__(self) -> str:
        return f"<EventLog {self.state} {self.epoch}:{self.last}>"

    @property
    def position(self) -> EventPosition | None:
        """What to resume from, for `hello` and `events.resume`; None when only a snapshot helps."""
        return None if self.epoch is None else EventPosition(epoch=self.epoch, offset=self.last)

    def event(self, offset: int) -> Step:
        """Decide on an event, and move the position when it is to be applied."""
        if self.state != "live":
            self._dropped = max(self._dropped, offset)
            return "drop"
        step = follow_events(self.last, offset)
        if step == "apply":
            self.last = offset
        elif step == "gap":
            self.state = "resuming"
        return step

    def recovered(self) -> None:
        """Every event after the position follows, in order."""
        self.state = "live"

    def adopt(self, epoch: str, offset: int) -> bool:
        """Start at a position that the server named; returns whether events after it were already dropped.

        An event may arrive between the reading of a snapshot and its ack. It was dropped here and will not come by
        itself again, so the caller resumes from the position at once instead of waiting for the next event to show
        the gap.
        """
        missed = self.state == "reading" and self._dropped > offset
        self.epoch, self.last, self._dropped = epoch, offset, 0
        self.state = "resuming" if missed else "live"
        return missed

    def forget(self) -> None:
        """The position is worth nothing any more; a snapshot is on its way."""
        self.epoch, self.last, self._dropped = None, 0, 0
        self.state = "reading"
