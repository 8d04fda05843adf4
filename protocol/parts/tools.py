"""The tool parts of a fold: what each `tool-*` chunk does to the parts of a message.

Follows `updateToolPart`, `updateDynamicToolPart` and `getToolInvocation` of npm package `ai@7`. A field that a chunk
leaves out is `undefined` there and absent here; a field that is null stays null.

The input of a call that is still being written is kept as pieces and read (`parse_partial`) when somebody looks, so a
delta costs the same however long the input has become.

One difference, outside the grammar of a log: when the input of a dynamic call goes on in the next step, ai leaves out
`rawInput` until a second delta comes. Here it is always there, or merging the two deltas would change the message.
"""

from typing import Any

from protocol.parts.chunks import Chunk, ChunkError, Part, text_of
from protocol.parts.partial_json import parse_partial

_REPLACED = ("input", "output", "errorText", "rawInput", "preliminary")
_KEPT = ("title", "toolMetadata")
_REQUEST = {"approvalDescriptor": "descriptor", "reason": "requestReason", "signature": "signature"}
_STREAMING = "input-streaming"


class _Call:
    """The input of one call as far as it is written; `part` is the part it goes to, once known."""

    __slots__ = ("kept", "part", "pieces")

    def __init__(self, start: Chunk) -> None:
        self.kept = start
        self.pieces: list[str] = []
        self.part: Part | None = None

    def settle(self) -> None:
        """Write the pieces into the part."""
        if self.part is None:
            return
        text = "".join(self.pieces)
        self.pieces = [text]
        value, ok = (text, True) if self.kept.get("inputEncoding") == "text" else parse_partial(text)
        self.part.pop("input", None)
        if ok:
            self.part["input"] = value
        self.part["rawInput"] = text
        self.part = None


class ToolParts:
    """Tool calls of one message, by step.

    Args:
        parts: the parts of the message; shared with the fold, which appends the other kinds.
    """

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts
        self._step = 0
        self._calls: dict[str, _Call] = {}
        self._writing: dict[int, _Call] = {}  # by identity of the part

    def begin_step(self) -> None:
        """A step begins behind the parts there are."""
        self.settle()
        self._step = len(self._parts)

    def reset_step(self) -> None:
        """The parts of this step are about to go."""
        self._calls.clear()
        self._writing.clear()

    @property
    def step(self) -> int:
        """Index of the first part of the current step."""
        return self._step

    def settle(self) -> None:
        """Bring the inputs that are being written up to date."""
        for call in self._writing.values():
            call.settle()
        self._writing.clear()

    def input_start(self, chunk: Chunk) -> None:
        """A call begins; its input is still being written."""
        self._calls[chunk["toolCallId"]] = _Call(chunk)
        self._write(chunk, chunk["toolName"], bool(chunk.get("dynamic")), _STREAMING, {})

    def input_delta(self, chunk: Chunk) -> None:
        """The next piece of the input."""
        call = self._calls.get(chunk["toolCallId"])
        if call is None:
            raise ChunkError(
                f"A tool-input-delta came for the tool call {chunk['toolCallId']!r} before its tool-input-start.", chunk
            )
        if call.part is None:
            kept = _without(call.kept, "providerExecuted", "providerMetadata")
            call.part = self._write(kept, kept["toolName"], bool(kept.get("dynamic")), _STREAMING, {})
            self._writing[id(call.part)] = call
        call.pieces.append(text_of(chunk))

    def input_available(self, chunk: Chunk) -> None:
        """The input is whole."""
        given = _present(chunk, "input")
        self._write(chunk, chunk["toolName"], bool(chunk.get("dynamic")), "input-available", given)

    def input_error(self, chunk: Chunk) -> None:
        """The input cannot be used; an existing part keeps its kind, whatever the chunk says."""
        part = self._in_step(chunk["toolCallId"])
        dynamic = part["type"] == "dynamic-tool" if part is not None else bool(chunk.get("dynamic"))
        self._write(
            _without(chunk, "title"), chunk["toolName"], dynamic, "output-error", _present(chunk, "input", "errorText")
        )

    def approval_request(self, chunk: Chunk) -> None:
        """Somebody must allow the call."""
        part = self._find(chunk)
        part["state"] = "approval-requested"
        approval = {"id": chunk["approvalId"], **_present(chunk, "inputSchemaInput")}
        approval |= {name: chunk[source] for source, name in _REQUEST.items() if chunk.get(source) is not None}
        if chunk.get("isAutomatic") is True:
            approval["isAutomatic"] = True
        part["approval"] = approval

    def approval_response(self, chunk: Chunk) -> None:
        """Somebody has decided."""
        part = self._asked(chunk)
        self._settle(part)
        answer = {"id": chunk["approvalId"], "approved": chunk["approved"]}
        if chunk.get("reason") is not None:
            answer["reason"] = chunk["reason"]
        part["state"] = "approval-responded"
        part["approval"] = part["approval"] | answer
        for name, source in (("providerExecuted", "providerExecuted"), ("callProviderMetadata", "providerMetadata")):
            if chunk.get(source) is not None:
                part[name] = chunk[source]

    def output_denied(self, chunk: Chunk) -> None:
        """The call will not run."""
        self._find(chunk)["state"] = "output-denied"

    def output_available(self, chunk: Chunk) -> None:
        """The tool answered, for good or preliminarily."""
        self._output(chunk, "output-available", ("output", "preliminary"))

    def output_error(self, chunk: Chunk) -> None:
        """The tool failed."""
        self._output(chunk, "output-error", ("errorText",))

    def _output(self, chunk: Chunk, state: str, names: tuple[str, ...]) -> None:
        part = self._find(chunk)
        dynamic = part["type"] == "dynamic-tool"
        name = part["toolName"] if dynamic else part["type"].removeprefix("tool-")
        keeps_raw = state == "output-error" and not dynamic  # as the original: only a static part shows it
        given = _present(part, "input", *(("rawInput",) if keeps_raw else ())) | _present(chunk, *names)
        unset = ("toolMetadata",) if chunk.get("toolMetadata") is None else ()
        self._write(_without(chunk, "title", *unset), name, dynamic, state, given, part)

    def _write(
        self, chunk: Chunk, name: str, dynamic: bool, state: str, given: dict[str, Any], part: Part | None = None
    ) -> Part:
        """Bring the part of a call into a state, or add it to the current step."""
        if part is None:
            part = self._in_step(chunk["toolCallId"], dynamic)
        if part is None:
            part = {"type": "dynamic-tool" if dynamic else "", "toolCallId": chunk["toolCallId"]}
            part |= _present(chunk, "providerExecuted")
            self._parts.append(part)
        self._settle(part)
        part["toolName" if dynamic else "type"] = name if dynamic else f"tool-{name}"
        part["state"] = state
        for field in _REPLACED:
            part.pop(field, None)
        part |= given | _present(chunk, *_KEPT)
        self._mark(part, chunk, state)
        return part

    def _mark(self, part: Part, chunk: Chunk, state: str) -> None:
        """The fields that stay once they are set."""
        part.pop("inputEncoding", None)
        if state == _STREAMING and chunk.get("inputEncoding") is not None:
            part["inputEncoding"] = chunk["inputEncoding"]
        if chunk.get("providerExecuted") is not None:
            part["providerExecuted"] = chunk["providerExecuted"]
        if chunk.get("providerMetadata") is not None:
            field = "resultProviderMetadata" if state.startswith("output-") else "callProviderMetadata"
            part[field] = chunk["providerMetadata"]

    def _in_step(self, call_id: str, dynamic: bool | None = None) -> Part | None:
        """The part of a call in the current step, of one kind or of either."""
        for part in self._parts[self._step :]:
            kind = _is_dynamic(part)
            if kind is not None and part["toolCallId"] == call_id and dynamic in (None, kind):
                return part
        return None

    def _find(self, chunk: Chunk) -> Part:
        """The part of a call: in the current step, else the newest before it."""
        part = self._in_step(chunk["toolCallId"])
        if part is None:
            earlier = (p for p in reversed(self._parts) if _is_dynamic(p) is not None)
            part = next((p for p in earlier if p["toolCallId"] == chunk["toolCallId"]), None)
        if part is None:
            raise ChunkError(
                f"A {chunk['type']} came for the tool call {chunk['toolCallId']!r}, which no chunk before it made.",
                chunk,
            )
        self._settle(part)
        return part

    def _asked(self, chunk: Chunk) -> Part:
        """The part whose approval was requested under this id."""
        for part in self._parts:
            if _is_dynamic(part) is not None and part.get("approval", {}).get("id") == chunk["approvalId"]:
                return part
        raise ChunkError(
            f"A tool-approval-response came for the approval {chunk['approvalId']!r}, which nobody requested.", chunk
        )

    def _settle(self, part: Part) -> None:
        call = self._writing.pop(id(part), None)
        if call is not None:
            call.settle()


def _is_dynamic(part: Part) -> bool | None:
    """Whether a tool part is dynamic; None for a part of another kind."""
    kind = part["type"]
    return True if kind == "dynamic-tool" else False if kind.startswith("tool-") else None


def _present(chunk: Chunk, *names: str) -> dict[str, Any]:
    """The fields of these names that the chunk has, null ones too."""
    return {name: chunk[name] for name in names if name in chunk}


def _without(chunk: Chunk, *names: str) -> Chunk:
    """The chunk less the fields of these names."""
    return {name: value for name, value in chunk.items() if name not in names}
