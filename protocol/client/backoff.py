"""How long to wait before the next socket: full jitter, so that a thousand tabs do not come back as one."""

from collections.abc import Callable

CAP = 20.0
BASE = 0.5
# A server that greets and hangs up at once must not be asked twice a second for ever.
STEADY = 10.0


class Backoff:
    """Counts failures in a row.

    Args:
        random: a number in [0, 1) each time it is called.
    """

    __slots__ = ("_failures", "_random")

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._failures = 0

    def next(self, at_least: float = 0.0) -> float:
        """Seconds to wait now: `rand(0, min(20, 0.5 * 2^n))` after `n` failures in a row, never less than asked."""
        # The exponent is capped where the product has long passed the cap, or it would overflow one day.
        window = min(CAP, BASE * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return max(at_least, self._random() * window)

    def lasted(self, seconds: float) -> None:
        """Note how long a connection was ready before it was lost: one that lasted starts the count anew."""
        if seconds >= STEADY:
            self._failures = 0
