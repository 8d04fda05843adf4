"""A tab that keeps the time: when it was told what, of every answer and every event."""

import time
from collections import defaultdict
from itertools import pairwise

import msgspec

from protocol.client import Dashboard
from protocol.frames.objects import DashboardSnapshot
from protocol.frames.server import Event
from tests.wire import Frame, Tab


class TimedTab(Tab):
    """Keeps, in monotonic seconds, when chunks and events came.

    Attributes:
        heads: of each stream, when the tab reached which seq.
        ends: of each stream, when the tab was told its end, which should be once.
        told: when each event came, by its offset.
    """

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self.heads: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self.ends: dict[str, list[float]] = defaultdict(list)
        self.told: dict[int, float] = {}
        self.wrong: list[str] = []

    async def _take(self, frame: Frame) -> None:
        now = time.monotonic()
        if frame["type"] == "stream.chunk":
            self.heads[frame["streamId"]].append((now, frame["seq"]))
        elif frame["type"] == "stream.end":
            self.ends[frame["streamId"]].append(now)
        elif frame["type"] == "event":
            self._note(frame["offset"], now)
        elif frame["type"] == "events.reset":
            self.wrong.append("a tab was sent back to a snapshot")
        await super()._take(frame)

    def _note(self, offset: int, now: float) -> None:
        if self.told and offset != max(self.told) + 1:
            self.wrong.append(f"a tab was told event {offset} after {max(self.told)}")
        self.told[offset] = now

    def last_words(self, stream_id: str) -> float:
        """When the last words of an answer came; 0.0 when none did."""
        return self.heads[stream_id][-1][0] if self.heads[stream_id] else 0.0

    def silence(self, stream_id: str) -> float:
        """The longest time between words of an answer, in seconds."""
        return max((later - earlier for (earlier, _), (later, _) in pairwise(self.heads[stream_id])), default=0.0)

    def waited(self, stream_id: str, pace: float) -> tuple[float, float]:
        """How much later than on time words came, at the worst, and when that was, in seconds.

        The model writes `pace` tokens a second.

        What comes as the quickest counts as on time, but for the first and the last half second: an answer begins some
        time before its first word, and its end is several chunks at once. Of a frame the oldest word counts, the one
        behind the frame before.
        """
        last = self.heads[stream_id][-1][1]
        heads = [(came, seq) for came, seq in self.heads[stream_id] if pace / 2 < seq < last - pace / 2]
        on_time = min(came - seq / pace for came, seq in heads)
        oldest = ((came, before + 1) for (_, before), (came, _) in pairwise(heads))
        return max((came - seq / pace - on_time, came) for came, seq in oldest)

    def dashboard(self) -> Dashboard:
        """The sidebar of this tab: its snapshot, and every event since."""
        shown = Dashboard()
        for frame in self.frames:
            if frame["type"] == "welcome":
                shown.replace(msgspec.convert(frame["snapshot"], DashboardSnapshot))
            elif frame["type"] == "event":
                shown.apply(msgspec.convert(frame, Event))
        return shown

    async def snapshot(self) -> Dashboard:
        """The sidebar as the server has it now, all of its pages."""
        fresh = Dashboard()
        result = (await self.command("dashboard.get"))["result"]
        fresh.replace(msgspec.convert(result, DashboardSnapshot))
        while fresh.cursor is not None:
            result = (await self.command("dashboard.get", cursor=fresh.cursor))["result"]
            fresh.extend(msgspec.convert(result, DashboardSnapshot))
        return fresh
