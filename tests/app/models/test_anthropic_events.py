from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.anthropic_events import FINISH_REASONS, Translation
from app.models.interface import ModelFailure
from protocol.parts.chunks import Chunk


def start(index: int, **content: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, kind: str, **fields: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def translate(*events: dict[str, Any]) -> tuple[Translation, list[Chunk]]:
    step = Translation()
    return step, [chunk for event in events for chunk in step.take(event) or ()]


@given(st.lists(st.text(max_size=5)))
def test_text_comes_out_as_it_went_in_and_opens_with_its_first_word(pieces: list[str]) -> None:
    deltas = [delta(0, "text_delta", text=piece) for piece in pieces]
    step, made = translate(start(0, type="text", text=""), *deltas, stop(0))
    assert "".join(chunk.get("delta", "") for chunk in made) == "".join(pieces)
    assert step.wrote == any(pieces)
    if any(pieces):
        assert [made[0], made[-1]] == [{"type": "text-start", "id": "txt_0"}, {"type": "text-end", "id": "txt_0"}]
        assert {chunk["type"] for chunk in made[1:-1]} == {"text-delta"}
    else:
        assert made == []


def test_thinking_ends_with_its_signature() -> None:
    _, made = translate(
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="hm"),
        delta(0, "signature_delta", signature="s1"),
        delta(0, "signature_delta", signature="s2"),
        stop(0),
    )
    assert made == [
        {"type": "reasoning-start", "id": "rsn_0"},
        {"type": "reasoning-delta", "id": "rsn_0", "delta": "hm"},
        {"type": "reasoning-end", "id": "rsn_0", "providerMetadata": {"anthropic": {"signature": "s1s2"}}},
    ]


def test_thinking_that_is_kept_secret_leaves_what_the_provider_wants_back() -> None:
    _, made = translate(
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "signature_delta", signature="s1"),
        stop(0),
        start(1, type="redacted_thinking", data="abc"),
        stop(1),
    )
    assert made == [
        {"type": "reasoning-start", "id": "rsn_0"},
        {"type": "reasoning-end", "id": "rsn_0", "providerMetadata": {"anthropic": {"signature": "s1"}}},
        {"type": "reasoning-start", "id": "rsn_1", "providerMetadata": {"anthropic": {"redactedData": "abc"}}},
        {"type": "reasoning-end", "id": "rsn_1"},
    ]
    assert translate(start(0, type="thinking", thinking="", signature=""), stop(0))[1] == []


def test_a_tool_call_ends_with_its_whole_input() -> None:
    _, made = translate(
        start(1, type="tool_use", id="toolu_1", name="search", input={}),
        *[delta(1, "input_json_delta", partial_json=piece) for piece in ("", '{"q":', '"tide"}')],
        stop(1),
    )
    assert made == [
        {"type": "tool-input-start", "toolCallId": "toolu_1", "toolName": "search"},
        {"type": "tool-input-delta", "toolCallId": "toolu_1", "inputTextDelta": '{"q":'},
        {"type": "tool-input-delta", "toolCallId": "toolu_1", "inputTextDelta": '"tide"}'},
        {"type": "tool-input-available", "toolCallId": "toolu_1", "toolName": "search", "input": {"q": "tide"}},
    ]


def test_a_tool_without_input_gets_an_empty_one_and_half_an_input_is_an_error() -> None:
    opening = start(0, type="tool_use", id="t", name="now", input={})
    assert translate(opening, stop(0))[1][-1]["input"] == {}
    _, made = translate(opening, delta(0, "input_json_delta", partial_json='{"q'), stop(0))
    assert (made[-1]["type"], made[-1]["input"]) == ("tool-input-error", '{"q')


def test_blocks_and_deltas_we_do_not_know_make_nothing() -> None:
    step, made = translate(
        start(0, type="server_tool_use", id="x", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json="{}"),
        delta(0, "citations_delta"),
        stop(0),
        delta(7, "text_delta", text="of no block"),
        stop(7),
    )
    assert made == []
    assert not step.wrote


def test_pings_and_unknown_events_say_nothing_about_the_answer() -> None:
    assert Translation().take({"type": "ping"}) is None
    assert Translation().take({"type": "content_block_sparkle", "index": 0}) is None


@pytest.mark.parametrize("reason", [*FINISH_REASONS, "pause_turn", "model_context_window_exceeded", None])
def test_only_message_stop_completes_a_message(reason: str | None) -> None:
    step, _ = translate({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 7}})
    assert not step.complete
    assert step.finish == FINISH_REASONS.get(reason, "other")
    step.take({"type": "message_stop"})
    assert step.complete


def test_usage_counts_cached_input_and_is_an_estimate_until_the_end() -> None:
    counts = {"input_tokens": 3, "cache_creation_input_tokens": 10, "cache_read_input_tokens": None, "output_tokens": 1}
    step, _ = translate(
        {"type": "message_start", "message": {"usage": counts}},
        start(0, type="text", text=""),
        delta(0, "text_delta", text="x" * 41),
    )
    assert (step.input_tokens, step.is_estimated, step.estimate()) == (13, True, 11)
    step.take({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 9}})
    assert (step.input_tokens, step.is_estimated, step.output_tokens) == (13, False, 9)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        *[("overloaded_error", "model_overloaded"), ("rate_limit_error", "model_overloaded")],
        *[("api_error", "model_error"), ("something_new", "model_error"), ("timeout_error", "model_timeout")],
        *[("authentication_error", "model_not_available"), ("invalid_request_error", "model_refused")],
    ],
)
def test_an_error_event_is_its_failure(kind: str, code: str) -> None:
    with pytest.raises(ModelFailure) as failure:
        Translation().take({"type": "error", "error": {"type": kind, "message": "secret words of a chat"}})
    assert failure.value.code == code
    assert "secret" not in str(failure.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
TYPES = ["message_start", "message_delta", "content_block_start", "content_block_delta", "content_block_stop", "error"]
BLOCKS = ["text", "thinking", "tool_use", "text_delta", "thinking_delta", "signature_delta", "input_json_delta"]
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(TYPES) | JSON,
        "index": st.integers(0, 1) | JSON,
        **{
            name: JSON | st.fixed_dictionaries({"type": st.sampled_from(BLOCKS)}, optional={"text": JSON, "id": JSON})
            for name in ("delta", "content_block", "message", "usage", "error")
        },
    },
)


@given(st.lists(FIELDS, max_size=6))
def test_garbage_is_a_failure_of_the_model_and_never_of_ours(events: list[dict[str, Any]]) -> None:
    step = Translation()
    for event in events:
        try:
            made = step.take(event)
        except ModelFailure:
            break
        assert made is None or all(isinstance(chunk["type"], str) for chunk in made)
    assert step.estimate() is None or isinstance(step.estimate(), int)
