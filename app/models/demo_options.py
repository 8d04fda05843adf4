"""The options of the demo model, checked; app/docs/demo.md describes each for people."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.models.options import Check, flag, number, one_of, read_options, whole

MOST_CALLS = 8
"""Tools that one step can be told to call."""

PACE = 60.0
"""Tokens per second: about as fast as a large model writes."""

FAILURES: Mapping[str, tuple[str, str, int | None]] = {
    "overloaded": ("model_overloaded", "The model is busy right now. Try again in a moment.", 2_000),
    "error": ("model_error", "The model broke off. Try again.", None),
    "midway": ("model_error", "The model broke off in the middle of its answer. Try again.", None),
    "timeout": ("model_timeout", "The model took too long to answer. Try again.", None),
    "refused": ("model_refused", "The model refused this request.", None),
    "unavailable": ("model_not_available", "This model is not available now. Choose another one.", None),
    "too-long": ("context_too_long", "This chat has become too long for the model. Start a new one.", None),
}
"""Faults that are a failure: its code, its sentence, and when to try again (ms)."""

FAULTS = (*FAILURES, "filtered", "hang", "reconnect")
"""Everything that can be made to go wrong. The last three: the answer ends with `content-filter`; it goes silent
and times out when the demo's patience ends; it reconnects once, and then comes."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How the demo model answers; the defaults are those of a person's plain question."""

    tokens: int | None = None
    pace: float = PACE
    thinking: int = 0
    tool: bool | tuple[str, ...] | None = None
    sources: bool = False
    stamp: bool = False
    seed: int = 0
    fault: str | None = None
    faultAfter: int | None = None  # noqa: N815 - the name on the wire

    @staticmethod
    def read(options: Mapping[str, Any]) -> "DemoOptions":
        """Check the options of a command.

        Raises:
            InvalidOption: a value has the wrong type or is out of range.
        """
        return DemoOptions(**read_options(options, _CHECKS))


def _pace(value: Any) -> float:
    if value == 0 and not isinstance(value, bool):
        return 0.0
    try:
        return float(number(0.1, 100_000)(value))
    except ValueError:
        raise ValueError("0, or a number from 0.1 to 100000") from None


def _tool(value: Any) -> bool | tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if isinstance(value, bool):
        return value
    if not isinstance(names, list) or not 1 <= len(names) <= MOST_CALLS or not all(map(_is_name, names)):
        raise ValueError(f"true, false, the name of a tool, or a list of up to {MOST_CALLS} names")
    return tuple(names)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) is not None


_CHECKS: Mapping[str, Check] = {
    "tokens": whole(0, 200_000),
    "pace": _pace,
    "thinking": whole(0, 20_000),
    "tool": _tool,
    "sources": flag,
    "stamp": flag,
    "seed": whole(0, 2**53 - 1),
    "fault": one_of(*FAULTS),
    "faultAfter": whole(0, 200_000),
}
