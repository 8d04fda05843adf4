"""Reads JSON that is still being written: the input of a tool call, token by token.

A port of `fix-json` and `parse-partial-json` of npm package `ai@7`, kept close to the original so that a server and a
page show the same half-written input. A text that is not JSON yet is cut after its last complete character and what is
open is closed. Three differences, all where the original's answer could not be stored or sent: NUL and lone surrogates
are dropped, nesting beyond `MAX_DEPTH` counts as unreadable, and an infinite number (1e999) is null, as JSON prints it.
"""

import json
import math
import re
from typing import Any, Final

from protocol.parts.clean import MAX_DEPTH, clean_value

Move = tuple[tuple[str, ...], bool]
"""What replaces the top of the stack, and whether the text may be cut after this character."""

_LITERALS = ("true", "false", "null")
_PLAIN = re.compile(r'[^"\\]+')
_DIGITS: Final = "0123456789"
_HEX: Final = "0123456789abcdefABCDEF"


def _value(after: str) -> dict[str, Move]:
    """The moves that begin a value; `after` is the state behind it."""
    moves: dict[str, Move] = dict.fromkeys(_DIGITS, ((after, "number"), True))
    moves |= dict.fromkeys("tfn", ((after, "literal"), True))
    moves |= {"-": ((after, "number"), False), '"': ((after, "string"), True)}
    return moves | {"{": ((after, "object"), True), "[": ((after, "array"), True)}


# One line a state. A missing character is ignored: whether the text is JSON at all is left to the real parser.
_MOVES: dict[str, dict[str, Move]] = {
    "root": _value("done"),
    "done": {},
    "object": {'"': (("object key",), False), "}": ((), True)},
    "object comma": {'"': (("object key",), False)},
    "object key": {'"': (("object colon",), False)},
    "object colon": {":": (("object value",), False)},
    "object value": _value("object next"),
    "object next": {",": (("object comma",), False), "}": ((), True)},
    "array": {**_value("array next"), "]": ((), True)},
    "array comma": _value("array next"),
    "array next": {",": (("array comma",), False), "]": ((), True)},
    "string": {'"': ((), True), "\\": (("string", "escape"), False)},
    "escape": {"u": (("hex 1",), False)},
    "hex 1": dict.fromkeys(_HEX, (("hex 2",), False)),
    "hex 2": dict.fromkeys(_HEX, (("hex 3",), False)),
    "hex 3": dict.fromkeys(_HEX, (("hex 4",), False)),
    "hex 4": dict.fromkeys(_HEX, ((), True)),
    "number": {**dict.fromkeys(_DIGITS, (("number",), True)), **dict.fromkeys("eE-.", (("number",), False))},
}

# What a character means in a state that names it nowhere; states without a line here ignore it.
_OTHERWISE: dict[str, Move] = {
    "string": (("string",), True),
    "escape": ((), True),
    "array next": (("array next",), True),
}

_CLOSE = {"string": '"', "object": "}", "array": "]"}
_ENDS_VALUE = {"object next": ",}", "array next": ",]"}


class _Scan:
    """One pass over a text: the stack of what is open, and where the text may be cut."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.stack = ["root"]
        self.cut = 0
        self.literal = 0

    def run(self) -> str:
        """Cut the text after its last complete character and close what is open."""
        at, text = 0, self.text
        while at < len(text):
            plain = _PLAIN.match(text, at) if self.stack[-1] == "string" else None
            if plain:
                at = self.cut = plain.end()
                continue
            self._step(text[at], at)
            at += 1
        return text[: self.cut] + "".join(self._closing(state) for state in reversed(self.stack))

    def _step(self, char: str, at: int) -> None:
        state = self.stack[-1]
        if state == "literal":
            self._literal(char, at)
        elif state == "number" and char not in _MOVES["number"]:
            self._leave(char, at)
        else:
            self._move(state, char, at)

    def _move(self, state: str, char: str, at: int) -> None:
        move = _MOVES[state].get(char) or _OTHERWISE.get(state)
        if move is None:
            return
        self.stack[-1:] = move[0]
        if move[1]:
            self.cut = at + 1
        if move[0][-1:] == ("literal",):
            self.literal = at

    def _literal(self, char: str, at: int) -> None:
        if any(word.startswith(self.text[self.literal : at + 1]) for word in _LITERALS):
            self.cut = at + 1
        else:
            self._leave(char, at)

    def _leave(self, char: str, at: int) -> None:
        """A number or literal is over; the character may end the value around it."""
        self.stack.pop()
        state = self.stack[-1]
        if char in _ENDS_VALUE.get(state, ""):
            self._move(state, char, at)

    def _closing(self, state: str) -> str:
        if state == "literal":
            begun = self.text[self.literal :]
            return next(word for word in _LITERALS if word.startswith(begun))[len(begun) :]
        return _CLOSE.get(state.split(" ")[0], "")


def parse_partial(text: str) -> tuple[Any, bool]:
    """Read JSON that may stop anywhere.

    Returns:
        The value and True, or None and False when not even a beginning can be read.
    """
    value, ok = _parse(text)
    return (value, ok) if ok else _parse(_Scan(text).run())


def _parse(text: str) -> tuple[Any, bool]:
    try:
        value = json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refuse)
        value = clean_value(value, MAX_DEPTH)
    except (ValueError, RecursionError):
        return None, False
    return (None, False) if _may_poison(text) and _poisons(value) else (value, True)


def _number(text: str) -> int | float | None:
    """A number as JavaScript reads it: every number is a double."""
    value = float(text)
    if not math.isfinite(value):
        return None
    return int(text) if abs(value) <= 2**53 and text.lstrip("-").isdigit() else value


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is not JSON.")


def _may_poison(text: str) -> bool:
    return "__proto__" in text or "constructor" in text or "\\u00" in text


def _poisons(value: Any) -> bool:
    """Whether ai refuses the value because a key would reach a JavaScript prototype."""
    if isinstance(value, dict):
        constructor = value.get("constructor")
        if "__proto__" in value or (isinstance(constructor, dict) and "prototype" in constructor):
            return True
        return any(map(_poisons, value.values()))
    return isinstance(value, list) and any(map(_poisons, value))
