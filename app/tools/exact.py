"""Numbers as a person expects them: exact as long as they can be, and never so long that they hold up the server.

A number is a fraction of whole numbers, so 0.1 + 0.2 is 0.3. What no fraction can be, as a square root, is worked out
to forty digits (sines and their like to fifteen), and marked as not exact from then on.
"""

import math
from collections.abc import Callable, Sequence
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from fractions import Fraction
from typing import NamedTuple

MOST_BITS = 4_096
"""Of a numerator or denominator: some 1,200 digits. One operation on such numbers takes microseconds."""

MOST_FACTORIAL = 500

_NOTHING = Fraction(1, 10**15)
_REAL = Context(prec=40, Emax=1_200, Emin=-1_200, traps=[InvalidOperation, DivisionByZero, Overflow])


class ArithmeticProblem(Exception):  # noqa: N818 - reads as what it is
    """It cannot be worked out; the message is a sentence that says why."""


class Number(NamedTuple):
    """A value; `is_exact` is false once it was rounded, `is_percent` right behind a percent sign."""

    value: Fraction
    is_exact: bool = True
    is_percent: bool = False


def checked(value: Fraction, *, is_exact: bool = True) -> Number:
    """Return a number that is not too long to go on with.

    Raises:
        ArithmeticProblem: it is.
    """
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise ArithmeticProblem("A number becomes too long: at most some 1,200 digits can be worked with.")
    return Number(value, is_exact)


def add(left: Number, right: Number) -> Number:
    """Add; `80 + 15%` is 92, as people mean it."""
    share = left.value if right.is_percent and not left.is_percent else Fraction(1)
    return checked(left.value + right.value * share, is_exact=left.is_exact and right.is_exact)


def negated(number: Number) -> Number:
    """Change the sign."""
    return number._replace(value=-number.value)


def multiply(left: Number, right: Number) -> Number:
    """Multiply."""
    return checked(left.value * right.value, is_exact=left.is_exact and right.is_exact)


def divide(left: Number, right: Number) -> Number:
    """Divide."""
    return checked(left.value / _not_zero(right), is_exact=left.is_exact and right.is_exact)


def remainder(left: Number, right: Number) -> Number:
    """What is left over; it has the sign of the divisor."""
    return checked(left.value % _not_zero(right), is_exact=left.is_exact and right.is_exact)


def percent(number: Number) -> Number:
    """A hundredth, remembered as a percentage."""
    return Number(number.value / 100, number.is_exact, is_percent=True)


def power(base: Number, exponent: Number) -> Number:
    """Raise to a power; exactly when the exponent is whole."""
    if base.value == 0 and exponent.value < 0:
        raise ArithmeticProblem("Zero has no negative powers.")
    if exponent.value.denominator != 1:
        return _real_power(base, exponent)
    if _is_too_long(base, exponent):
        raise ArithmeticProblem("This power is too large: at most some 1,200 digits can be worked with.")
    return checked(base.value ** int(exponent.value), is_exact=base.is_exact and exponent.is_exact)


def factorial(number: Number) -> Number:
    """The product of all whole numbers up to it."""
    count = whole(number, "A factorial")
    if not 0 <= count <= MOST_FACTORIAL:
        raise ArithmeticProblem(f"A factorial takes a whole number from 0 to {MOST_FACTORIAL}.")
    return Number(Fraction(math.factorial(count)), number.is_exact)


def square_root(number: Number) -> Number:
    """The square root; exactly when it is a fraction."""
    top, bottom = number.value.numerator, number.value.denominator
    if top < 0:
        raise ArithmeticProblem("A negative number has no square root here.")
    root = Fraction(math.isqrt(top), math.isqrt(bottom))
    if root * root == number.value:
        return Number(root, number.is_exact)
    return real(lambda value: value.sqrt(_REAL), number)


def real(function: Callable[[Decimal], Decimal], number: Number) -> Number:
    """Work out a function that leaves the fractions, to forty digits.

    Raises:
        ArithmeticProblem: it has no value there, or a far too large one.
    """
    try:
        result = function(_decimal(number.value))
    except Overflow:
        raise ArithmeticProblem("The result is too large.") from None
    except ArithmeticError:
        raise ArithmeticProblem("This function has no value there.") from None
    return checked(Fraction(result), is_exact=False)


def rough(function: Callable[[float], float], number: Number) -> Number:
    """Work out a function to the fifteen digits of a float.

    Raises:
        ArithmeticProblem: it has no value there.
    """
    try:
        result = Fraction(function(float(number.value)))
    except (ArithmeticError, ValueError):
        raise ArithmeticProblem("This function has no value there.") from None
    # The sine of pi: nearer to zero than a float can tell.
    return checked(Fraction(0) if abs(result) < _NOTHING else result, is_exact=False)


def natural_logarithm(number: Number) -> Number:
    """The logarithm to the base e."""
    return real(lambda value: value.ln(_REAL), _positive(number))


def logarithm(number: Number, base: Number) -> Number:
    """The logarithm to a base; exactly when it is whole."""
    shown = real(lambda value: value.ln(_REAL), _positive(number)).value
    divisor = real(lambda value: value.ln(_REAL), _positive(base)).value
    if not divisor:
        raise ArithmeticProblem("There is no logarithm to the base 1.")
    guess = Number(Fraction(round(shown / divisor)))
    if not _is_too_long(base, guess) and base.value ** int(guess.value) == number.value:
        return guess._replace(is_exact=number.is_exact and base.is_exact)
    return real(lambda value: value, Number(shown / divisor))


def exponential(number: Number) -> Number:
    """A power of e."""
    return real(lambda value: value.exp(_REAL), number)


def whole(number: Number, what: str) -> int:
    """The number as an integer.

    Raises:
        ArithmeticProblem: it is not whole.
    """
    if number.value.denominator != 1:
        raise ArithmeticProblem(f"{what} takes whole numbers.")
    return int(number.value)


def total(numbers: Sequence[Number]) -> Number:
    """The sum; here a percentage is only a hundredth."""
    return checked(sum((number.value for number in numbers), Fraction(0)), is_exact=all_exact(numbers))


def all_exact(numbers: Sequence[Number]) -> bool:
    """Whether none of them was rounded."""
    return all(number.is_exact for number in numbers)


def _is_too_long(base: Number, exponent: Number) -> bool:
    """Whether a whole power would be far too long; told before it is worked out, because that takes the time."""
    length = max(base.value.numerator.bit_length(), base.value.denominator.bit_length())
    return (length - 1) * abs(exponent.value) > MOST_BITS


def _real_power(base: Number, exponent: Number) -> Number:
    if base.value < 0:
        raise ArithmeticProblem("A negative number has only whole powers here.")
    if exponent.value == Fraction(1, 2):
        return square_root(base)
    if not base.value:
        return Number(Fraction(0), is_exact=base.is_exact and exponent.is_exact)
    return real(lambda value: _REAL.power(value, _decimal(exponent.value)), base)


def _decimal(value: Fraction) -> Decimal:
    return _REAL.divide(Decimal(value.numerator), Decimal(value.denominator))


def _not_zero(number: Number) -> Fraction:
    if not number.value:
        raise ArithmeticProblem("Nothing can be divided by zero.")
    return number.value


def _positive(number: Number) -> Number:
    if number.value <= 0:
        raise ArithmeticProblem("Only positive numbers have a logarithm.")
    return number
