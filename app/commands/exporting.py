"""Everything a user has written, as one document: what they take along when they go, or keep.

It is written piece by piece, a few chats at a time, so its size does not matter to the server. What changes meanwhile
is in it as it is when its turn comes; no chat is missed, because they are listed once, at the beginning.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import orjson

from app.store import chats, messages, projects
from app.store.messages import StoredMessage
from app.store.queries import Queries, batches
from app.streams import history
from app.streams.titles import text_of
from protocol.codec import to_json
from protocol.frames.objects import DashboardChat

# Chats read at once, and messages of a chat.
CHATS = 20
MESSAGES = 200
SPEAKERS = {"user": "You", "assistant": "Answer"}


async def as_json(q: Queries, user_id: str, *, now: int) -> AsyncIterator[bytes]:
    """Write projects and chats, each chat with the whole tree of its messages.

    Args:
        now: Unix time of the export, in milliseconds.
    """
    found = to_json(await projects.dashboard(q, user_id))
    yield b'{"exportedAt":%d,"projects":%b,"chats":[' % (now, orjson.dumps(found))
    comma = b""
    async for chat in _chats(q, user_id):
        yield comma + orjson.dumps(to_json(chat))[:-1] + b',"messages":['
        comma, separator = b",", b""
        async for message in _messages(q, user_id, chat.chat_id):
            yield separator + orjson.dumps(message)
            separator = b","
        yield b"]}"
    yield b"]}"


async def as_markdown(q: Queries, user_id: str) -> AsyncIterator[bytes]:
    """Write the shown branch of every chat, to be read."""
    async for chat in _chats(q, user_id):
        yield f"# {' '.join(chat.title.split())}\n\n".encode()
        if chat.leaf_id is not None:
            limit = history.PROMPT_MESSAGES
            for message in await messages.branch(q, user_id, chat.chat_id, chat.leaf_id, limit=limit):
                yield _spoken(message).encode()


def _spoken(message: StoredMessage) -> str:
    """One message as a person reads it: its text, and the names of what was attached."""
    text = text_of(message.parts).strip()
    attached = "".join(f"\n\n[{name}]" for name in _filenames(message.parts))
    return f"**{SPEAKERS.get(message.role, message.role)}:**\n\n{text}{attached}\n\n"


def _filenames(parts: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(part.get("filename") or part.get("url")) for part in parts if part.get("type") == "file"]


async def _chats(q: Queries, user_id: str) -> AsyncIterator[DashboardChat]:
    """Every chat, oldest first; one that is deleted meanwhile is left out."""
    for batch in batches(await chats.ids(q, user_id), CHATS):
        found = await chats.dashboard(q, user_id, batch)
        for chat_id in batch:
            if chat_id in found:
                yield found[chat_id]


async def _messages(q: Queries, user_id: str, chat_id: str) -> AsyncIterator[dict[str, Any]]:
    """Every stored message of a chat, on all its branches, oldest first."""
    after: messages.Age | None = None
    while page := await messages.page(q, user_id, chat_id, after=after, limit=MESSAGES):
        for age, stored in page:
            yield {
                "id": stored.message_id,
                "role": stored.role,
                "parentId": stored.parent_id,
                "parts": stored.parts,
                "metadata": stored.metadata,
            }
            after = age
