"""The fake refuses what the API would; a rule that refused nothing would let our own mistakes pass."""

from typing import Any

import pytest

from tests.anthropic_rules import SIGNATURE, problem

TOOL = {"name": "look", "input_schema": {"type": "object"}}
THINKING = {"type": "thinking", "thinking": "hm", "signature": f"{SIGNATURE}1"}
USE = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "a", "content": "x"}
TEXT = {"type": "text", "text": "q"}


def body(*contents: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """A request whose messages take turns, the person first."""
    messages = [{"role": ("user", "assistant")[n % 2], "content": content} for n, content in enumerate(contents)]
    return {"messages": messages, "max_tokens": 2_000, "tools": [TOOL], **fields}


def test_a_whole_conversation_is_taken() -> None:
    assert problem(body([TEXT])) is None
    enabled = {"type": "enabled", "budget_tokens": 1_024}
    assert problem(body([TEXT], [THINKING, TEXT, USE], [RESULT, TEXT], thinking=enabled)) is None


@pytest.mark.parametrize(
    ("request_body", "why"),
    [
        (body(), "at least one message"),
        (body([TEXT], [TEXT]), "must end with a user message"),
        (body([]), "content must be non-empty"),
        (body([{"type": "text", "text": " "}]), "non-whitespace"),
        (body([USE]), "not permitted"),
        (body([TEXT], [USE], [TEXT]), "without `tool_result` blocks immediately after"),
        (body([TEXT], [USE], [TEXT, RESULT]), "must come first"),
        (body([TEXT], [TEXT], [RESULT]), "unexpected `tool_use_id`"),
        (body([TEXT], [USE, USE], [RESULT]), "must be unique"),
        (body([TEXT], [{**USE, "id": "a b"}], [{**RESULT, "tool_use_id": "a b"}]), "match pattern"),
        (body([TEXT], [{**USE, "input": "x"}], [RESULT]), "valid dictionary"),
        (body([TEXT], [USE], [RESULT], tools=[]), "must define tools"),
        (body([TEXT], tools=[TOOL, TOOL]), "names must be unique"),
        (body([TEXT], tools=[{**TOOL, "input_schema": {}}]), "should be 'object'"),
        (body([TEXT], tools=[{**TOOL, "name": "a b"}]), "match pattern"),
        (body([TEXT], tools=[], tool_choice={"type": "none"}), "only be specified"),
        (body([TEXT], [{"type": "thinking", "thinking": "hm"}, USE], [RESULT]), "Invalid `signature`"),
        (body([TEXT], [{**THINKING, "signature": "forged"}, USE], [RESULT]), "Invalid `signature`"),
        (
            body([TEXT], [TEXT, USE], [RESULT], thinking={"type": "enabled", "budget_tokens": 1_024}),
            "Expected `thinking`",
        ),
        (body([TEXT], thinking={"type": "enabled", "budget_tokens": 2_000}), "must be greater"),
    ],
)
def test_what_the_api_refuses_is_refused(request_body: dict[str, Any], why: str) -> None:
    assert why in str(problem(request_body))
