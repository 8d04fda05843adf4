"""What a model may not write: NUL and lone surrogates, and nesting without end.

PostgreSQL refuses NUL in text and in jsonb, UTF-8 has no lone surrogates, and orjson refuses to write from depth 255.
A model's text can hold all three, so it is cleaned once, where it enters a log.
"""

import re
from typing import Any

from protocol.parts.chunks import Chunk, ChunkError

MAX_DEPTH = 64
"""Levels of nesting inside one chunk: more than a tool's input needs, far less than orjson writes."""

_FORBIDDEN = re.compile("[\0\ud800-\udfff]")


def clean(chunk: Chunk) -> Chunk:
    """The chunk without NUL and lone surrogates; the same object when there is nothing to strip.

    Raises:
        ChunkError: the chunk is nested deeper than 64 levels.
    """
    # The way of every token: a flat chunk of clean strings. Its field names are ours.
    for value in chunk.values():
        if type(value) is not str or not _is_clean(value):
            break
    else:
        return chunk
    try:
        cleaned: Chunk = clean_value(chunk)
    except RecursionError:
        message = f"A {chunk.get('type')} chunk is nested deeper than {MAX_DEPTH} levels, so it cannot be stored."
        raise ChunkError(message, chunk) from None
    return cleaned


def clean_text(text: str) -> str:
    """The text without NUL and lone surrogates."""
    return text if _is_clean(text) else _FORBIDDEN.sub("", text)


def _is_clean(text: str) -> bool:
    # ASCII is a flag of the string and NUL a memchr: clean text costs 0.1 us, whatever its length.
    if text.isascii():
        return "\0" not in text
    return _FORBIDDEN.search(text) is None


def clean_value(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Clean all strings inside a JSON value, keys too; the same object when nothing was stripped.

    Raises:
        RecursionError: the value is nested deeper than `depth` levels.
    """
    if isinstance(value, str):
        return clean_text(value)
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        raise RecursionError
    return _clean_object(value, depth - 1) if isinstance(value, dict) else _clean_array(value, depth - 1)


def _clean_object(value: dict[str, Any], depth: int) -> dict[str, Any]:
    cleaned = {clean_text(key): clean_value(item, depth) for key, item in value.items()}
    same = len(cleaned) == len(value) and all(a is b for a, b in zip(cleaned.values(), value.values(), strict=True))
    return value if same and all(map(str.__eq__, cleaned, value)) else cleaned


def _clean_array(value: list[Any], depth: int) -> list[Any]:
    cleaned = [clean_value(item, depth) for item in value]
    return value if all(a is b for a, b in zip(cleaned, value, strict=True)) else cleaned
