"""Folds the chunks of an answer into its message, exactly as npm package `ai@7` does.

The fold is what every reader of a stream agrees on: the page that shows the answer, the SDKs, and the server that
stores it (guarantee 13). It follows `processUIMessageStream` of the original; `vectors/folds.json` compares the two.

Two promises beyond the original. A delta costs the same however long the part has become: its text is kept as pieces
and joined when somebody looks. A chunk of a kind that this version does not know changes nothing, because versions
inside `tidewire.v1` only add.
"""

from collections.abc import Callable, Iterable
from typing import Any, Self

from protocol.parts.chunks import LAST, Chunk, ChunkError, Part, text_of
from protocol.parts.tools import ToolParts

Metadata = dict[str, Any]

_POISON = frozenset({"__proto__", "constructor", "prototype"})


class FoldError(ChunkError):
    """A chunk cannot follow the ones before it, as a delta without its start."""


class _Writing:
    """A text or reasoning part that is still being written."""

    __slots__ = ("part", "pieces")

    def __init__(self, part: Part) -> None:
        self.part = part
        self.pieces: list[str] = []

    def settle(self) -> None:
        """Write the pieces into the part."""
        if self.pieces:
            self.part["text"] += "".join(self.pieces)
            self.pieces.clear()


class Fold:
    """The message that the chunks so far make.

    Chunks are kept by reference where the message holds them whole (inputs, outputs, data), so neither a chunk that was
    applied nor a part that was read may be changed.
    """

    def __init__(self) -> None:
        self._reset("")

    def _reset(self, message_id: str) -> None:
        self.message_id = message_id
        self.metadata: Metadata | None = None
        self.last: Chunk | None = None
        self._parts: list[Part] = []
        self._tools = ToolParts(self._parts)
        self._open: dict[str, dict[str, _Writing]] = {"text": {}, "reasoning": {}}

    def __repr__(self) -> str:
        return f"<Fold {self.message_id!r} parts={len(self._parts)} finished={self.finished}>"

    def apply(self, chunk: Chunk) -> None:
        """Take the next chunk of the log.

        Raises:
            FoldError: the chunk cannot follow the ones before it, or lacks a field.
        """
        handler = _HANDLERS.get(chunk["type"])
        if handler is None:
            if chunk["type"].startswith("data-"):
                self._data(chunk)
            return
        try:
            handler(self, chunk)
        except KeyError as missing:
            raise FoldError(f"A {chunk['type']} chunk came without its field {missing}.", chunk) from None
        except ChunkError as wrong:
            raise FoldError(str(wrong), chunk) from None

    def extend(self, chunks: Iterable[Chunk]) -> Self:
        """Take the next chunks of the log, in order."""
        for chunk in chunks:
            self.apply(chunk)
        return self

    @property
    def parts(self) -> list[Part]:
        """The parts of the message as they stand now; a list of their own, to read only."""
        self._settle()
        return [dict(part) for part in self._parts]

    @property
    def open(self) -> list[Part]:
        """The parts that are still being written, in the order of the message."""
        return [part for part in self.parts if part.get("state") in ("streaming", "input-streaming")]

    @property
    def finished(self) -> bool:
        """Whether the last chunk came: `finish`, `abort` or `error`; it is in `last`."""
        return self.last is not None

    def message(self) -> dict[str, Any]:
        """The `UIMessage`: `id`, `role`, `parts`, and `metadata` when there is any."""
        metadata = {} if self.metadata is None else {"metadata": self.metadata}
        return {"id": self.message_id, "role": "assistant", **metadata, "parts": self.parts}

    def _settle(self) -> None:
        self._tools.settle()
        for writing in self._open.values():
            for entry in writing.values():
                entry.settle()

    def _start(self, chunk: Chunk) -> None:
        # Another id means another answer; the same id again is a log that goes on.
        message_id = chunk.get("messageId")
        if message_id is not None and message_id != self.message_id:
            self._reset(message_id)
        self._merge_metadata(chunk)

    def _start_step(self, chunk: Chunk) -> None:  # noqa: ARG002 - the table calls all handlers alike
        self._parts.append({"type": "step-start"})
        self._tools.begin_step()

    def _reset_step(self, chunk: Chunk) -> None:  # noqa: ARG002 - the table calls all handlers alike
        self._settle()
        for writing in self._open.values():
            writing.clear()
        self._tools.reset_step()
        del self._parts[self._tools.step :]

    def _merge_metadata(self, chunk: Chunk) -> None:
        change = chunk.get("messageMetadata")
        if change is not None:
            self.metadata = change if self.metadata is None else merged(self.metadata, change)

    def _end(self, chunk: Chunk) -> None:
        self._merge_metadata(chunk)
        self.last = chunk

    def _part_start(self, chunk: Chunk) -> None:
        kind = chunk["type"].removesuffix("-start")
        named = {"id": chunk["id"]} if kind == "reasoning" else {}
        part: Part = {"type": kind, **named, "text": "", **_present(chunk, "providerMetadata"), "state": "streaming"}
        replaced = self._open[kind].pop(chunk["id"], None)
        if replaced is not None:
            replaced.settle()
        self._open[kind][chunk["id"]] = _Writing(part)
        self._parts.append(part)

    def _text_delta(self, chunk: Chunk) -> None:
        entry = self._open["text"].get(chunk["id"])
        if entry is None:
            raise _not_open(chunk)
        self._delta(entry, chunk)

    def _reasoning_delta(self, chunk: Chunk) -> None:
        entry = self._open["reasoning"].get(chunk["id"])
        if entry is None:
            raise _not_open(chunk)
        self._delta(entry, chunk)

    def _delta(self, entry: _Writing, chunk: Chunk) -> None:
        entry.pieces.append(text_of(chunk))
        if chunk.get("providerMetadata") is not None:
            entry.part["providerMetadata"] = chunk["providerMetadata"]

    def _part_end(self, chunk: Chunk) -> None:
        kind = chunk["type"].removesuffix("-end")
        entry = self._open[kind].pop(chunk["id"], None)
        if entry is None:
            raise _not_open(chunk)
        entry.settle()
        entry.part["state"] = "done"
        if chunk.get("providerMetadata") is not None:
            entry.part["providerMetadata"] = chunk["providerMetadata"]
        if kind == "text" and chunk.get("citations") is not None:
            entry.part["citations"] = chunk["citations"]

    def _whole(self, chunk: Chunk) -> None:
        """A part that arrives in one chunk."""
        self._parts.append(_present(chunk, *_WHOLE[chunk["type"]]))

    def _file(self, chunk: Chunk) -> None:
        named = ("providerMetadata",) if chunk.get("providerMetadata") is not None else ()
        self._parts.append(_present(chunk, "type", "mediaType", "url", *named))

    def _data(self, chunk: Chunk) -> None:
        """A `data-*` part: one id keeps its first place and takes its last value."""
        if chunk.get("transient"):
            return
        if chunk.get("id") is not None:
            for part in self._parts:
                if part["type"] == chunk["type"] and part.get("id") == chunk["id"]:
                    part.pop("data", None)
                    part |= _present(chunk, "data")
                    return
        self._parts.append(dict(chunk))


def fold(chunks: Iterable[Chunk]) -> Fold:
    """Fold a whole log, or its beginning.

    Raises:
        FoldError: a chunk cannot follow the ones before it.
    """
    return Fold().extend(chunks)


def merged(base: Metadata, change: Metadata) -> Metadata:
    """The base with the changes merged in: objects deeply, arrays and everything else replaced."""
    result = dict(base)
    for key, value in change.items():
        if key in _POISON:  # as the original, which guards the prototypes of its objects
            continue
        old = base.get(key)
        result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def _not_open(chunk: Chunk) -> FoldError:
    kind = chunk["type"].partition("-")[0]
    return FoldError(
        f"A {chunk['type']} came for the {kind} part {chunk['id']!r}, which is not open: "
        f"a {kind}-start must come before it and no {kind}-end.",
        chunk,
    )


def _present(chunk: Chunk, *names: str) -> Part:
    """The fields of these names that the chunk has, null ones too."""
    return {name: chunk[name] for name in names if name in chunk}


_WHOLE: dict[str, tuple[str, ...]] = {
    "custom": ("type", "kind", "providerMetadata"),
    "source-url": ("type", "sourceId", "url", "title", "providerMetadata"),
    "source-document": ("type", "sourceId", "mediaType", "title", "filename", "providerMetadata"),
    "steering-message": ("type", "id", "parts"),
}

_HANDLERS: dict[str, Callable[[Fold, Chunk], None]] = {
    "text-delta": Fold._text_delta,
    "reasoning-delta": Fold._reasoning_delta,
    "tool-input-delta": lambda f, c: f._tools.input_delta(c),
    "start": Fold._start,
    "start-step": Fold._start_step,
    "reset-step": Fold._reset_step,
    "message-metadata": Fold._merge_metadata,
    **dict.fromkeys(LAST, Fold._end),
    **dict.fromkeys(("text-start", "reasoning-start"), Fold._part_start),
    **dict.fromkeys(("text-end", "reasoning-end"), Fold._part_end),
    **dict.fromkeys(("file", "reasoning-file"), Fold._file),
    **dict.fromkeys(_WHOLE, Fold._whole),
    "tool-input-start": lambda f, c: f._tools.input_start(c),
    "tool-input-available": lambda f, c: f._tools.input_available(c),
    "tool-input-error": lambda f, c: f._tools.input_error(c),
    "tool-approval-request": lambda f, c: f._tools.approval_request(c),
    "tool-approval-response": lambda f, c: f._tools.approval_response(c),
    "tool-output-available": lambda f, c: f._tools.output_available(c),
    "tool-output-error": lambda f, c: f._tools.output_error(c),
    "tool-output-denied": lambda f, c: f._tools.output_denied(c),
}
