"""What an observer of a connection is told: rare things, counted by whoever wants to know."""

from typing import Protocol


class Watch(Protocol):
    """Plain functions that must not fail; one object may watch every connection of a node."""

    def error(self, code: str) -> None:
        """An `error` frame with this code is about to go out."""

    def resumed(self, frames: int) -> None:
        """A client that had missed something of a stream has been sent all of it, in so many data frames."""


class Unwatched:
    """Nobody wants to know."""

    def error(self, code: str) -> None:
        """Forget it."""

    def resumed(self, frames: int) -> None:
        """Forget it."""


UNWATCHED = Unwatched()
