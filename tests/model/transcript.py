"""What happened in a run, for people: who did what, what came of it, with names short enough to compare."""

import json
import re
import time
from typing import Any

# What servers mint: a prefix and 20 or more random characters.
_MINTED = re.compile(r"\b(str|msg|con|usr|ses)_[A-Za-z0-9_-]{8,}")


class Transcript:
    """Lines with the seconds since the start; minted ids become `str1`, `msg2` in the order they are first named."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._began = time.monotonic()
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def add(self, line: str) -> None:
        """Add a line."""
        self.lines.append(f"{time.monotonic() - self._began:7.3f}  {self.short(line)}")

    def short(self, text: str) -> str:
        """The text with minted ids made short."""
        return _MINTED.sub(lambda found: self._name(found[0], found[1]), text)

    def _name(self, minted: str, kind: str) -> str:
        if minted not in self._names:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._names[minted] = f"{kind}{self._counts[kind]}"
        return self._names[minted]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def brief(value: Any, most: int = 300) -> str:
    """A JSON value on one line, cut in its middle when it is long."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text if len(text) <= most else f"{text[: most // 2]} … {text[-most // 2 :]}"


def chat_in_words(chat: dict[str, Any]) -> str:
    """What matters of a `DashboardChat`: what is different from one that is empty."""
    dull = {"createdAt", "updatedAt", "chatId", "version", "title"}
    told = {name: value for name, value in chat.items() if name not in dull and value not in (False, None)}
    if "queue" in told:
        told["queue"] = [each["commandId"] for each in told["queue"]]
    return f"{chat['chatId']} v{chat['version']} {brief(told)}"


def event_in_words(name: str, data: dict[str, Any]) -> str:
    """An event on one line."""
    rest = {key: value for key, value in data.items() if key not in ("chat", "chatId")}
    if "message" in rest:
        message = rest.pop("message")
        rest |= {"message": message["id"], "versions": message["metadata"]["versions"]}
    about = chat_in_words(data["chat"]) if "chat" in data else data.get("chatId", "")
    return f"{name} {about} {brief(rest) if rest else ''}"
