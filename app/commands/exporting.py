"""Everything a user has written, as one document: what they take along when they go, or keep.

It is written piece by piece, a few chats at a time, so its size does not matter to the server. What changes meanwhile
is in it as it is when its turn comes; no chat is missed, because they are listed once, at the beginning.
"""

from collections.abc import AsyncIterator

import orjson

from app.commands import transcript
from app.store import chats, exports, projects
from app.store.files import StoredFile
from app.store.messages import StoredMessage
from app.store.queries import Queries, batches
from protocol.codec import to_json
from protocol.files import file_url
from protocol.frames.objects import DashboardChat

# Chats read at once.
CHATS = 20
# A piece is at least so long but for the last, so that a thousand short chats are not thousands of pieces.
PIECE_BYTES = 64 * 1024


async def as_json(q: Queries, user_id: str, *, now: int) -> AsyncIterator[bytes]:
    """Write projects, chats, each with the whole tree of its messages, and what is known of files.

    Args:
        now: Unix time of the export, in milliseconds.
    """
    async for piece in _joined(_json(q, user_id, now)):
        yield piece


async def as_markdown(q: Queries, user_id: str) -> AsyncIterator[bytes]:
    """Write the shown branch of every chat, to be read."""
    async for piece in _joined(_markdown(q, user_id)):
        yield piece


async def _json(q: Queries, user_id: str, now: int) -> AsyncIterator[bytes]:
    found = to_json(await projects.dashboard(q, user_id))
    yield b'{"exportedAt":%d,"projects":%b,"chats":[' % (now, orjson.dumps(found))
    comma = b""
    async for chat in _chats(q, user_id):
        yield comma + orjson.dumps(to_json(chat))[:-1] + b',"messages":['
        comma, separator = b",\n", b""
        async for message in exports.messages(q, user_id, await exports.tree(q, user_id, chat.chat_id)):
            yield separator + orjson.dumps(_message(message))
            separator = b","
        yield b"]}"
    yield b'],"files":['
    comma = b""
    async for file in exports.files(q, user_id, now=now):
        yield comma + orjson.dumps(_file(file))
        comma = b",\n"
    yield b"]}\n"


async def _markdown(q: Queries, user_id: str) -> AsyncIterator[bytes]:
    folders = await projects.dashboard(q, user_id)
    async for chat in _chats(q, user_id):
        yield transcript.beginning(chat, folders).encode()
        if chat.leaf_id is not None:
            shown = await exports.branch(q, user_id, chat.chat_id, chat.leaf_id)
            async for message in exports.messages(q, user_id, shown):
                yield transcript.spoken(message).encode()


async def _chats(q: Queries, user_id: str) -> AsyncIterator[DashboardChat]:
    """Every chat, oldest first; one that is deleted meanwhile is left out."""
    for batch in batches(await chats.ids(q, user_id), CHATS):
        found = await chats.dashboard(q, user_id, batch)
        for chat_id in batch:
            if chat_id in found:
                yield found[chat_id]


async def _joined(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Put pieces together until they are worth being sent."""
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece
        if len(waiting) >= PIECE_BYTES:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def _message(message: StoredMessage) -> dict[str, object]:
    return {
        "id": message.message_id,
        "role": message.role,
        "parentId": message.parent_id,
        "parts": message.parts,
        "metadata": message.metadata,
    }


def _file(file: StoredFile) -> dict[str, object]:
    return {
        "fileId": file.file_id,
        "url": file_url(file.file_id),
        "mediaType": file.media_type,
        "filename": file.filename,
        "size": file.size,
    }
