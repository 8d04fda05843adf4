"""The tools on offer: what a model is told of each, and what it may send."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from app.tools.arguments import read_arguments, schema_of
from app.tools.ask_person import ASK_PERSON, PersonalQuestion
from app.tools.calculate import CALCULATE, Calculation
from app.tools.interface import Arguments, Scope, Tool, ToolError
from app.tools.search_chats import search_chats
from app.tools.toolbox import Toolbox, chosen

SCOPE = Scope("u", "c")
TOOLS: list[Tool[Any]] = [CALCULATE, search_chats(None), ASK_PERSON]  # type: ignore[arg-type]  # nothing is searched here


class Inner(Arguments, frozen=True, kw_only=True):
    name: str


class Outer(Arguments, frozen=True, kw_only=True):
    inner: Inner


def test_every_tool_has_a_schema_that_providers_take() -> None:
    for offer in Toolbox(TOOLS).offers(interactive=True):
        Draft202012Validator.check_schema(offer.schema)
        assert offer.schema["type"] == "object"
        assert offer.schema["additionalProperties"] is False
        assert offer.description.endswith(".")
        assert all("description" in field for field in offer.schema["properties"].values()), offer.name


def test_nested_arguments_keep_their_definitions() -> None:
    schema = schema_of(Outer)
    assert schema["type"] == "object"
    Draft202012Validator(schema).validate({"inner": {"name": "x"}})
    with pytest.raises(Exception, match="required"):
        Draft202012Validator(schema).validate({"inner": {}})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({}, "The arguments are wrong: Object missing required field `question`."),
        ({"question": "Which?", "choices": ["one"]}, "of length >= 2 - at `$.choices`."),
        ({"question": "Which?", "choices": [1, 2]}, "Expected `str`, got `int` - at `$.choices[0]`."),
        ({"question": "Which?", "choices": ["a", "b"], "extra": 1}, "unknown field `extra`."),
        (["Which?"], "Expected `object`, got `array`."),
        (None, "Expected `object`, got `null`."),
        ("", "Expected `object`, got `str`."),
    ],
)
def test_arguments_that_do_not_fit_are_told_to_the_model(value: Any, reason: str) -> None:
    with pytest.raises(ToolError, match=r"The arguments are wrong") as problem:
        read_arguments(PersonalQuestion, value)
    assert reason in str(problem.value)


def test_who_is_not_there_is_asked_nothing() -> None:
    box = Toolbox(TOOLS)
    assert [offer.name for offer in box.offers(interactive=True)] == ["calculate", "search_chats", "ask_person"]
    assert [offer.name for offer in box.offers(interactive=False)] == ["calculate"]
    assert box.find("calculate") is CALCULATE
    assert box.find("unheard_of") is None
    assert repr(box) == "<Toolbox calculate, search_chats, ask_person>"


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("all", ["calculate", "search_chats", "ask_person"]),
        ("off", []),
        ("ask_person, calculate,calculate,", ["ask_person", "calculate"]),
    ],
)
def test_the_setting_chooses(setting: str, names: list[str]) -> None:
    assert [tool.name for tool in chosen(setting, TOOLS)] == names


def test_a_tool_that_is_not_there_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"^TOOLS must be all, off, or some of calculate, .*, not 'browse'\.$"):
        chosen("calculate,browse", TOOLS)


@pytest.mark.parametrize(
    ("expression", "output"),
    [
        ("12*7", {"result": "84", "isExact": True}),
        ("1/3", {"result": "0.333333333333333", "isExact": False, "fraction": "1/3"}),
        ("sqrt(2)", {"result": "1.4142135623731", "isExact": False}),
    ],
)
async def test_calculate_says_whether_it_rounded(expression: str, output: dict[str, Any]) -> None:
    assert CALCULATE.run is not None
    assert await CALCULATE.run(Calculation(expression=expression), SCOPE) == output


async def test_calculate_says_what_is_wrong() -> None:
    assert CALCULATE.run is not None
    with pytest.raises(ToolError, match="divided by zero"):
        await CALCULATE.run(Calculation(expression="1/0"), SCOPE)
