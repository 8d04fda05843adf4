"""Expressions as people write them, exactly; and nothing that anybody may write takes long or breaks."""

import math
from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tools.arithmetic import MOST_CHARACTERS, MOST_DEPTH, comes_out_even, evaluate, shown
from app.tools.exact import MOST_BITS, ArithmeticProblem
from app.tools.functions import CONSTANTS, FUNCTIONS


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("12*7", "84"),
        ("0.1 + 0.2", "0.3"),
        ("(1 + 2) * (3 - 4)", "-3"),
        ("3 × 4 ÷ 2 − 1", "5"),
        ("2^3^2", "512"),
        ("2**10", "1024"),
        ("-2^2", "-4"),
        ("--3", "3"),
        ("2^-2", "0.25"),
        ("0^0", "1"),
        ("15% of 80", "12"),
        ("80 + 15%", "92"),
        ("200 - 25%", "150"),
        ("10% + 5%", "0.15"),
        ("80 + (15%)", "80.15"),
        ("50% * 8", "4"),
        ("7 % 3", "1"),
        ("-7 mod 3", "2"),
        ("7.5 % (2)", "1.5"),
        ("1,234.5 + 1_000", "2234.5"),
        ("max(1,234)", "234"),
        ("max((1,234), 2; 3)", "1234"),
        ("5!", "120"),
        ("2 + 3!^2", "38"),
        ("sqrt(9/4)", "1.5"),
        ("9^0.5", "3"),
        ("log(1000)", "3"),
        ("log(8, 2) + log2(8)", "6"),
        ("round(2.5) + round(-2.5)", "0"),
        ("round(2.345, 2)", "2.35"),
        ("floor(-1.5) + ceil(-1.5)", "-3"),
        ("mean(1, 2, 6) + median(1, 9, 3, 5)", "7"),
        ("gcd(12, 18) + lcm(4, 6)", "18"),
        ("comb(52, 5)", "2598960"),
        ("sum(1, 2, 3) - min(4, 5) + abs(-2)", "4"),
        ("1e3 + 1e-3", "1000.001"),
        ("(1+5%)^10", "1.62889462677744140625"),
    ],
)  # fmt: skip
def test_it_comes_out_even(expression: str, result: str) -> None:
    number = evaluate(expression)
    assert (shown(number), comes_out_even(number)) == (result, True)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1/3", "0.333333333333333"),
        ("-200/3", "-66.6666666666667"),
        ("1/3e20", "3.33333333333333e-21"),
        ("sqrt(2)^2", "2"),
        ("exp(1) - e", "0"),
        ("2^0.5 * 3", "4.24264068711929"),
        ("sin(pi)", "0"),
        ("cos(radians(60))", "0.5"),
        ("degrees(atan(1))", "45"),
        ("10^20/7", "1.42857142857143e+19"),
        ("π", "3.14159265358979"),
    ],
)
def test_what_does_not_come_out_even_is_rounded_and_says_so(expression: str, result: str) -> None:
    number = evaluate(expression)
    assert (shown(number), comes_out_even(number)) == (result, False)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "At character 1 a number was expected, not the end."),
        ("1 +", "At character 4 a number was expected, not the end."),
        ("(1", "At character 3 ')' was expected, not the end."),
        ("2(3)", "At character 2 the end was expected, not '('."),
        ("1 2", "At character 3 the end was expected, not '2'."),
        ("1; drop", "the end was expected"),
        ("__import__('os')", "a number was expected"),
        ("open('x')", "There is no 'open' here. Known are sqrt, "),
        ("sqrt 4", "sqrt needs its arguments in parentheses."),
        ("sqrt(1, 2)", "sqrt takes 1 numbers, not 2."),
        ("round()", "a number was expected"),
        ("1/0", "divided by zero"),
        ("1 mod 0", "divided by zero"),
        ("0^-1", "no negative powers"),
        ("sqrt(-1)", "no square root"),
        ("(-8)^(1/3)", "only whole powers"),
        ("ln(0)", "Only positive numbers"),
        ("log(2, 1)", "no logarithm to the base 1"),
        ("2.5!", "whole numbers"),
        ("(-1)!", "from 0 to 500"),
        ("501!", "from 0 to 500"),
        ("round(1, 99)", "at most 30 digits"),
        ("comb(5, 9)", "0 <= k <= n"),
        ("asin(2)", "no value there"),
        ("sin(10^400)", "no value there"),
        ("exp(10000)", "too large"),
        ("9^9^9", "too large"),
        ("10^1000 * 10^1000", "too long"),
        ("1e9999", "too long"),
        ("(1+2^-2000)^4000", "too large"),
        ("1" * (MOST_CHARACTERS + 1), "at most 1,000 characters"),
        ("(" * 60 + "1" + ")" * 60, f"deeper than {MOST_DEPTH}"),
        ("-" * 60 + "1", f"deeper than {MOST_DEPTH}"),
        ("2^" * 60 + "1", f"deeper than {MOST_DEPTH}"),
    ],
)  # fmt: skip
def test_what_cannot_be_worked_out_says_why(expression: str, reason: str) -> None:
    with pytest.raises(ArithmeticProblem, match=r".") as problem:
        evaluate(expression)
    assert reason in str(problem.value)


_LEAF = st.integers(0, 999).map(lambda n: (str(n), Fraction(n)))


def _joined(children: st.SearchStrategy[tuple[str, Fraction]]) -> st.SearchStrategy[tuple[str, Fraction]]:
    def join(left: tuple[str, Fraction], sign: str, right: tuple[str, Fraction]) -> tuple[str, Fraction]:
        (a, x), (b, y) = left, right
        value = {"+": x + y, "-": x - y, "*": x * y, "/": x / y if y else x}[sign]
        return f"({a} {sign if y or sign != '/' else '+ 0 *'} {b})", value

    return st.builds(join, children, st.sampled_from("+-*/"), children)


@given(st.recursive(_LEAF, _joined, max_leaves=20))
def test_the_four_operations_agree_with_fractions(case: tuple[str, Fraction]) -> None:
    expression, value = case
    number = evaluate(expression)
    assert (number.value, number.is_exact) == (value, True)


@given(st.builds(Fraction, st.integers(), st.sampled_from([1, 2, 4, 5, 8, 10, 100])))
def test_what_is_shown_of_an_even_number_is_the_number(value: Fraction) -> None:
    number = evaluate(f"({value.numerator})/{value.denominator}")
    assert Fraction(shown(number)) == value


_WORDS = [*FUNCTIONS, *CONSTANTS, *"+-*/^%!(),;. \n", "mod", "of", "1", "0.5", "1e999", "9", "×", "'", "__"]


@given(st.lists(st.sampled_from(_WORDS), max_size=60).map("".join) | st.text(max_size=100))
def test_whatever_is_written_has_a_value_of_bounded_length_or_a_reason(expression: str) -> None:
    with suppress(ArithmeticProblem):
        number = evaluate(expression)
        assert number.value.numerator.bit_length() <= MOST_BITS
        assert len(shown(number)) < MOST_BITS


def test_constants_are_those_of_the_library() -> None:
    for name, value in {"pi": math.pi, "e": math.e, "tau": math.tau}.items():
        assert float(CONSTANTS[name].value) == value
