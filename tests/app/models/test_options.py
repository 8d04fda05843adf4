import math

import pytest

from app.models.interface import InvalidOption
from app.models.options import flag, number, one_of, read_options, whole

CHECKS = {"n": whole(1, 10), "x": number(0, 1), "on": flag, "word": one_of("a", "b")}


def test_known_options_are_read_unknown_ones_ignored_and_null_counts_as_absent() -> None:
    given = {"n": 3, "x": 1, "on": False, "word": "b", "other": object()}
    assert read_options(given, CHECKS) == {"n": 3, "x": 1.0, "on": False, "word": "b"}
    assert read_options({"n": None}, CHECKS) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("n", 0), ("n", 11), ("n", True), ("n", 2.0), ("n", "3")],
        *[("x", -0.1), ("x", math.nan), ("x", True), ("x", "1")],
        *[("on", 1), ("on", "true"), ("word", "c"), ("word", ["a"]), ("word", {})],
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(InvalidOption) as refused:
        read_options({name: value}, CHECKS)
    assert refused.value.param == name
    assert refused.value.sentence.startswith(f"The option '{name}' must be ")
