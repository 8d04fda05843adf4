"""The life of a tool call in a log, and how a call ends that is cut short.

A cut (stop, failure, crash) must leave calls that a page can show as final and that a provider accepts as history:

- a call whose input is still being written gets `tool-input-error` with the input as far as it can be read. Left alone,
  ai would show it as loading for ever; `tool-output-error` would say that a tool failed which never ran, and would
  leave the part without `input` when no delta came;
- a call that waits for its tool gets `tool-output-error`: providers refuse a history in which a call has no result;
- a call that waits for approval is refused, then `tool-output-denied`: ai's message schema accepts an error only on a
  call that needed no approval or was granted it;
- a preliminary output stays: a person has seen it.
"""

from typing import Any

from protocol.parts import chunks as make
from protocol.parts.chunks import Chunk, ChunkError, text_of
from protocol.parts.partial_json import parse_partial

NOT_WRITTEN = "The answer ended before this tool call was written."
NOT_ANSWERED = "The answer ended before this tool answered."
NOT_DECIDED = "The answer ended before anyone decided."

_OUTPUTS = {"preliminary": "answering", "tool-output-available": "done", "tool-output-error": "done"}

# A missing entry is the error.
_MOVES: dict[str, dict[str, str]] = {
    "unknown": {"tool-input-start": "writing", "tool-input-available": "ready", "tool-input-error": "done"},
    "writing": {"tool-input-delta": "writing", "tool-input-available": "ready", "tool-input-error": "done"},
    "ready": {"tool-approval-request": "asked", **_OUTPUTS},
    "asked": {"approval": "allowed", "refusal": "refused", "tool-output-denied": "done"},
    "allowed": _OUTPUTS,
    "refused": {"tool-output-denied": "done"},
    "answering": _OUTPUTS,
    "done": {},
}


class _Call:
    """One call: where it stands and, while it is being written, the pieces of its input."""

    __slots__ = ("approval_id", "call_id", "dynamic", "is_text", "name", "pieces", "state")

    def __init__(self, chunk: Chunk) -> None:
        self.state = "unknown"
        self.call_id: str = chunk["toolCallId"]
        self.name: str = chunk["toolName"]
        self.dynamic = bool(chunk.get("dynamic"))
        self.is_text = chunk.get("inputEncoding") == "text"
        self.pieces: list[str] = []
        self.approval_id: str | None = None

    def advance(self, chunk: Chunk) -> None:
        event = _event(chunk)
        after = _MOVES[self.state].get(event)
        if after is None:
            expected = " or ".join(_MOVES[self.state]) or "nothing more"
            message = f"A {chunk['type']} came for a tool call that is {self.state}: {expected} was expected."
            raise ChunkError(message, chunk)
        if event == "tool-input-available" and bool(chunk.get("dynamic")) != self.dynamic:
            # ai would make a second part of it and show the first as loading for ever.
            raise ChunkError(
                "A tool-input-available says otherwise than its tool-input-start whether it is dynamic.", chunk
            )
        if event == "tool-input-delta":
            self.pieces.append(text_of(chunk))
        elif event.startswith("tool-input-"):
            self.pieces.clear()
        elif event == "tool-approval-request":
            self.approval_id = chunk["approvalId"]
        self.state = after

    def closing(self, *, cut: bool) -> list[Chunk]:
        """The chunks that end this call, none when it may stay as it is."""
        if self.state == "writing":
            return [make.tool_input_error(self.call_id, self.name, self._written(), NOT_WRITTEN)]
        if not cut or self.state in ("answering", "done"):
            return []
        if self.state in ("ready", "allowed"):
            return [make.tool_output_error(self.call_id, NOT_ANSWERED)]
        denied = make.tool_output_denied(self.call_id)
        if self.approval_id is None or self.state == "refused":
            return [denied]
        return [make.tool_approval_response(self.approval_id, approved=False, reason=NOT_DECIDED), denied]

    def _written(self) -> Any:
        """The input as far as it can be read: a person may have seen it."""
        text = "".join(self.pieces)
        value, ok = (text, True) if self.is_text else parse_partial(text)
        return value if ok and value is not None else {}


class Calls:
    """The tool calls of one log."""

    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}
        self._of_step: list[str] = []

    def __repr__(self) -> str:
        return f"<Calls { ({call_id: call.state for call_id, call in self._calls.items()}) }>"

    def take(self, chunk: Chunk) -> None:
        """Take a `tool-*` chunk.

        Raises:
            ChunkError: the chunk may not come now; nothing has changed.
        """
        call = self._find(chunk)
        if chunk["type"] == "tool-approval-request" and self._asked(chunk["approvalId"]):
            raise ChunkError(
                f"The approval {chunk['approvalId']!r} was requested before: each has an id of its own.", chunk
            )
        if call is not None:
            call.advance(chunk)
        elif chunk["type"] in _MOVES["unknown"]:
            call = _Call(chunk)
            call.advance(chunk)
            self._calls[chunk["toolCallId"]] = call
            self._of_step.append(chunk["toolCallId"])
        else:
            raise ChunkError(f"A {chunk['type']} came for a tool call or approval that no chunk before it made.", chunk)

    @property
    def writing(self) -> list[str]:
        """Ids of the calls whose input is still being written."""
        return [call_id for call_id in self._of_step if self._calls[call_id].state == "writing"]

    def begin_step(self) -> None:
        """A step begins."""
        self._of_step.clear()

    def reset_step(self) -> None:
        """The calls of this step never were."""
        for call_id in self._of_step:
            del self._calls[call_id]
        self._of_step.clear()

    def closing(self, *, cut: bool) -> list[Chunk]:
        """The chunks that end what is open, in the order of the calls."""
        return [chunk for call in self._calls.values() for chunk in call.closing(cut=cut)]

    def _find(self, chunk: Chunk) -> _Call | None:
        if chunk["type"] != "tool-approval-response":
            return self._calls.get(chunk["toolCallId"])
        return self._asked(chunk["approvalId"])

    def _asked(self, approval_id: str) -> _Call | None:
        return next((call for call in self._calls.values() if call.approval_id == approval_id), None)


def _event(chunk: Chunk) -> str:
    """The name of a chunk in the table: its type, but for two that a field divides."""
    if chunk["type"] == "tool-approval-response":
        return "approval" if chunk["approved"] else "refusal"
    if chunk["type"] == "tool-output-available" and chunk.get("preliminary"):
        return "preliminary"
    return str(chunk["type"])
