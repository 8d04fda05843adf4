"""How often something may be tried, by whoever tries: a token bucket a key, for a bounded number of keys. Pure."""

from protocol.errors import Refusal
from protocol.rate import TokenBucket

HOUR = 3_600
# About 10 MB of buckets. Whoever has so many addresses that others are forgotten has no need to be.
MOST_KEYS = 50_000


class Throttle:
    """Lets each key try `burst` times at once and `per_hour` times an hour.

    Args:
        sentence: what a person reads who tries too often.
        most: how many keys are remembered; beyond, the one that tried least recently is forgotten.
    """

    def __init__(self, per_hour: int, burst: int, sentence: str, *, most: int = MOST_KEYS) -> None:
        self._per_hour = per_hour
        self._burst = burst
        self._sentence = sentence
        self._most = most
        self._buckets: dict[str, TokenBucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: float) -> None:
        """Count one try; `now` is in monotonic seconds.

        Raises:
            Refusal: `rate_limited`, with the time until the next try.
        """
        self._refuse_for(self.count(key, now))

    def count(self, key: str, now: float) -> float:
        """Count one try, whatever the limit; return 0.0 when it was within, else the seconds until the next one is."""
        bucket = self._buckets.pop(key, None) or TokenBucket(self._per_hour / HOUR, self._burst, now)
        self._buckets[key] = bucket  # last in line, which is the order in which keys are forgotten
        if len(self._buckets) > self._most:
            del self._buckets[next(iter(self._buckets))]
        return bucket.take(now)

    def check(self, key: str, now: float) -> None:
        """Refuse, without counting, what `take` would refuse.

        Raises:
            Refusal: `rate_limited`, with the time until the next try.
        """
        if (bucket := self._buckets.get(key)) is not None:
            self._refuse_for(bucket.wait(now))

    def forgive(self, key: str) -> None:
        """Forget what a key has tried, because it was right."""
        self._buckets.pop(key, None)

    def retire(self, now: float) -> None:
        """Forget keys that have not tried for a while; `now` is in monotonic seconds."""
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_full(now)}

    def _refuse_for(self, seconds: float) -> None:
        if seconds:
            raise Refusal("rate_limited", self._sentence, retry_after_ms=int(seconds * 1000) + 1)
