"""Anthropic's stream events as chunks of an answer (PROTOCOL section 4)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.models.anthropic_failures import broke_off, failure_of_event
from app.models.interface import CHARACTERS_PER_TOKEN, FinishReason
from protocol.parts import chunks
from protocol.parts.chunks import Chunk

FINISH_REASONS: Mapping[str | None, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool-calls",
    "refusal": "content-filter",
}
NOTHING: Sequence[Chunk] = ()

Event = Mapping[str, Any]


@dataclass(slots=True)
class _Block:
    """A content block that is open.

    `text` of a tool call is its input's JSON, of thinking its signature, of redacted thinking all there is.
    """

    kind: str
    id: str
    name: str = ""
    text: str = ""
    started: bool = False


class Translation:
    """One message of the API on its way to chunks.

    `wrote` tells whether any chunk was made, `complete` whether the message came to its end: of all ways in which a
    stream can end, `message_stop` is the only proof.
    """

    def __init__(self) -> None:
        self.wrote = False
        self.complete = False
        self.finish: FinishReason = "other"
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.is_estimated = True
        self._characters = 0
        self._blocks: dict[int, _Block] = {}
        self._take: Mapping[str, Callable[[Any], Sequence[Chunk]]] = {
            "content_block_delta": self._delta,
            "content_block_start": self._block_start,
            "content_block_stop": self._block_stop,
            "message_start": self._message_start,
            "message_delta": self._message_delta,
            "message_stop": self._message_stop,
            "error": self._error,
        }
        self._take_delta: Mapping[str, Callable[[_Block, Any], Sequence[Chunk]]] = {
            "text_delta": self._text_delta,
            "thinking_delta": self._thinking_delta,
            "signature_delta": self._signature_delta,
            "input_json_delta": self._input_delta,
        }

    def take(self, event: Event) -> Sequence[Chunk] | None:
        """Return the chunks an event stands for; `None` when it says nothing about the answer, such as a ping.

        Raises:
            ModelFailure: it is an error event, or makes no sense.
        """
        try:
            handle = self._take.get(event["type"])
            if handle is None:
                return None
            made = handle(event)
        except (KeyError, TypeError, AttributeError) as error:
            raise broke_off(f"an event without sense: {type(error).__name__}") from error
        self.wrote = self.wrote or bool(made)
        return made

    def estimate(self) -> int | None:
        """Guess the output tokens of a message that did not complete."""
        return -(-self._characters // CHARACTERS_PER_TOKEN) if self._characters else self.output_tokens

    def _delta(self, event: Event) -> Sequence[Chunk]:
        delta = event["delta"]
        handle = self._take_delta.get(delta["type"])
        block = self._blocks.get(event["index"])
        return handle(block, delta) if handle and block else NOTHING

    def _text_delta(self, block: _Block, delta: Event) -> Sequence[Chunk]:
        text = delta["text"]
        if not text:
            return NOTHING
        self._characters += len(text)
        if block.started:
            return (chunks.text_delta(block.id, text),)
        block.started = True
        return (chunks.text_start(block.id), chunks.text_delta(block.id, text))

    def _thinking_delta(self, block: _Block, delta: Event) -> Sequence[Chunk]:
        text = delta["thinking"]
        if not text:
            return NOTHING
        self._characters += len(text)
        if block.started:
            return (chunks.reasoning_delta(block.id, text),)
        block.started = True
        return (chunks.reasoning_start(block.id), chunks.reasoning_delta(block.id, text))

    def _signature_delta(self, block: _Block, delta: Event) -> Sequence[Chunk]:
        block.text += delta["signature"]
        return NOTHING

    def _input_delta(self, block: _Block, delta: Event) -> Sequence[Chunk]:
        piece = delta["partial_json"]
        if not piece or not block.started:
            return NOTHING
        self._characters += len(piece)
        block.text += piece
        return (chunks.tool_input_delta(block.id, piece),)

    def _block_start(self, event: Event) -> Sequence[Chunk]:
        # Text and thinking start with their first words, so that an attempt which breaks before them leaves no trace.
        index, content = event["index"], event["content_block"]
        kind = content["type"]
        block = self._blocks[index] = _Block(kind, f"{_ID_PREFIX.get(kind, 'blk')}_{index}")
        if kind == "text":
            return self._text_delta(block, {"text": content.get("text", "")})
        if kind == "thinking":
            return self._thinking_delta(block, {"thinking": content.get("thinking", "")})
        if kind == "redacted_thinking":
            block.text = content["data"]
        if kind == "tool_use":
            block.id, block.name, block.started = content["id"], content["name"], True
            return (chunks.tool_input_start(block.id, block.name),)
        return NOTHING

    def _block_stop(self, event: Event) -> Sequence[Chunk]:
        block = self._blocks.pop(event["index"], None)
        end = None if block is None else _END_OF.get(block.kind)
        return NOTHING if block is None or end is None else end(block)

    def _message_start(self, event: Event) -> Sequence[Chunk]:
        self._count(event["message"].get("usage") or {})
        return NOTHING

    def _message_delta(self, event: Event) -> Sequence[Chunk]:
        self.finish = FINISH_REASONS.get(event["delta"].get("stop_reason"), "other")
        self._count(event.get("usage") or {})
        self.is_estimated = False
        return NOTHING

    def _message_stop(self, event: Event) -> Sequence[Chunk]:  # noqa: ARG002 - it says no more than its name
        self.complete = True
        return NOTHING

    def _error(self, event: Event) -> Sequence[Chunk]:
        raise failure_of_event(event)

    def _count(self, usage: Mapping[str, Any]) -> None:
        # What was read from or written to the provider's cache was asked all the same.
        asked = [usage.get(name) for name in _INPUT_COUNTS]
        if any(asked):
            self.input_tokens = sum(count or 0 for count in asked)
        self.output_tokens = usage.get("output_tokens", self.output_tokens)


_ID_PREFIX = {"text": "txt", "thinking": "rsn", "redacted_thinking": "rsn"}
_INPUT_COUNTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def _end_of_text(block: _Block) -> Sequence[Chunk]:
    return (chunks.text_end(block.id),) if block.started else NOTHING


def _end_of_thinking(block: _Block) -> Sequence[Chunk]:
    # A model may think and keep it to itself: then only the signature comes, and the provider wants it back when the
    # answer goes on after its tools.
    opening = () if block.started or not block.text else (chunks.reasoning_start(block.id),)
    signature = {"anthropic": {"signature": block.text}} if block.text else None
    return (*opening, chunks.reasoning_end(block.id, signature)) if block.started or opening else NOTHING


def _end_of_redacted_thinking(block: _Block) -> Sequence[Chunk]:
    # Nothing to read, yet it is wanted back as well.
    redacted = {"anthropic": {"redactedData": block.text}}
    return (chunks.reasoning_start(block.id, redacted), chunks.reasoning_end(block.id))


def _end_of_call(block: _Block) -> Sequence[Chunk]:
    return (_whole_input(block),)


def _whole_input(block: _Block) -> Chunk:
    try:
        value = orjson.loads(block.text or "{}")
    except orjson.JSONDecodeError:  # the answer reached its limit within the call
        return chunks.tool_input_error(block.id, block.name, block.text, "The model did not finish this call.")
    return chunks.tool_input_available(block.id, block.name, value)


_END_OF: Mapping[str, Callable[[_Block], Sequence[Chunk]]] = {
    "text": _end_of_text,
    "thinking": _end_of_thinking,
    "redacted_thinking": _end_of_redacted_thinking,
    "tool_use": _end_of_call,
}
