"""Answers whose page lost its socket before their end, so that its next resume still brings the end.

The vendor's class knows only "this is being written" and "nothing is": an answer that ends while the network is away
would stay cut off on the page. Kept on this node and for as long as the logs are; a page that comes back to another
node finds the whole answer in the history.
"""

from app.clock import Clock

MOST = 10_000


class Cuts:
    """Remembers which answer a chat's page was reading.

    Args:
        clock: measures.
        keep: for how long, in seconds.
    """

    def __init__(self, clock: Clock, keep: float) -> None:
        self._clock = clock
        self._keep = keep
        self._cuts: dict[tuple[str, str], tuple[str, float]] = {}  # oldest first

    def __len__(self) -> int:
        return len(self._cuts)

    def note(self, user_id: str, chat_id: str, stream_id: str) -> None:
        """Note that somebody lost their socket while they read this."""
        self._cuts.pop((user_id, chat_id), None)
        self._cuts[user_id, chat_id] = stream_id, self._clock.monotonic() + self._keep
        while len(self._cuts) > MOST:
            del self._cuts[next(iter(self._cuts))]

    def find(self, user_id: str, chat_id: str) -> str | None:
        """The stream that was being read, if that was not long ago."""
        stream_id, until = self._cuts.get((user_id, chat_id), ("", 0.0))
        return stream_id if self._clock.monotonic() < until else None

    def forget(self, user_id: str, chat_id: str) -> None:
        """Forget it: the page has caught up, or asks something new."""
        self._cuts.pop((user_id, chat_id), None)
