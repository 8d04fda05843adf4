"""What passed over the sockets of a node, counted as it passes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from app.histogram import Histogram
from protocol.codes import CLOSE_MEANINGS

# What browsers, libraries and proxies close with. Any other code is a client's own, of which there are thousands.
_CLIENT_CLOSES = frozenset({1000, 1001, 1002, 1005, 1006, 1011})
RESUME_FRAMES = (1, 2, 3, 5, 10, 30, 100)


@dataclass(frozen=True, slots=True)
class SocketStatistics:
    """The sockets of a node at one moment, and what passed over them since its start.

    Attributes:
        open: sockets that are open.
        stalled: those whose kernel takes nothing more just now.
        full: those whose client has yet to confirm what it was sent.
        accepted, refused: handshakes since the start; a refused one got 403.
        bytes_sent: to all of them, websocket heads included.
        closed: sockets that are gone, by close code.
        commands: carried out, by type and outcome (`Commands.outcomes`).
        errors: `error` frames, by code.
        resumes: data frames until a client that had missed something of an answer had caught up.
    """

    open: int
    stalled: int
    full: int
    accepted: int
    refused: int
    bytes_sent: int
    closed: Mapping[str, int]
    commands: Mapping[tuple[str, str], int]
    errors: Mapping[str, int]
    resumes: Histogram


class Traffic:
    """The counters that all sockets of a node share, and what watches their cores; one event loop owns them."""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused = 0
        self.bytes_sent = 0  # by those that are gone
        self.closed: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.resumes = Histogram(RESUME_FRAMES)

    def error(self, code: str) -> None:
        """Count an `error` frame."""
        self.errors[code] += 1

    def resumed(self, frames: int) -> None:
        """Count a client that caught up with an answer."""
        self.resumes.observe(frames)

    def gone(self, close_code: int, bytes_sent: int) -> None:
        """Count a socket that is gone."""
        is_known = close_code in CLOSE_MEANINGS or close_code in _CLIENT_CLOSES
        self.closed[str(close_code) if is_known else "other"] += 1
        self.bytes_sent += bytes_sent
