"""A place among the streams that a connection follows, kept for a command until it is answered.

The commands of one connection run side by side, and each follows its stream only with its ack. Without a place that is
kept meanwhile, sixteen sends could all find the last one free.
"""

from typing import Protocol


class Places(Protocol):
    """The places of one connection."""

    def follows(self, stream_id: str) -> bool:
        """Whether the stream has a place."""

    def book(self) -> bool:
        """Keep a place; say whether there was one."""

    def unbook(self) -> None:
        """Give up a place that was kept."""


class Booking:
    """The place of one command.

    Args:
        places: where it is kept.
    """

    __slots__ = ("_is_kept", "_places")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._is_kept = False

    def take(self, stream_id: str) -> bool:
        """Keep a place for this stream, unless it has one; say whether it may be followed."""
        if not self._is_kept and not self._places.follows(stream_id):
            self._is_kept = self._places.book()
            return self._is_kept
        return True

    def release(self) -> None:
        """The command is answered: what it follows has its place by now."""
        if self._is_kept:
            self._is_kept = False
            self._places.unbook()
