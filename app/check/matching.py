"""Patterns: frames with variables, as `protocol/vectors/README.md` describes them for checks.

A pattern says at least what it names. `$name` is a variable, bound where it first stands; `null` means that the field
is absent, as everywhere on the wire; `"*"` that it is there; `{"oneOf": […]}` that one of these fits. Lists have as
many items as their pattern.
"""

import re
from collections.abc import Callable
from typing import Any

_VARIABLE = re.compile(r"\$[A-Za-z]\w*")


class Names:
    """The values of a check's variables.

    Args:
        mint: makes the value of a variable that is sent before it was received.
    """

    def __init__(self, mint: Callable[[], str], **known: Any) -> None:
        self.bound: dict[str, Any] = {f"${name}": value for name, value in known.items()}
        self._mint = mint

    def fill(self, pattern: Any) -> Any:
        """Put values in the place of variables; one that is not bound yet is minted."""
        if isinstance(pattern, dict):
            return {key: self.fill(value) for key, value in pattern.items()}
        if isinstance(pattern, list):
            return [self.fill(item) for item in pattern]
        if not is_variable(pattern):
            return pattern
        if pattern not in self.bound:
            self.bound[pattern] = self._mint()
        return self.bound[pattern]

    def known(self, pattern: Any) -> Any:
        """Put in the values that are bound, and leave the other variables as they are: a pattern for people."""
        if isinstance(pattern, dict):
            return {key: self.known(value) for key, value in pattern.items()}
        if isinstance(pattern, list):
            return [self.known(item) for item in pattern]
        return self.bound.get(pattern, pattern) if isinstance(pattern, str) else pattern

    def match(self, pattern: Any, value: Any) -> bool:
        """Whether a value is what the pattern says; only then are its new variables bound."""
        found = dict(self.bound)
        if not _matches(pattern, value, found):
            return False
        self.bound = found
        return True


def is_variable(pattern: object) -> bool:
    """Whether this stands for a value."""
    return isinstance(pattern, str) and _VARIABLE.fullmatch(pattern) is not None


def _matches(pattern: Any, value: Any, bound: dict[str, Any]) -> bool:
    if pattern == "*":
        return value is not None
    if is_variable(pattern):
        return bool(value is not None and bound.setdefault(pattern, value) == value)
    if isinstance(pattern, dict) and pattern.keys() == {"oneOf"}:
        return any(_matches(each, value, bound) for each in pattern["oneOf"])
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(_matches(inner, value.get(key), bound) for key, inner in pattern.items())
    if isinstance(pattern, list):
        is_as_long = isinstance(value, list) and len(value) == len(pattern)
        return is_as_long and all(_matches(inner, item, bound) for inner, item in zip(pattern, value, strict=True))
    return bool(pattern == value and isinstance(pattern, bool) == isinstance(value, bool))
