"""One attempt at an answer, as a value, and how it may end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import convert

from app.models.interface import CHARACTERS_PER_TOKEN
from app.store.streams import StreamRow
from protocol.codec import to_json
from protocol.errors import Refusal
from protocol.frames.objects import ErrorObject, FinishReason, StreamStatus, Usage
from protocol.frames.server import StreamEnd
from protocol.parts import chunks
from protocol.parts.chunks import MERGEABLE, Chunk, text_of


@dataclass(frozen=True, slots=True)
class Generation:
    """One attempt at an answer that a node owns.

    Args:
        question_id: the message it answers; the end of the branch that goes to the model.
        metadata: what the answer's message says of itself from the start.
        interactive: whoever asked for it can be asked back, to allow a tool or to answer its question.
        stop_early: it was stopped before it began, so the model is never called (guarantee 15).
        refused: its turn has come when it may not be written any more; the model is not called either.
    """

    stream_id: str
    user_id: str
    chat_id: str
    message_id: str
    question_id: str
    model: str
    options: Mapping[str, Any]
    started_at: int
    metadata: dict[str, Any]
    interactive: bool = False
    stop_early: bool = False
    refused: ErrorObject | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a stream ended."""

    status: StreamStatus
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    error: ErrorObject | None = None
    stop_latency_ms: int | None = None

    def outcome(self) -> dict[str, Any]:
        """What is stored of it, and said in the message's metadata: finishReason, usage, error."""
        fields = {"finishReason": self.finish_reason, "usage": self.usage, "error": self.error}
        return {name: to_json(value) for name, value in fields.items() if value is not None}

    def metadata(self, ended_at: int) -> dict[str, Any]:
        """What the message says of itself from now on."""
        return {"status": self.status, "endedAt": ended_at} | self.outcome()

    def last_chunk(self) -> Chunk:
        """The chunk that ends the log."""
        if self.status == "completed":
            return chunks.finish(self.finish_reason or "stop")
        if self.status == "stopped":
            return chunks.abort("user")
        return chunks.error(self.error.message if self.error else Refusal("internal").error.message)

    def frame(self, stream_id: str, chat_id: str, message_id: str, seq: int) -> StreamEnd:
        """The `stream.end` frame that says so."""
        return StreamEnd(
            stream_id=stream_id,
            chat_id=chat_id,
            message_id=message_id,
            seq=seq,
            status=self.status,
            finish_reason=self.finish_reason,
            usage=self.usage,
            error=self.error,
            stop_latency_ms=self.stop_latency_ms,
        )


STOPPED = Ending("stopped")
TOO_LONG = Ending("completed", finish_reason="length")
INTERRUPTED = Ending("interrupted", error=Refusal("interrupted").error)


def failed(code: str, message: str | None = None, retry_after_ms: int | None = None) -> Ending:
    """An ending by an error of the code table."""
    return Ending("failed", error=Refusal(code, message, retry_after_ms=retry_after_ms).error)


def estimate(written: Iterable[Chunk]) -> Usage | None:
    """Guess what an answer cost of which the model did not say it; None when nothing was written.

    What the model was asked is not known here, so only the answer's own tokens are guessed.
    """
    characters = sum(len(text_of(chunk)) for chunk in written if chunk["type"] in MERGEABLE)
    if not characters:
        return None
    return Usage(input_tokens=0, output_tokens=-(-characters // CHARACTERS_PER_TOKEN), estimated=True)


def ending_of_log(chunks_of_log: Sequence[Chunk]) -> Ending:
    """Read back how a complete log ended: from the metadata just before its last chunk, and that chunk."""
    said: dict[str, Any] = {}
    for chunk in chunks_of_log:
        if chunk["type"] == "message-metadata":
            said |= chunk["messageMetadata"]
    by_last: dict[str, StreamStatus] = {"finish": "completed", "abort": "stopped", "error": "failed"}
    status: StreamStatus = said.get("status") or by_last[chunks_of_log[-1]["type"]]
    return _ending(status, said)


def ending_of_row(row: StreamRow) -> Ending:
    """Read back how a stored stream ended."""
    return _ending(row.status, row.outcome or {})


def _ending(status: StreamStatus, outcome: Mapping[str, Any]) -> Ending:
    usage, error = outcome.get("usage"), outcome.get("error")
    return Ending(
        status=status,
        finish_reason=outcome.get("finishReason"),
        usage=None if usage is None else convert(usage, Usage),
        error=None if error is None else convert(error, ErrorObject),
    )
