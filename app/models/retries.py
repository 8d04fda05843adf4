"""When a failed attempt is made again: a few times, soon, and only while nobody saw a word of it."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from app.models.interface import ModelFailure

PASSING = frozenset({"model_overloaded", "model_timeout", "model_error"})
"""The codes that another attempt may cure."""


class LastingFailure(ModelFailure):
    """A failure with a passing code that another attempt at once would not cure."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and after what delay an attempt is repeated.

    The delay before repetition n (from 0) is `jitter(0, min(longest, first * 2**n))`, or what the provider asked for
    when that is more. No attempt starts later than `window` seconds after the first: a person is waiting, and says
    more with a Retry button than we do with a spinner. All durations in seconds.
    """

    times: int = 2
    first: float = 0.5
    longest: float = 8.0
    window: float = 20.0
    jitter: Callable[[float, float], float] = random.uniform

    def delay(self, failure: ModelFailure, made: int, elapsed: float) -> float | None:
        """Return how long to wait before the next attempt, `None` for none.

        `made` counts the repetitions so far, `elapsed` is the time since the first attempt began.
        """
        if made >= self.times or failure.code not in PASSING or isinstance(failure, LastingFailure):
            return None
        wait = self.jitter(0, min(self.longest, self.first * 2**made))
        wait = max(wait, (failure.retry_after_ms or 0) / 1000)
        return wait if elapsed + wait <= self.window else None
