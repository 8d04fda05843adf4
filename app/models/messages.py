"""Reading `UIMessage`s the way models need them."""

from collections.abc import Mapping, Sequence
from typing import Any


def text_of(message: Mapping[str, Any]) -> str:
    """Return the text parts of a message, a blank line between two of them."""
    texts = (part.get("text", "") for part in message.get("parts", ()) if part.get("type") == "text")
    return "\n\n".join(text for text in texts if text.strip())


def questions(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the person asked so far, oldest first; the last one is the question to answer."""
    return [text_of(message) for message in messages if message.get("role") == "user"]


def attached(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the files of the question to answer: its `file` parts that carry their `bytes`."""
    asked = [message for message in messages if message.get("role") == "user"]
    parts = asked[-1].get("parts", ()) if asked else ()
    return [part for part in parts if part.get("type") == "file" and part.get("bytes")]
