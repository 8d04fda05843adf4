"""Chats as a person reads them, in Markdown. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.store.messages import StoredMessage
from protocol.frames.objects import DashboardChat, DashboardProject

# What is said of an answer that did not come to its end.
_ENDINGS = {"stopped": "stopped", "failed": "could not be finished", "interrupted": "interrupted"}


def beginning(chat: DashboardChat, projects: Sequence[DashboardProject]) -> str:
    """The head of a chat: what it is called, how old it is, and where it is filed."""
    project = next((project.title for project in projects if project.project_id == chat.project_id), None)
    about = [
        f"Begun on {_time(chat.created_at)}",
        f"in the project “{project}”" if project else "",
        "archived" if chat.archived else "",
    ]
    return f"# {' '.join(chat.title.split())}\n\n*{', '.join(filter(None, about))}*\n\n"


def spoken(message: StoredMessage) -> str:
    """One message: who, when, and what of it is to be read."""
    said = [text for part in message.parts if (text := _said(part))]
    return "\n\n".join([f"**{_speaker(message)}:**", *said, ""])


def _speaker(message: StoredMessage) -> str:
    metadata = message.metadata
    when = _time(metadata["createdAt"]) if "createdAt" in metadata else ""
    ending = _ENDINGS.get(str(metadata.get("status")), "")
    return ", ".join(filter(None, ("You" if message.role == "user" else "Answer", when, ending)))


def _said(part: Mapping[str, Any]) -> str:
    """A part as it is read; empty when nobody would read it, such as thoughts."""
    kind = str(part.get("type"))
    if kind == "text":
        return str(part["text"]).strip()
    if kind == "file":
        return f"[{part.get('filename') or 'a file'}]({part['url']})" if _is_link(part) else ""
    if kind == "dynamic-tool" or kind.startswith("tool-"):
        return f"*Used the tool `{part.get('toolName') or kind.removeprefix('tool-')}`.*"
    return ""


def _is_link(part: Mapping[str, Any]) -> bool:
    # A model may write a whole picture into a `data:` URL; that is no text.
    return not str(part.get("url")).startswith("data:")


def _time(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M UTC}"
