"""What a server did that the agreement does not allow."""

import json
from typing import Any

# A welcome or a page of history is as long as an account is old; its beginning tells which one it was.
_MOST_WORDS = 400


class Failure(Exception):  # noqa: N818 - reads as what it is
    """One difference between what was agreed and what came.

    Args:
        why: a sentence that says what is wrong.
        expected: the frame, or what else should have come.
        received: the frame, or what else came instead.
        guarantees: the numbers of the guarantees it breaks, or sections as `§1`; empty: those of the check.
    """

    def __init__(self, why: str, expected: Any, received: Any, *guarantees: str) -> None:
        super().__init__(why)
        self.why = why
        self.expected = written(expected)
        self.received = written(received)
        self.guarantees = guarantees


def written(value: Any) -> str:
    """A frame as JSON on one line, shortened; words as they are."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _MOST_WORDS else f"{text[:_MOST_WORDS]}…"
