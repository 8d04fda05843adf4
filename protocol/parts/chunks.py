"""The chunks of an answer: `UIMessageChunk` of npm package `ai@7`, field for field.

A chunk is a plain dict as it stands on the wire, a part is a plain dict as it stands in a `UIMessage`. Nothing of ours
goes inside either. The constructors below make the chunks that this server emits; an argument left `None` is a field
left out. Chunks that only pass through (sources, files, `data-*`) are written as dicts where they arise.
"""

from typing import Any, NamedTuple

Chunk = dict[str, Any]
Part = dict[str, Any]


class Mergeable(NamedTuple):
    """Where a mergeable chunk keeps the id of its part and its piece of text."""

    id_field: str
    text_field: str


MERGEABLE: dict[str, Mergeable] = {
    "text-delta": Mergeable("id", "delta"),
    "reasoning-delta": Mergeable("id", "delta"),
    "tool-input-delta": Mergeable("toolCallId", "inputTextDelta"),
}
"""The kinds whose neighbours merge (PROTOCOL section 4): every other kind stands alone."""

LAST = frozenset({"finish", "abort", "error"})
"""The kinds that end a log."""


class ChunkError(ValueError):
    """A chunk breaks a rule; the message says what came and what was expected.

    Args:
        message: a sentence a person can act on; quotes ids, never the text of an answer.
        chunk: the chunk at fault.
    """

    def __init__(self, message: str, chunk: Chunk) -> None:
        super().__init__(message)
        self.chunk_type = str(chunk.get("type", ""))
        self.chunk_id = str(chunk.get("id", chunk.get("toolCallId", chunk.get("approvalId", ""))))


def text_of(delta: Chunk) -> str:
    """The piece of text that a mergeable chunk carries.

    Raises:
        ChunkError: it is not a string.
    """
    text = delta[MERGEABLE[delta["type"]].text_field]
    if not isinstance(text, str):
        raise ChunkError(f"The text of a {delta['type']} must be a string, not {type(text).__name__}.", delta)
    return text


def some(kind: str, **fields: Any) -> Chunk:
    """Make a chunk of one kind from the fields that are not None."""
    return {"type": kind, **{name: value for name, value in fields.items() if value is not None}}


def start(message_id: str, metadata: dict[str, Any] | None = None) -> Chunk:
    """First chunk of a log: names the assistant message and carries its metadata."""
    return some("start", messageId=message_id, messageMetadata=metadata)


def start_step() -> Chunk:
    """Open a step: one call of the model."""
    return {"type": "start-step"}


def finish_step() -> Chunk:
    """Close the step; its parts are closed before."""
    return {"type": "finish-step"}


def text_start(part_id: str, provider_metadata: Any = None) -> Chunk:
    """Open a text part."""
    return some("text-start", id=part_id, providerMetadata=provider_metadata)


def text_delta(part_id: str, delta: str) -> Chunk:
    """Append to an open text part; neighbours merge."""
    return {"type": "text-delta", "id": part_id, "delta": delta}


def text_end(part_id: str, provider_metadata: Any = None) -> Chunk:
    """Close a text part."""
    return some("text-end", id=part_id, providerMetadata=provider_metadata)


def reasoning_start(part_id: str, provider_metadata: Any = None) -> Chunk:
    """Open a reasoning part."""
    return some("reasoning-start", id=part_id, providerMetadata=provider_metadata)


def reasoning_delta(part_id: str, delta: str) -> Chunk:
    """Append to an open reasoning part; neighbours merge."""
    return {"type": "reasoning-delta", "id": part_id, "delta": delta}


def reasoning_end(part_id: str, provider_metadata: Any = None) -> Chunk:
    """Close a reasoning part; `provider_metadata` carries the provider's signature of it."""
    return some("reasoning-end", id=part_id, providerMetadata=provider_metadata)


def tool_input_start(call_id: str, name: str, *, dynamic: bool | None = None, title: str | None = None) -> Chunk:
    """Open a tool call whose input is still being written."""
    return some("tool-input-start", toolCallId=call_id, toolName=name, dynamic=dynamic, title=title)


def tool_input_delta(call_id: str, delta: str) -> Chunk:
    """Append to the input (JSON text) of an open tool call; neighbours merge."""
    return {"type": "tool-input-delta", "toolCallId": call_id, "inputTextDelta": delta}


def tool_input_available(
    call_id: str, name: str, value: Any, *, dynamic: bool | None = None, title: str | None = None
) -> Chunk:
    """The input of a tool call is whole; `input` is sent even when it is null, ai's schema wants the field."""
    return {
        **some("tool-input-available", toolCallId=call_id, toolName=name, dynamic=dynamic, title=title),
        "input": value,
    }


def tool_input_error(call_id: str, name: str, value: Any, error_text: str, *, dynamic: bool | None = None) -> Chunk:
    """The input of a tool call never became usable; `value` is as much of it as there is."""
    chunk = some("tool-input-error", toolCallId=call_id, toolName=name, dynamic=dynamic)
    return {**chunk, "input": value, "errorText": error_text}


def tool_output_available(call_id: str, output: Any, *, preliminary: bool | None = None) -> Chunk:
    """A tool answered; a preliminary output is replaced by the next one."""
    return {**some("tool-output-available", toolCallId=call_id, preliminary=preliminary), "output": output}


def tool_output_error(call_id: str, error_text: str) -> Chunk:
    """A tool failed, or its call was abandoned."""
    return {"type": "tool-output-error", "toolCallId": call_id, "errorText": error_text}


def tool_output_denied(call_id: str) -> Chunk:
    """The call was not allowed to run."""
    return {"type": "tool-output-denied", "toolCallId": call_id}


def tool_approval_request(call_id: str, approval_id: str, reason: str | None = None) -> Chunk:
    """Ask the person whether a tool may run."""
    return some("tool-approval-request", approvalId=approval_id, toolCallId=call_id, reason=reason)


def tool_approval_response(approval_id: str, *, approved: bool, reason: str | None = None) -> Chunk:
    """The person's answer to an approval request."""
    return some("tool-approval-response", approvalId=approval_id, approved=approved, reason=reason)


def message_metadata(metadata: dict[str, Any]) -> Chunk:
    """Change the metadata of the message; merged deeply into what is there."""
    return {"type": "message-metadata", "messageMetadata": metadata}


def finish(finish_reason: str | None = None) -> Chunk:
    """Last chunk of an answer that came to its own end."""
    return some("finish", finishReason=finish_reason)


def abort(reason: str | None = None) -> Chunk:
    """Last chunk of an answer that somebody stopped."""
    return some("abort", reason=reason)


def error(error_text: str) -> Chunk:
    """Last chunk of an answer that failed or was interrupted; the text is for people."""
    return {"type": "error", "errorText": error_text}
