"""Log lines, for people or for programs, each with what it is about.

A line holds ids, codes and sentences. What people write, tokens, keys and addresses of mail never get into one: fields
are those of a short list, and no message is given what it must not tell.
"""

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, TextIO

import orjson

LogFormat = Literal["text", "json"]

FIELDS = ("node", "connection", "user", "chat", "stream", "path", "code")
"""What a line may be about: from `note`, or from `extra` where it is written."""

LONGEST = 200

# These tell of every request and connection at INFO, and some of every statement with its values.
CHATTY = ("httpx2", "httpcore2", "anthropic", "asyncio", "databases")

# How asyncio hands values down: a task has its own copy, and those it starts inherit it.
_about: ContextVar[MappingProxyType[str, str]] = ContextVar("about", default=MappingProxyType({}))


def note(**fields: str | None) -> None:
    """Let every line that this task and those it starts will log carry these fields.

    Args:
        fields: ids, by a name of `FIELDS`; None takes away what was inherited.
    """
    known = {**_about.get(), **fields}
    _about.set(MappingProxyType({name: value for name, value in known.items() if value is not None}))


def configure(level: str, form: LogFormat, stream: TextIO | None = None) -> None:
    """Log from now on to stderr, in this form, what is at least so severe."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


class TextLines(logging.Formatter):
    """One line for people, what it is about in brackets at its end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The line without a traceback; the node goes without saying."""
        about = " ".join(f"{name}={value}" for name, value in _fields(record).items() if name != "node")
        return super().formatMessage(record) + (f" [{about}]" if about else "")


class JsonLines(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, what it is about, and `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """The whole line; a traceback is one string in it."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _writable(record.getMessage()),
        }
        line |= _fields(record)
        if record.exc_info:
            line["exception"] = _writable(self.formatException(record.exc_info))
        return orjson.dumps(line).decode()


def _fields(record: logging.LogRecord) -> dict[str, str]:
    about = _about.get()
    values = {name: getattr(record, name, about.get(name)) for name in FIELDS}
    return {name: _on_one_line(str(value)) for name, value in values.items() if value is not None}


def _on_one_line(value: str) -> str:
    """A field cannot end its line and begin another that nobody wrote, nor be of any length."""
    value = value[:LONGEST]
    return value if value.isprintable() else ascii(value)


def _writable(text: str) -> str:
    """Replace halves of characters, which no encoder writes."""
    return text.encode(errors="replace").decode()
