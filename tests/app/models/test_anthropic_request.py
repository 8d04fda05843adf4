from dataclasses import replace
from typing import Any

import pytest

from app.models.anthropic_request import AnthropicOptions, answer_request, title_request
from app.models.interface import InvalidOption, ModelFailure, ToolOffer
from tests.app.models.recording import asking


def test_a_plain_request_says_nothing_that_was_not_said() -> None:
    assert answer_request(asking("hi"), "claude-x") == {
        "model": "claude-x",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "max_tokens": 8192,
        "stream": True,
    }


def test_options_and_the_projects_instructions_are_sent() -> None:
    request = answer_request(asking("hi", system="Be brief.", maxTokens=100, thinking=2048), "claude-x")
    assert request["system"] == "Be brief."
    assert request["max_tokens"] == 100 + 2048
    assert request["thinking"] == {"type": "enabled", "budget_tokens": 2048, "display": "summarized"}
    assert answer_request(asking("hi", thinking=0), "x")["thinking"] == {"type": "disabled"}
    assert answer_request(asking("hi", thinking="adaptive"), "x")["thinking"]["type"] == "adaptive"
    assert answer_request(asking("hi", temperature=0), "x")["extra_body"] == {"temperature": 0.0}
    assert "system" not in answer_request(asking("hi", system="  "), "x")


@pytest.mark.parametrize(
    ("param", "options"),
    [
        *[("maxTokens", {"maxTokens": value}) for value in (0, 128_001, "9", 1.5)],
        *[("temperature", {"temperature": value}) for value in (-0.1, 1.1, True)],
        *[("thinking", {"thinking": value}) for value in (1, 1023, 100_001, False, "much")],
        ("temperature", {"temperature": 1, "thinking": 1024}),
    ],
)
def test_options_out_of_range_are_refused(param: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption) as refused:
        AnthropicOptions.read(options)
    assert refused.value.param == param


def test_a_question_without_text_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ModelFailure) as failure:
        answer_request(asking("  "), "x")
    assert failure.value.code == "model_refused"


def test_a_title_is_asked_for_with_excerpts() -> None:
    request = title_request("q" * 9_000, "a" * 9_000, "x")
    [turn] = request["messages"]
    assert len(turn["content"][0]["text"]) < 4_100


def test_tools_are_offered_until_the_model_must_answer() -> None:
    offers = [ToolOffer("look", "Looks.", {"type": "object"})]
    request = answer_request(replace(asking("hi"), tools=offers), "x")
    assert request["tools"] == [{"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}]
    assert "tool_choice" not in request
    last = answer_request(replace(asking("hi"), tools=offers, must_answer=True), "x")
    assert (last["tools"], last["tool_choice"]) == (request["tools"], {"type": "none"})
    assert "tool_choice" not in answer_request(replace(asking("hi"), must_answer=True), "x")
