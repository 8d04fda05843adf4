"""The grammar of a log: which chunk may come now, and what is missing when the log must end.

PROTOCOL section 4: `start{messageId}`, then steps, each `start-step`, parts with `*-start`, `*-delta`, `*-end` of one
id, `finish-step`; the last chunk is `finish`, `abort` or `error`. Three tables say it: one for the log, one for a text
or reasoning part, and one for a tool call (`calls`). A kind that no table knows may come anywhere between the first and
the last chunk: a log may hold chunks of a newer version of this server, and the sealer must still be able to end it.

The grammar looks, it does not keep: it holds ids and the unfinished input of tool calls, no text.
"""

from collections.abc import Iterable
from typing import Any, Self

from protocol.parts import chunks as make
from protocol.parts.calls import Calls
from protocol.parts.chunks import LAST, Chunk, ChunkError, text_of
from protocol.parts.clean import clean

__all__ = ["Grammar", "GrammarError", "clean", "ending"]

# The log, by class of chunk (`_CLASS`). A missing entry is the error.
_LOG: dict[str, dict[str, str]] = {
    "empty": {"start": "between steps"},
    "between steps": {
        "start-step": "in a step",
        "message-metadata": "between steps",
        "answer": "between steps",
        "other": "between steps",
        "last": "ended",
    },
    "in a step": {
        "part": "in a step",
        "answer": "in a step",
        "other": "in a step",
        "message-metadata": "in a step",
        "reset-step": "in a step",
        "finish-step": "between steps",
    },
    "ended": {},
}

# A text or reasoning part.
_PART: dict[str, dict[str, str]] = {
    "not open": {"start": "open"},
    "open": {"delta": "open", "end": "not open"},
}

_TEXTS = {f"{kind}-{event}": (kind, event) for kind in ("text", "reasoning") for event in ("start", "delta", "end")}
_INPUTS = ("tool-input-start", "tool-input-delta", "tool-input-available", "tool-input-error", "tool-approval-request")
# The answers to a call may come behind its step: a person gives them, or another program.
_ANSWERS = ("tool-approval-response", "tool-output-available", "tool-output-error", "tool-output-denied")
_CALLS = frozenset({*_INPUTS, *_ANSWERS})

_CLASS: dict[str, str] = {
    **{k: k for k in ("start", "start-step", "finish-step", "reset-step", "message-metadata")},
    **dict.fromkeys((*_TEXTS, *_INPUTS), "part"),
    **dict.fromkeys(("file", "reasoning-file", "source-url", "source-document", "custom"), "part"),
    **dict.fromkeys(_ANSWERS, "answer"),
    **dict.fromkeys(LAST, "last"),
}


class GrammarError(ChunkError):
    """A chunk may not come now: the fault of whoever writes the log, never of a reader."""


class Grammar:
    """Reads one log chunk by chunk and knows what may come next."""

    def __init__(self) -> None:
        self.state = "empty"
        self._open: dict[tuple[str, str], str] = {}  # text and reasoning parts
        self._calls = Calls()

    def __repr__(self) -> str:
        return f"<Grammar {self.state} open={list(self._open)} calls={self._calls}>"

    @property
    def ended(self) -> bool:
        """Whether the last chunk came."""
        return self.state == "ended"

    def check(self, chunk: Chunk) -> None:
        """Take the next chunk of the log.

        Raises:
            GrammarError: it may not come now, or lacks a field; the grammar stays where it was.
        """
        try:
            self._check(chunk)
        except KeyError as missing:
            raise GrammarError(f"A {chunk.get('type')} chunk came without its field {missing}.", chunk) from None
        except ChunkError as wrong:
            raise GrammarError(str(wrong), chunk) from None

    def extend(self, chunks: Iterable[Chunk]) -> Self:
        """Take the next chunks of the log, in order, merged or not."""
        for chunk in chunks:
            self.check(chunk)
        return self

    def closing(self, *, cut: bool = True) -> list[Chunk]:
        """The chunks that must come before the last one: missing ends, then `finish-step`.

        Args:
            cut: the log ends before its time, so calls that wait for a tool or for a person end too.
        """
        if self.state in ("empty", "ended"):
            return []
        ends: list[Chunk] = [{"type": f"{kind}-end", "id": part_id} for kind, part_id in self._open]
        step = [make.finish_step()] if self.state == "in a step" else []
        return ends + self._calls.closing(cut=cut) + step

    def _check(self, chunk: Chunk) -> None:
        kind = chunk["type"]
        after = _LOG[self.state].get(_CLASS.get(kind, "other"))
        if after is None:
            raise self._unexpected(chunk)
        if kind in _TEXTS:
            self._text(chunk)
        elif kind in _CALLS:
            self._calls.take(chunk)
        elif kind in _BEFORE:
            _BEFORE[kind](self, chunk)
        self.state = after

    def _unexpected(self, chunk: Chunk) -> GrammarError:
        expected = " or ".join(_LOG[self.state]) or "nothing more"
        return GrammarError(f"A {chunk['type']} came where the log is {self.state}: {expected} was expected.", chunk)

    def _text(self, chunk: Chunk) -> None:
        kind, event = _TEXTS[chunk["type"]]
        key = (kind, chunk["id"])
        before = self._open.get(key, "not open")
        after = _PART[before].get(event)
        if after is None:
            raise GrammarError(f"A {chunk['type']} came for the part {chunk['id']!r}, which is {before}.", chunk)
        if event == "delta":
            text_of(chunk)
        if after == "open":
            self._open[key] = after
        else:
            del self._open[key]

    def _start(self, chunk: Chunk) -> None:
        if not chunk["messageId"]:
            raise GrammarError("A start chunk must name the message in `messageId`.", chunk)

    def _start_step(self, chunk: Chunk) -> None:  # noqa: ARG002 - the table calls all alike
        self._calls.begin_step()

    def _reset_step(self, chunk: Chunk) -> None:  # noqa: ARG002 - the table calls all alike
        self._open.clear()
        self._calls.reset_step()

    def _finish_step(self, chunk: Chunk) -> None:
        still_open = [part_id for _, part_id in self._open] + self._calls.writing
        if still_open:
            raise GrammarError(f"A finish-step came while these parts are open: {', '.join(still_open)}.", chunk)


_BEFORE = {
    "start": Grammar._start,
    "start-step": Grammar._start_step,
    "reset-step": Grammar._reset_step,
    "finish-step": Grammar._finish_step,
}


def ending(grammar: Grammar, metadata: dict[str, Any], last: Chunk, *, cut: bool | None = None) -> list[Chunk]:
    """All chunks that end a log from where it stands: closing, `message-metadata`, the last chunk.

    An empty log stays empty (N may be 0), an ended one stays as it is: both give no chunk. The grammar is not moved:
    whoever appends the chunks lets it check them as any others.

    Args:
        metadata: what changed by the end; `{}` leaves the chunk out.
        last: a `finish`, `abort` or `error`.
        cut: nobody will answer an open tool call any more, so it ends, too; by default after an `abort` or `error`.
    """
    if last["type"] not in LAST:
        raise GrammarError(f"A {last['type']} cannot end a log: finish, abort or error was expected.", last)
    if grammar.state in ("empty", "ended"):
        return []
    changed = [make.message_metadata(metadata)] if metadata else []
    return [*grammar.closing(cut=last["type"] != "finish" if cut is None else cut), *changed, last]
