"""What a client has of one answer: the chunks it applied, their fold, and the end."""

from collections.abc import Sequence
from typing import Any

from app.check.failure import Failure
from protocol.parts.chunks import ChunkError
from protocol.parts.fold import Fold

Frame = dict[str, Any]


class Reading:
    """One answer as it was read, from its first chunk on."""

    def __init__(self, stream_id: str) -> None:
        self.stream_id = stream_id
        self.frames: list[Frame] = []
        self.fold = Fold()
        self.end: Frame | None = None

    @property
    def last(self) -> int:
        """The number of the last chunk that was applied."""
        return int(self.frames[-1]["seq"]) if self.frames else 0

    @property
    def kinds(self) -> set[str]:
        """The types of the chunks so far."""
        return {chunk["type"] for frame in self.frames for chunk in frame["chunks"]}

    def apply(self, frame: Frame) -> None:
        """Take a `stream.chunk` if it is the next.

        Raises:
            Failure: its chunks cannot follow those before.
        """
        if frame["prev"] != self.last:
            return
        try:
            self.fold.extend(frame["chunks"])
        except (ChunkError, KeyError) as wrong:
            raise Failure(str(wrong), "chunks that fold", frame, "9") from None
        self.frames.append(frame)

    def cut(self, frames: int) -> "Reading":
        """The same answer, known only up to so many frames."""
        return Reading(self.stream_id).extend(self.frames[:frames])

    def extend(self, frames: Sequence[Frame]) -> "Reading":
        """Take several frames."""
        for frame in frames:
            self.apply(frame)
        return self
