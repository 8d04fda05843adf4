"""Titles: a provisional one from the first words at once, a short one by the model after the first answer."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

PROVISIONAL = 48
LONGEST = 80
UNTITLED = "New chat"
_QUOTES = "\"'“”‘’«»`*_# "


def text_of(parts: Iterable[Mapping[str, Any]]) -> str:
    """Join the text of a message's parts."""
    return "\n".join(part["text"] for part in parts if part.get("type") == "text")


def words_for(parts: Sequence[Mapping[str, Any]]) -> str:
    """What a question is called where there is little room: its text, or else the names of its files."""
    text = text_of(parts)
    return text if text.strip() else ", ".join(part["filename"] for part in parts if part.get("type") == "file")


def provisional(text: str) -> str:
    """Name a chat by the first words of its question, cut at a word."""
    words = " ".join(text.split())
    if len(words) <= PROVISIONAL:
        return words or UNTITLED
    cut = words[:PROVISIONAL].rpartition(" ")[0] or words[:PROVISIONAL]
    return cut.rstrip(",;:.-–— ") + "…"


def tidy(answer: str) -> str:
    """Make a title of what a model answered: one line, no quotes, no markdown; empty when nothing is left."""
    line = next((line for line in answer.splitlines() if line.strip(_QUOTES)), "")
    line = re.sub(r"^\s*title\s*:\s*", "", line.strip(_QUOTES), flags=re.IGNORECASE)
    return " ".join(line.split()).strip(_QUOTES).rstrip(_QUOTES + ".")[:LONGEST].rstrip(_QUOTES)
