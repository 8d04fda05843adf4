"""How fast one connection may send commands, and when it counts as deaf."""

from protocol.errors import Refusal, Violation
from protocol.limits import Limits
from protocol.rate import TokenBucket

# Bursts of refused commands are answered; a client that ignores this many `rate_limited` in a row is not listening.
DEAF_AFTER_REFUSALS = 200


class CommandRate:
    """The rate of one connection.

    Args:
        limits: how many commands a second, and how many at once.
        now: the time it is made, in monotonic seconds, as every time here.
    """

    __slots__ = ("_bucket", "_refusals")

    def __init__(self, limits: Limits, now: float) -> None:
        self._bucket = TokenBucket(limits.commands_per_second, limits.command_burst, now)
        self._refusals = 0

    def take(self, now: float) -> Refusal | None:
        """Count one command; return its refusal when it comes too soon.

        Raises:
            Violation: `rate_limited`, for whoever does not listen to refusals either.
        """
        wait = self._bucket.take(now)
        if not wait:
            self._refusals = 0
            return None
        self._refusals += 1
        if self._refusals > DEAF_AFTER_REFUSALS:
            raise Violation("rate_limited")
        return too_soon(wait)


def too_soon(wait: float) -> Refusal:
    """The refusal of what may come in so many seconds."""
    return Refusal("rate_limited", retry_after_ms=int(wait * 1000) + 1)
