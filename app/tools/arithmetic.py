"""Works out an arithmetic expression as people write it: `15% of 80`, `2^10`, `sqrt(2) * 3`.

    sum      = product { ("+" | "-") product }
    product  = signed { ("*" | "/" | "mod" | "of") signed }
    signed   = { "+" | "-" } power
    power    = postfix [ "^" signed ]                          from the right: 2^3^2 is 2^9; -2^2 is -4
    postfix  = operand { "!" | "%" }
    operand  = number | name | name "(" sum { "," sum } ")" | "(" sum ")"

A percent sign before an operand is a remainder, as programs write it: `7 % 3` is 1. Nothing here is evaluated as
code; an expression is bounded in length and depth, and its numbers in `exact`, so the longest takes milliseconds.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from fractions import Fraction

from app.tools import exact
from app.tools.exact import ArithmeticProblem, Number
from app.tools.functions import CONSTANTS, FUNCTIONS

MOST_CHARACTERS = 1_000
MOST_DEPTH = 50
SHOWN_DIGITS = 15
"""Of a result that does not come out even."""
LONGEST_EVEN = 30
"""Decimal places up to which a result that comes out even is shown whole."""

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-zπ][A-Za-z0-9_]*")
_PLAIN = re.compile(r"(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4}(?![\d.]))?")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?")
_WRITTEN = {"×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "**": "^"}
_BEGINS_OPERAND = re.compile(r"[\d.(A-Za-zπ]")

_PRODUCTS: dict[str, Callable[[Number, Number], Number]] = {
    "*": exact.multiply,
    "/": exact.divide,
    "mod": exact.remainder,
    "of": exact.multiply,
}


def evaluate(expression: str) -> Number:
    """Work out an expression.

    Raises:
        ArithmeticProblem: it is not one, or has no value; the message says where and why.
    """
    if len(expression) > MOST_CHARACTERS:
        raise ArithmeticProblem(f"An expression has at most {MOST_CHARACTERS:,} characters.")
    reading = _Reading(expression)
    number = reading.sum()
    reading.finish()
    return number


def shown(number: Number) -> str:
    """Write a number for people: whole or as a decimal; rounded to fifteen digits when it has no end."""
    value = number.value
    if number.is_exact and (places := _places(value)) is not None:
        digits = f"{abs(value.numerator) * 10**places // value.denominator:0{places + 1}d}"
        sign = "-" if value < 0 else ""
        return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)
    rounded = Context(prec=SHOWN_DIGITS).divide(Decimal(value.numerator), Decimal(value.denominator))
    text = f"{rounded.normalize():f}" if -7 < rounded.adjusted() < SHOWN_DIGITS else f"{rounded.normalize():e}"
    return text if rounded else "0"


def comes_out_even(number: Number) -> bool:
    """Whether what `shown` writes is the number itself."""
    return number.is_exact and _places(number.value) is not None


def _places(value: Fraction) -> int | None:
    """How many decimal places write it whole; None when none do, or too many."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    return places if rest == 1 and places <= LONGEST_EVEN else None


class _Reading:
    """One expression, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._in_call = 0  # inside a call a comma separates arguments, elsewhere thousands

    def sum(self) -> Number:
        number = self._product()
        while sign := self._take("+", "-"):
            right = self._product()
            number = exact.add(number, right if sign == "+" else exact.negated(right))
        return number

    def finish(self) -> None:
        if self._peek():
            raise self._unexpected("the end")

    def _product(self) -> Number:
        number = self._signed()
        while operator := self._take("*", "/", "%", "mod", "of"):
            right = self._signed()
            number = _PRODUCTS["mod" if operator == "%" else operator](number, right)
        return number

    def _signed(self) -> Number:
        self._deeper()
        sign = self._take("+", "-")
        number = self._signed() if sign else self._power()
        self._depth -= 1
        return exact.negated(number) if sign == "-" else number

    def _power(self) -> Number:
        base = self._postfix()
        return exact.power(base, self._signed()) if self._take("^") else base

    def _postfix(self) -> Number:
        number = self._operand()
        while True:
            if self._take("!"):
                number = exact.factorial(number)
            elif self._peek() == "%" and not self._is_remainder():
                self._take("%")
                number = exact.percent(number)
            else:
                return number

    def _is_remainder(self) -> bool:
        """Whether the percent sign here has an operand behind it; `of` and `mod` are none."""
        behind = _SPACE.match(self._text, self._at + 1)
        rest = self._text[behind.end() if behind else len(self._text) :]
        name = _NAME.match(rest)
        return bool(_BEGINS_OPERAND.match(rest)) and (name is None or name[0] not in _PRODUCTS)

    def _operand(self) -> Number:
        if self._take("("):
            return self._in_parentheses()
        if found := (not self._in_call and _GROUPED.match(self._text, self._at)) or _PLAIN.match(self._text, self._at):
            self._at = found.end()
            return exact.checked(Fraction(found[0].replace(",", "").replace("_", "")))
        if found := _NAME.match(self._text, self._at):
            return self._named(found[0])
        raise self._unexpected("a number")

    def _in_parentheses(self) -> Number:
        calls, self._in_call = self._in_call, 0
        number = self.sum()
        self._expect(")")
        self._in_call = calls
        return number._replace(is_percent=False)

    def _named(self, name: str) -> Number:
        at = self._at
        self._at += len(name)
        if (constant := CONSTANTS.get(name.lower())) is not None:
            return constant
        function = FUNCTIONS.get(name.lower())
        if function is None or not self._take("("):
            self._at = at
            what = f"{name} needs its arguments in parentheses." if function else f"There is no {name!r} here."
            known = "" if function else f" Known are {', '.join((*FUNCTIONS, *CONSTANTS))}."
            raise ArithmeticProblem(what + known)
        return function.call(name, self._arguments())

    def _arguments(self) -> Sequence[Number]:
        self._in_call += 1
        arguments = [self.sum()]
        while self._take(",", ";"):
            arguments.append(self.sum())
        self._expect(")")
        self._in_call -= 1
        return arguments

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise ArithmeticProblem(f"The expression is nested deeper than {MOST_DEPTH} levels.")

    def _peek(self) -> str:
        """The sign or name that comes next; empty at the end."""
        if space := _SPACE.match(self._text, self._at):
            self._at = space.end()
        if found := _NAME.match(self._text, self._at):
            return found[0]
        written = "**" if self._text.startswith("**", self._at) else self._text[self._at : self._at + 1]
        return _WRITTEN.get(written, written)

    def _take(self, *wanted: str) -> str:
        """Take what comes next if it is wanted; empty when it is not."""
        found = self._peek()
        if not found or found not in wanted:
            return ""
        self._at += 2 if self._text.startswith("**", self._at) else len(found)
        return found

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._unexpected(f"{sign!r}")

    def _unexpected(self, expected: str) -> ArithmeticProblem:
        found = repr(self._peek()) if self._peek() else "the end"
        return ArithmeticProblem(f"At character {self._at + 1} {expected} was expected, not {found}.")
