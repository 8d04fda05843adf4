"""How much one connection may have us read: a large frame takes the time of a hundred small ones."""

from protocol.ai_sdk.frames import FRAME_BYTES
from protocol.errors import Refusal
from protocol.rate import TokenBucket
from protocol.server.command_rate import too_soon

# In units of 64 KiB, which is free: four of the largest frames at once, then one every two seconds.
WEIGHED_BY = 64 * 1024
WEIGHT_PER_SECOND = 32
WEIGHT_AT_ONCE = 4 * FRAME_BYTES // WEIGHED_BY


class FrameWeight:
    """Refuses large frames that come faster than anybody asks.

    Args:
        now: the time it is made, in monotonic seconds.
    """

    def __init__(self, now: float) -> None:
        self._bucket = TokenBucket(WEIGHT_PER_SECOND, WEIGHT_AT_ONCE, now)

    def take(self, size: int, now: float) -> Refusal | None:
        """Count a frame of so many characters; return its refusal when it comes too soon."""
        waits = [self._bucket.take(now) for _ in range(size // WEIGHED_BY)]
        return too_soon(max(waits)) if any(waits) else None
