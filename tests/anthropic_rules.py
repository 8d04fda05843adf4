"""What Anthropic's API refuses with 400: the rules that matter when tools and thinking take turns, and those of files.

From the API's reference and its error messages; `problem` words them as the API does.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

Body = dict[str, Any]

SIGNATURE = "sig_"
"""How signatures begin that the fake has written; the API knows its own as well."""

_MEDIA = {
    "image": ("image/jpeg", "image/png", "image/gif", "image/webp"),
    "document": ("application/pdf",),
}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_ID = re.compile(r"[a-zA-Z0-9_-]+")


def problem(body: Body) -> str | None:
    """Why the API would refuse this request; None when it would not."""
    return next(_problems(body), None)


def _problems(body: Body) -> Iterator[str]:
    messages = body.get("messages") or []
    if not messages:
        yield "messages: at least one message is required"
        return
    yield from _tools(body)
    if messages[0]["role"] != "user":
        yield 'messages: first message must use the "user" role'
    if messages[-1]["role"] != "user":
        yield "This model does not support assistant message prefill. The conversation must end with a user message."
    seen: set[str] = set()
    for n, message in enumerate(messages):
        before = messages[n - 1] if n else {"role": "", "content": []}
        if message["role"] == before["role"]:
            yield f"messages.{n}: roles must alternate"
        yield from _blocks(n, message, seen)
        yield from _results(n, message, before)
    if calls := _ids(messages[-1], "tool_use"):
        yield f"messages.{len(messages)}: `tool_use` ids were found without `tool_result` blocks: {calls}"
    yield from _thinking(body, messages)


def _tools(body: Body) -> Iterator[str]:
    tools = body.get("tools", [])
    names = [tool["name"] for tool in tools]
    if len(names) != len(set(names)):
        yield "tools: Tool names must be unique."
    for n, tool in enumerate(tools):
        if not _NAME.fullmatch(tool["name"]):
            yield f"tools.{n}.name: String should match pattern"
        if tool["input_schema"].get("type") != "object":
            yield f"tools.{n}.input_schema.type: Input should be 'object'"
    used = any(block["type"].startswith("tool_") for message in body["messages"] for block in message["content"])
    if used and not tools:
        yield "Requests which include `tool_use` or `tool_result` blocks must define tools"
    if "tool_choice" in body and not tools:
        yield "tool_choice: may only be specified while providing tools"


def _blocks(n: int, message: Body, seen: set[str]) -> Iterator[str]:
    if not message["content"]:
        yield f"messages.{n}: content must be non-empty"
    for block in message["content"]:
        kind = block["type"]
        allowed = ("text", "thinking", "redacted_thinking", "tool_use")
        if kind not in (allowed if message["role"] == "assistant" else ("text", "image", "document", "tool_result")):
            yield f"messages.{n}: `{kind}` blocks are not permitted with the role {message['role']}"
        if kind == "text" and not block["text"].strip():
            yield "messages: text content blocks must contain non-whitespace text"
        yield from _media(n, block)
        if kind == "thinking" and not block.get("signature", "").startswith(SIGNATURE):
            yield f"messages.{n}: Invalid `signature` in `thinking` block"
        if kind == "tool_use":
            if block["id"] in seen:
                yield f"messages.{n}: `tool_use` ids must be unique"
            if not _ID.fullmatch(block["id"]) or not _NAME.fullmatch(block["name"]):
                yield f"messages.{n}: tool_use.id or name: String should match pattern"
            if not isinstance(block["input"], dict):
                yield f"messages.{n}: tool_use.input: Input should be a valid dictionary"
            seen.add(block["id"])


def _media(n: int, block: Body) -> Iterator[str]:
    kind = block["type"]
    if kind not in _MEDIA:
        return
    where, source = f"messages.{n}.{kind}.source.base64", block["source"]
    if source["media_type"] not in _MEDIA[kind]:
        yield f"{where}.media_type: Input should be one of {_MEDIA[kind]}"
    try:
        if not b64decode(source["data"], validate=True):
            yield f"{where}.data: must not be empty"
    except ValueError:
        yield f"{where}.data: Invalid base64 data"


def _results(n: int, message: Body, before: Body) -> Iterator[str]:
    """Each call has its result at the beginning of the very next message, and each result its call."""
    calls, results = _ids(before, "tool_use"), _ids(message, "tool_result")
    if missing := [call for call in calls if call not in results]:
        yield f"messages.{n}: `tool_use` ids were found without `tool_result` blocks immediately after: {missing}"
    if strange := [result for result in results if result not in calls]:
        yield f"messages.{n}: unexpected `tool_use_id` found in `tool_result` blocks: {strange}"
    if any(block["type"] != "tool_result" for block in message["content"][: len(results)]):
        yield f"messages.{n}: `tool_result` blocks must come first"


def _thinking(body: Body, messages: list[Body]) -> Iterator[str]:
    thinking = body.get("thinking", {})
    if thinking.get("type") != "enabled":
        return
    if thinking["budget_tokens"] >= body["max_tokens"]:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`"
    # The answer that goes on is one turn, from the last message in which the person says something.
    said = [n for n, message in enumerate(messages) if any(block["type"] == "text" for block in message["content"])]
    asked = max((n for n in said if messages[n]["role"] == "user"), default=0)
    if asked + 1 < len(messages):
        first = messages[asked + 1]["content"][0]["type"]
        if first not in ("thinking", "redacted_thinking"):
            yield f"Expected `thinking` or `redacted_thinking`, but found `{first}`, when `thinking` is enabled"


def _ids(message: Body, kind: str) -> list[str]:
    field = "id" if kind == "tool_use" else "tool_use_id"
    return [block[field] for block in message["content"] if block["type"] == kind]
