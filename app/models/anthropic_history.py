"""A chat as the Messages API wants it: roles that take turns, and for each tool call its result right behind it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from app.models.anthropic_files import file_blocks

Block = dict[str, Any]
Turn = dict[str, Any]
Part = Mapping[str, Any]

NOT_CARRIED_OUT = "This call was not carried out."
DENIED = "The person did not allow this call."

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def conversation(messages: Sequence[Mapping[str, Any]], *, with_tools: bool = False) -> list[Turn]:
    """Turn `UIMessage`s into the API's messages: from the person's first, the roles taking turns.

    Parts the API has no block for are left out, and so are messages without any other; what then stands side by side
    with the same role becomes one message. Thinking is shown in the answer that goes on after its tools (the API wants
    it there, unchanged, with the provider's signature), and not in those before.

    Args:
        with_tools: show tool calls; the API takes them only from who offers tools.
    """
    calls = _Calls() if with_tools else None
    turns: list[Turn] = []
    for message in messages:
        role = message.get("role")
        if role not in ("user", "assistant") or (not turns and role == "assistant"):
            continue
        for speaker, blocks in _spoken(message, calls, shows_thinking=message is messages[-1]):
            if turns and turns[-1]["role"] == speaker:
                turns[-1]["content"].extend(blocks)
            elif blocks:
                turns.append({"role": speaker, "content": blocks})
    return turns


def _spoken(
    message: Mapping[str, Any], calls: "_Calls | None", *, shows_thinking: bool
) -> Iterator[tuple[str, list[Block]]]:
    """What one message says: of an answer each step, and behind it the results of its calls, which the person gives."""
    role = message["role"]
    said: list[Block] = []
    results: list[Block] = []
    for part in message.get("parts", ()):
        kind = str(part.get("type"))
        if kind == "step-start" and results:
            yield from ((role, said), ("user", results))
            said, results = [], []
        elif kind == "text":
            said += _text(part)
        elif kind == "file" and role == "user":
            said += file_blocks(part)
        elif role == "user":
            continue
        elif kind == "reasoning" and shows_thinking:
            said += _thinking(part)
        elif calls is not None and _is_call(kind, part):
            call, result = calls.pair(part)
            said.append(call)
            results.append(result)
    yield from ((role, said), ("user", results))


def _text(part: Part) -> list[Block]:
    # The API refuses a text block that is empty or only white space.
    text = str(part.get("text", ""))
    return [{"type": "text", "text": text}] if text.strip() else []


def _thinking(part: Part) -> list[Block]:
    """A thinking block as the provider wrote it; none without its signature, which the API would refuse."""
    signed = (part.get("providerMetadata") or {}).get("anthropic") or {}
    if "redactedData" in signed:
        return [{"type": "redacted_thinking", "data": signed["redactedData"]}]
    if "signature" in signed:
        return [{"type": "thinking", "thinking": part["text"], "signature": signed["signature"]}]
    return []


def _is_call(kind: str, part: Part) -> bool:
    # What another provider ran itself has no place here.
    return (kind == "dynamic-tool" or kind.startswith("tool-")) and not part.get("providerExecuted")


class _Calls:
    """The tool calls of one request; each has an id of its own there, whichever model made it."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def pair(self, part: Part) -> tuple[Block, Block]:
        """A call and its result."""
        call_id = self._free_id(str(part["toolCallId"]))
        name = part["toolName"] if part["type"] == "dynamic-tool" else str(part["type"]).removeprefix("tool-")
        given = part.get("input")
        call = {"type": "tool_use", "id": call_id, "name": name, "input": given if isinstance(given, dict) else {}}
        return call, {"type": "tool_result", "tool_use_id": call_id} | _result(part)

    def _free_id(self, wanted: str) -> str:
        if not _ID.fullmatch(wanted) or wanted in self._used:
            wanted = f"call_{len(self._used)}"
        self._used.add(wanted)
        return wanted


def _result(part: Part) -> Block:
    state = part.get("state")
    if state == "output-available":
        output = part.get("output")
        return {"content": output if isinstance(output, str) else orjson.dumps(output).decode()}
    if state == "output-denied":
        reason = (part.get("approval") or {}).get("reason")
        return {"content": f"{DENIED} They said: {reason}" if reason else DENIED, "is_error": True}
    return {"content": str(part.get("errorText") or NOT_CARRIED_OUT), "is_error": True}
