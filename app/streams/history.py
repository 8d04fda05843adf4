"""The shown branch of a chat: as people read it, and as the model is asked."""

from collections.abc import Sequence
from typing import Any

from app.models.interface import Prompt, ToolOffer
from app.store import messages, projects
from app.store.messages import Sibling, StoredMessage
from app.store.queries import Queries
from app.streams import attachments
from app.streams.generation import Generation
from protocol.frames.objects import Message

# The longest branch that is read for a model: far beyond any context window, so a bound, not a choice.
PROMPT_MESSAGES = 2_000
# A page goes out as one frame; two hundred long answers would hold up everything behind it.
PAGE_BYTES = 1024 * 1024


def versions(siblings: Sequence[Sibling], message: StoredMessage) -> dict[str, Any]:
    """Say which version of its place a message is: `{index, ids}`, oldest first.

    A try that failed without writing anything is no version, unless it is the one that is shown.
    """
    ids = [
        sibling.message_id
        for sibling in siblings
        if sibling.parent_id == message.parent_id
        and sibling.role == message.role
        and (not sibling.is_blank_failure or sibling.message_id == message.message_id)
    ]
    if message.message_id not in ids:  # its chat was deleted between two reads
        ids = [message.message_id]
    return {"index": ids.index(message.message_id), "ids": ids}


async def versions_of(q: Queries, user_id: str, chat_id: str, message: StoredMessage) -> dict[str, Any]:
    """Say which version of its place a message is now."""
    return versions(await messages.siblings(q, user_id, chat_id, [message.parent_id]), message)


async def page(q: Queries, user_id: str, chat_id: str, leaf_id: str, *, limit: int) -> tuple[list[Message], str | None]:
    """Read a page of a branch, oldest first.

    Args:
        leaf_id: the newest message of the page.
        limit: how many messages at most.

    Returns:
        The committed messages (an answer that is being written comes from its stream), and the oldest message looked at
        when older ones are left.
    """
    found = await messages.branch(q, user_id, chat_id, leaf_id, limit=limit, most_bytes=PAGE_BYTES)
    siblings = await messages.siblings(q, user_id, chat_id, [message.parent_id for message in found])
    shown = [message_of(stored, versions(siblings, stored)) for stored in found if stored.committed]
    return shown, found[0].message_id if found and found[0].parent_id is not None else None


async def prompt(
    q: Queries, generation: Generation, tools: Sequence[ToolOffer] = (), *, file_bytes: int, now: int
) -> Prompt:
    """Build what the model is asked: the branch that ends with the question, under the instructions of its project.

    Args:
        tools: what it may call.
        file_bytes: how much the files of the branch may have together.
        now: Unix time in milliseconds.
    """
    branch = await messages.branch(
        q, generation.user_id, generation.chat_id, generation.question_id, limit=PROMPT_MESSAGES
    )
    stored = [{"id": message.message_id, "role": message.role, "parts": message.parts} for message in branch]
    said = await attachments.filled(q, generation.user_id, stored, most_bytes=file_bytes, now=now)
    system = await projects.instructions_of_chat(q, generation.user_id, generation.chat_id)
    return Prompt(model=generation.model, system=system, messages=said, options=generation.options, tools=tools)


def message_of(stored: StoredMessage, known: dict[str, Any]) -> Message:
    """A stored message as it goes over the wire; `known` are its versions."""
    parent = {} if stored.parent_id is None else {"parentId": stored.parent_id}
    return Message(
        id=stored.message_id,
        role="user" if stored.role == "user" else "assistant",
        parts=stored.parts,
        metadata=stored.metadata | parent | {"versions": known},
    )
