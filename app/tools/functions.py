"""The functions and constants an expression may name."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.tools import exact
from app.tools.exact import ArithmeticProblem, Number


@dataclass(frozen=True, slots=True)
class Function:
    """A function of so many numbers, at least and at most."""

    apply: Callable[..., Number]
    least: int = 1
    most: int = 1

    def call(self, name: str, numbers: Sequence[Number]) -> Number:
        """Work it out.

        Raises:
            ArithmeticProblem: it takes another number of arguments, or has no value there.
        """
        if not self.least <= len(numbers) <= self.most:
            wanted = f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"
            raise ArithmeticProblem(f"{name} takes {wanted} numbers, not {len(numbers)}.")
        return self.apply(*numbers)


def _rounded(number: Number, digits: Number | None = None) -> Number:
    places = 0 if digits is None else exact.whole(digits, "The digits of a rounding")
    if not -30 <= places <= 30:
        raise ArithmeticProblem("A rounding keeps at most 30 digits.")
    scale = Fraction(10) ** places
    # Halves go away from zero, as people learn it.
    nearest = math.floor(abs(number.value) * scale + Fraction(1, 2)) / scale
    return exact.checked(-nearest if number.value < 0 else nearest, is_exact=number.is_exact)


def _chosen(choose: Callable[[Sequence[Fraction]], Fraction]) -> Callable[..., Number]:
    return lambda *numbers: Number(choose([n.value for n in numbers]), exact.all_exact(numbers))


def _of_whole(function: Callable[..., int], what: str) -> Callable[..., Number]:
    def apply(*numbers: Number) -> Number:
        counts = [exact.whole(number, what) for number in numbers]
        return exact.checked(Fraction(function(*counts)), is_exact=exact.all_exact(numbers))

    return apply


def _mean(*numbers: Number) -> Number:
    return exact.divide(exact.total(numbers), Number(Fraction(len(numbers))))


def _median(*numbers: Number) -> Number:
    ranked = sorted(number.value for number in numbers)
    middle = (ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]) / 2
    return exact.checked(middle, is_exact=exact.all_exact(numbers))


def _choices(total: int, some: int) -> int:
    if not 0 <= some <= total <= exact.MOST_FACTORIAL:
        raise ArithmeticProblem(f"comb takes n and k with 0 <= k <= n <= {exact.MOST_FACTORIAL}.")
    return math.comb(total, some)


def _to_base(base: int) -> Callable[[Number], Number]:
    return lambda number: exact.logarithm(number, Number(Fraction(base)))


def _log(number: Number, base: Number | None = None) -> Number:
    return exact.logarithm(number, base or Number(Fraction(10)))


def _float(function: Callable[[float], float]) -> Function:
    return Function(lambda number: exact.rough(function, number))


_MANY = 200

FUNCTIONS: dict[str, Function] = {
    "sqrt": Function(exact.square_root),
    "abs": Function(lambda number: Number(abs(number.value), number.is_exact)),
    "round": Function(_rounded, 1, 2),
    "floor": Function(lambda number: Number(Fraction(math.floor(number.value)), number.is_exact)),
    "ceil": Function(lambda number: Number(Fraction(math.ceil(number.value)), number.is_exact)),
    "min": Function(_chosen(min), 1, _MANY),
    "max": Function(_chosen(max), 1, _MANY),
    "sum": Function(lambda *numbers: exact.total(numbers), 1, _MANY),
    "mean": Function(_mean, 1, _MANY),
    "median": Function(_median, 1, _MANY),
    "gcd": Function(_of_whole(math.gcd, "gcd"), 1, _MANY),
    "lcm": Function(_of_whole(math.lcm, "lcm"), 1, 20),
    "factorial": Function(exact.factorial),
    "comb": Function(_of_whole(_choices, "comb"), 2, 2),
    "exp": Function(exact.exponential),
    "ln": Function(exact.natural_logarithm),
    "log": Function(_log, 1, 2),
    "log10": Function(_to_base(10)),
    "log2": Function(_to_base(2)),
    "sin": _float(math.sin),
    "cos": _float(math.cos),
    "tan": _float(math.tan),
    "asin": _float(math.asin),
    "acos": _float(math.acos),
    "atan": _float(math.atan),
    "degrees": _float(math.degrees),
    "radians": _float(math.radians),
}
"""By name; angles are in radians."""

_PI = Fraction("3.141592653589793238462643383279502884197")

CONSTANTS: dict[str, Number] = {
    "pi": Number(_PI, is_exact=False),
    "π": Number(_PI, is_exact=False),
    "tau": Number(2 * _PI, is_exact=False),
    "e": Number(Fraction("2.718281828459045235360287471352662497757"), is_exact=False),
}
