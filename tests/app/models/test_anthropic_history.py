"""Whatever a chat holds, what is sent of it is a conversation that the API takes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.anthropic_history import DENIED, NOT_CARRIED_OUT, conversation
from app.models.anthropic_request import answer_request
from app.models.interface import Prompt, ToolOffer
from tests.anthropic_rules import SIGNATURE, problem
from tests.app.models.recording import message

OFFER = ToolOffer("look", "Looks.", {"type": "object"})
STEP: dict[str, Any] = {"type": "step-start"}
SIGNED: dict[str, Any] = {
    "type": "reasoning",
    "text": "hm",
    "providerMetadata": {"anthropic": {"signature": f"{SIGNATURE}1"}},
}
UNSIGNED: dict[str, Any] = {"type": "reasoning", "text": "hm"}
REDACTED = {"type": "reasoning", "text": "", "providerMetadata": {"anthropic": {"redactedData": "abc"}}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def call(call_id: str = "a", state: str = "output-available", **fields: Any) -> dict[str, Any]:
    return {"type": "tool-look", "toolCallId": call_id, "state": state, "input": {"at": "sea"}, **fields}


def answer(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"id": "m", "role": "assistant", "parts": list(parts)}


STATES = ["input-streaming", "input-available", "approval-requested", "approval-responded", "output-available",
          "output-denied", "output-error"]  # fmt: skip
PARTS = st.one_of(
    st.sampled_from([STEP, SIGNED, UNSIGNED, REDACTED, {"type": "file", "url": "x"}, {"type": "source-url"}, {}]),
    st.sampled_from(["", " \n", "a", "b c"]).map(text),
    st.builds(
        call,
        st.sampled_from(["a", "b", "", "not an id!", "x" * 80]),
        st.sampled_from(STATES),
        output=st.sampled_from([None, "", "words", {"a": [1]}]),
        input=st.sampled_from([{}, {"at": "sea"}, None, "half", 5]),
        errorText=st.sampled_from(["", "It failed."]),
        approval=st.sampled_from([None, {"id": "x", "approved": False, "reason": "No."}]),
    ),
    st.just({**call(), "type": "dynamic-tool", "toolName": "look"}),
    st.just({**call(), "providerExecuted": True}),
)
MESSAGES = st.lists(
    st.builds(
        lambda role, parts: {"id": "m", "role": role, "parts": parts},
        st.sampled_from(["user", "assistant", "system"]),
        st.lists(PARTS, max_size=6),
    ),
    max_size=6,
)


@given(MESSAGES, st.booleans())
def test_every_conversation_is_one_the_api_accepts(messages: list[dict[str, Any]], offers: bool) -> None:
    chat = [message("user", "first"), *messages, message("user", "last")]
    prompt = Prompt("m", None, chat, {}, tools=[OFFER] if offers else [])
    assert problem(answer_request(prompt, "m")) is None


@given(MESSAGES, st.lists(st.lists(PARTS, max_size=4), min_size=1, max_size=3))
def test_an_answer_goes_on_after_its_tools_as_the_api_accepts(
    messages: list[dict[str, Any]], steps: list[list[dict[str, Any]]]
) -> None:
    parts = [part for step in steps for part in (STEP, SIGNED, *step, call())]
    chat = [message("user", "first"), *messages, message("user", "last"), answer(*parts)]
    prompt = Prompt("m", None, chat, {"thinking": 1024}, tools=[OFFER])
    assert problem(answer_request(prompt, "m")) is None


@given(MESSAGES)
def test_no_text_of_the_person_is_lost_and_order_is_kept(messages: list[dict[str, Any]]) -> None:
    said = [p["text"] for m in messages if m["role"] == "user" for p in m["parts"] if p.get("type") == "text"]
    turns = [turn for turn in conversation(messages) if turn["role"] == "user"]
    sent = [block["text"] for turn in turns for block in turn["content"] if block["type"] == "text"]
    assert sent == [words for words in said if words.strip()]


def test_an_answer_without_text_is_dropped_and_its_neighbours_merge() -> None:
    turns = conversation(
        [message("user", "a"), message("assistant"), message("user", "b", "c"), message("assistant", "d")]
    )
    assert [(turn["role"], [block["text"] for block in turn["content"]]) for turn in turns] == [
        ("user", ["a", "b", "c"]),
        ("assistant", ["d"]),
    ]


def test_each_step_is_followed_by_the_results_of_its_calls() -> None:
    said = answer(
        STEP, text("Let me look."), call("a", output={"tide": "high"}), call("b", output="low"), STEP, text("So.")
    )
    turns = conversation([message("user", "q"), said, message("user", "and?")], with_tools=True)
    assert turns[1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me look."},
                {"type": "tool_use", "id": "a", "name": "look", "input": {"at": "sea"}},
                {"type": "tool_use", "id": "b", "name": "look", "input": {"at": "sea"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": '{"tide":"high"}'},
                {"type": "tool_result", "tool_use_id": "b", "content": "low"},
            ],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "So."}]},
        {"role": "user", "content": [{"type": "text", "text": "and?"}]},
    ]


@pytest.mark.parametrize(
    ("fields", "content"),
    [
        ({"state": "output-error", "errorText": "No sea."}, "No sea."),
        ({"state": "output-denied"}, DENIED),
        ({"state": "output-denied", "approval": {"id": "x", "reason": "Private."}}, f"{DENIED} They said: Private."),
        ({"state": "input-available"}, NOT_CARRIED_OUT),
        ({"state": "approval-requested"}, NOT_CARRIED_OUT),
    ],
)
def test_what_went_wrong_with_a_call_is_told(fields: dict[str, Any], content: str) -> None:
    turns = conversation([message("user", "q"), answer(STEP, {**call(), **fields})], with_tools=True)
    assert turns[-1]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": content, "is_error": True}
    ]  # fmt: skip


def test_thinking_is_shown_only_in_the_answer_that_goes_on() -> None:
    said = answer(STEP, SIGNED, REDACTED, UNSIGNED, text("Hm."), call())
    went_on = conversation([message("user", "q"), said], with_tools=True)
    assert [block["type"] for block in went_on[1]["content"]] == ["thinking", "redacted_thinking", "text", "tool_use"]
    assert went_on[1]["content"][0] == {"type": "thinking", "thinking": "hm", "signature": f"{SIGNATURE}1"}
    before = conversation([message("user", "q"), said, message("user", "and?")], with_tools=True)
    assert [block["type"] for block in before[1]["content"]] == ["text", "tool_use"]


def test_without_tools_on_offer_no_calls_are_shown() -> None:
    turns = conversation([message("user", "q"), answer(STEP, text("a"), call(), STEP, text("b")), message("user", "c")])
    assert [[block["type"] for block in turn["content"]] for turn in turns] == [["text"], ["text", "text"], ["text"]]


def test_parts_the_api_has_no_block_for_are_left_out() -> None:
    turns = conversation([message("user", "a"), answer(STEP, UNSIGNED, text("yes"), {})])
    assert turns[1]["content"] == [{"type": "text", "text": "yes"}]
