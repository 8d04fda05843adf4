from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.anthropic_request import AnthropicOptions, answer_request, conversation, title_request
from app.models.interface import InvalidOption, ModelFailure
from tests.app.models.recording import asking, message

TEXTS = st.sampled_from(["", "  \n", "a", "b c"])
MESSAGES = st.lists(
    st.builds(
        lambda role, texts: message(role, *texts), st.sampled_from(["user", "assistant", "system"]), st.lists(TEXTS)
    )
)


@given(MESSAGES)
def test_every_conversation_is_one_the_api_accepts(messages: list[dict[str, Any]]) -> None:
    turns = conversation(messages)
    assert all(a["role"] != b["role"] for a, b in pairwise(turns))
    assert not turns or turns[0]["role"] == "user"
    assert all(turn["content"] and block["text"].strip() for turn in turns for block in turn["content"])


@given(MESSAGES)
def test_no_text_of_the_person_is_lost_and_order_is_kept(messages: list[dict[str, Any]]) -> None:
    said = [p["text"] for m in messages if m["role"] == "user" for p in m["parts"] if p["text"].strip()]
    sent = [block["text"] for turn in conversation(messages) if turn["role"] == "user" for block in turn["content"]]
    assert sent == said


def test_an_answer_without_text_is_dropped_and_its_neighbours_merge() -> None:
    turns = conversation(
        [message("user", "a"), message("assistant"), message("user", "b", "c"), message("assistant", "d")]
    )
    assert [(turn["role"], [block["text"] for block in turn["content"]]) for turn in turns] == [
        ("user", ["a", "b", "c"]),
        ("assistant", ["d"]),
    ]


def test_parts_the_api_has_no_block_for_are_left_out() -> None:
    parts = [{"type": "step-start"}, {"type": "reasoning", "text": "hm"}, {"type": "text", "text": "yes"}, {}]
    turns = conversation([message("user", "a"), {"role": "assistant", "parts": parts}])
    assert turns[1]["content"] == [{"type": "text", "text": "yes"}]


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
