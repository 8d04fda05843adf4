"""The newest events of one user on this node, shared by all of the user's sockets as encoded frames."""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Literal

import orjson

from app.store.events import StoredEvent
from protocol.codec import encode
from protocol.frames.server import EventsReset

# A socket that is further behind than this takes a snapshot, which is shorter than what it missed.
MOST_EVENTS = 1_000
MOST_BYTES = 512 * 1024


def frame_of(event: StoredEvent) -> bytes:
    """Write an `event` frame around its stored data, which is JSON already."""
    source = "" if event.source_client_id is None else f'"sourceClientId":{_quoted(event.source_client_id)},'
    head = f'{{"type":"event","offset":{event.offset},"name":"{event.name}","time":{event.time},{source}"data":'
    return head.encode() + event.data.encode() + b"}"


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


class Feed:
    """A window over one user's event log: the frames of the events `(base, head]`.

    Args:
        epoch: the identity of the log.
        head: where it stands; the window begins empty there.
        resets: counts the readers who fell out of the window, by reason.
    """

    def __init__(self, epoch: str, head: int, resets: Counter[str] | None = None) -> None:
        self.epoch = epoch
        self.head = head
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._resets: Counter[str] = Counter() if resets is None else resets
        self._lost: Literal["slow_consumer", "trimmed"] = "slow_consumer"  # why the window begins where it does

    def __repr__(self) -> str:
        return f"<Feed {self.epoch} ({self.base}, {self.head}] {self._size} bytes>"

    @property
    def base(self) -> int:
        """The offset before the oldest event that is held."""
        return self.head - len(self._frames)

    def follow(self, events: Sequence[StoredEvent]) -> bool:
        """Take the next events; say whether they followed directly, else nothing was taken and some are missing.

        Events that are known already are passed over, so a doubled or overtaken announcement is harmless.
        """
        for event in events:
            if event.offset <= self.head:
                continue
            if event.offset != self.head + 1:
                return False
            self._push(frame_of(event))
        return True

    def read(self, after: int) -> bytes | None:
        """Return the frame of the event after an offset; None when the window begins later."""
        index = after - self.base
        return self._frames[index] if 0 <= index < len(self._frames) else None

    def extend_back(self, events: Sequence[StoredEvent]) -> bool:
        """Take older events that end right before the window; say whether they fit."""
        frames = [frame_of(event) for event in events]
        size = sum(map(len, frames))
        if len(frames) + len(self._frames) > MOST_EVENTS or size + self._size > MOST_BYTES:
            return False
        self._frames.extendleft(reversed(frames))
        self._size += size
        return True

    def skip_to(self, head: int) -> None:
        """Begin an empty window at a later head, because what lies between cannot be had any more."""
        self.rest()
        self.head = head
        self._lost = "trimmed"

    def rest(self) -> None:
        """Let go of all frames, because nobody needs them; the database has them for whoever comes later."""
        self._frames.clear()
        self._size = 0

    def reset(self) -> bytes:
        """Return the frame that sends a reader who fell out of the window to the head."""
        self._resets[self._lost] += 1
        return encode(EventsReset(epoch=self.epoch, offset=self.head, reason=self._lost))

    def _push(self, frame: bytes) -> None:
        self._frames.append(frame)
        self._size += len(frame)
        self.head += 1
        while len(self._frames) > MOST_EVENTS or self._size > MOST_BYTES:
            self._size -= len(self._frames.popleft())
            self._lost = "slow_consumer"
