"""Reading the options of a generating command: a table of names and checks."""

from collections.abc import Callable, Mapping
from typing import Any

from app.models.interface import InvalidOption

Check = Callable[[Any], Any]
"""Turns a value into the one to use, or raises ValueError with what was expected."""


def read_options(options: Mapping[str, Any], checks: Mapping[str, Check]) -> dict[str, Any]:
    """Return the known options with their checked values.

    Unknown names are ignored and `None` counts as absent (PROTOCOL section 1).

    Raises:
        InvalidOption: a value is not what its check expects.
    """
    read: dict[str, Any] = {}
    for name, check in checks.items():
        value = options.get(name)
        if value is None:
            continue
        try:
            read[name] = check(value)
        except ValueError as expected:
            raise InvalidOption(name, f"The option {name!r} must be {expected}.") from None
    return read


def whole(low: int, high: int) -> Check:
    """Accept a whole number from `low` to `high`."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return check


def number(low: float, high: float) -> Check:
    """Accept a number from `low` to `high`."""

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(value)

    return check


def flag(value: Any) -> bool:
    """Accept true or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def one_of(*words: str) -> Check:
    """Accept one of a few words."""

    def check(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return str(value)

    return check
