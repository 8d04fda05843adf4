"""How much one user may have answered: so many at once, so many a minute, and so many tokens a day. Pure.

All three are counted in the database, in the change that accepts a question: so they hold across all nodes.

A day is a UTC date. What was spent counts when it is known, at the end of an answer: so a running answer is never cut
off, and those that run when the budget is reached may exceed it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from protocol.errors import Refusal

MINUTE_MS = 60_000
DAY_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Quota:
    """What one user may have.

    Args:
        at_once: answers being written at the same time; one more waits.
        daily_tokens: input and output together; 0 means any number.
        per_minute: questions, on average; as many may come at once.
    """

    at_once: int
    daily_tokens: int = 0
    per_minute: int = 60

    @property
    def share_ms(self) -> int:
        """What one question uses up of a minute."""
        return -(-MINUTE_MS // self.per_minute)

    @property
    def most_ms(self) -> int:
        """What questions can use up ahead of time, when as many as may come at once have come."""
        return self.per_minute * self.share_ms

    def too_soon(self, asked_until: int, now: int) -> Refusal | None:
        """Say why a question comes too soon; None when it may be answered.

        Args:
            asked_until: until when the rate is used up with this question; Unix milliseconds, as is `now`.
        """
        wait = asked_until - now - self.most_ms
        if wait <= 0:
            return None
        return Refusal(
            "rate_limited",
            f"You can ask for {self.per_minute} answers a minute. Wait a moment.",
            retry_after_ms=wait,
        )

    def refusal(self, used: int, now: int) -> Refusal | None:
        """Say why nothing more is answered today; None when it is.

        Args:
            used: tokens spent today.
            now: Unix milliseconds.
        """
        if not self.daily_tokens or used < self.daily_tokens:
            return None
        details = self.details(used, now)
        wait = details["renewsAt"] - now
        return Refusal(
            "quota_exceeded",
            f"Today's budget of {self.daily_tokens:,} tokens is used up. It renews at 00:00 UTC, in {_words(wait)}.",
            retry_after_ms=wait,
            details=details,
        )

    def details(self, used: int, now: int) -> dict[str, int]:
        """Say how the budget stands, in the names of the wire."""
        return {"renewsAt": (now // DAY_MS + 1) * DAY_MS, "used": used, "budget": self.daily_tokens}


def day_of(now: int) -> str:
    """The UTC date of a time in Unix milliseconds, as 2026-11-26."""
    return datetime.fromtimestamp(now / 1000, UTC).date().isoformat()


def _words(ms: int) -> str:
    minutes = -(-ms // 60_000)
    count, unit = (minutes, "minute") if minutes < 60 else (round(minutes / 60), "hour")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
