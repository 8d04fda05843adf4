"""A token bucket: so many a second on average, so many at once."""


class TokenBucket:
    """Allows `burst` at once and `per_second` on average; time is in monotonic seconds.

    Args:
        per_second: how fast the bucket refills.
        burst: how many it holds; it starts full.
        now: the time it is made.
    """

    __slots__ = ("_burst", "_filled_at", "_level", "_per_second")

    def __init__(self, per_second: float, burst: int, now: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._level = float(burst)
        self._filled_at = now

    def take(self, now: float) -> float:
        """Take one; return 0.0 when it was there, else the seconds until the next one will be."""
        wait = self.wait(now)
        if not wait:
            self._level -= 1
        return wait

    def wait(self, now: float) -> float:
        """Say in how many seconds one will be there, without taking it."""
        self._level = min(self._burst, self._level + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        return 0.0 if self._level >= 1 else (1 - self._level) / self._per_second

    def is_full(self, now: float) -> bool:
        """Whether nothing was taken lately, so that forgetting this bucket changes nothing."""
        return self._level + (now - self._filled_at) * self._per_second >= self._burst
