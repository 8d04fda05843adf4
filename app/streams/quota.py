"""How much one user may have answered: so many at once, and so many tokens a day. Pure.

A day is a UTC date. What was spent counts when it is known, at the end of an answer: so a running answer is never cut
off, and those that run when the budget is reached may exceed it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from protocol.errors import Refusal

DAY_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Quota:
    """What one user may have.

    Args:
        at_once: answers being written at the same time; one more waits.
        daily_tokens: input and output together; 0 means any number.
    """

    at_once: int
    daily_tokens: int = 0

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
