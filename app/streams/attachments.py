"""Puts the files that a conversation names into what the model is asked: the newest first, as far as they fit."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.store import files
from app.store.queries import Queries
from protocol.files import file_id_of

Part = Mapping[str, Any]
Message = Mapping[str, Any]

GONE = "[The file “{}” was attached here. It is not there any more.]"
LEFT_OUT = "[The file “{}” was attached here. It is left out, because the files of this chat are too large together.]"


async def filled(q: Queries, user_id: str, messages: Sequence[Message], *, most_bytes: int, now: int) -> list[Message]:
    """Return the messages with the `bytes` of each file in its part; a part whose file cannot be had says so in words.

    Args:
        messages: `UIMessage`s, oldest first.
        most_bytes: how much all files may have together.
        now: Unix time in milliseconds.
    """
    reading = _Reading(q, user_id, most_bytes, now)
    made: list[Message] = [
        {**message, "parts": [await reading.part(part) for part in message["parts"]]} for message in reversed(messages)
    ]
    return made[::-1]


class _Reading:
    """Reads files until there is no room for more."""

    def __init__(self, q: Queries, user_id: str, room: int, now: int) -> None:
        self._q = q
        self._user_id = user_id
        self._room = room
        self._now = now

    async def part(self, part: Part) -> Part:
        """A part as the model gets it."""
        file_id = file_id_of(part.get("url")) if part.get("type") == "file" else None
        if file_id is None:
            return part
        if self._room == 0:  # nobody need look further: no file is empty
            return _words(LEFT_OUT, part)
        file = await files.find(self._q, self._user_id, file_id, now=self._now)
        if file is None:
            return _words(GONE, part)
        if file.size > self._room:
            return _words(LEFT_OUT, part)
        self._room -= file.size
        try:
            pieces = [piece async for piece in files.pieces(self._q, self._user_id, file)]
        except LookupError:
            return _words(GONE, part)
        return {**part, "bytes": b"".join(pieces)}


def _words(sentence: str, part: Part) -> Part:
    return {"type": "text", "text": sentence.format(part["filename"])}
