"""Where a question and its answer go in the tree of a chat; decided when their turn comes, not when they are asked for.

A send hangs under what is shown then. A question that was edited is asked beside the old one, below the same parent.
An answer that is written again becomes a sibling of those before it, below the same question. Whatever is started is
shown, on every device.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.store import chats, messages, tree
from app.store.messages import StoredMessage
from app.store.outbox import Change
from app.store.streams import StreamRow
from app.streams import history
from app.streams.titles import words_for
from protocol.codec import to_json
from protocol.frames.objects import Question


@dataclass(frozen=True, slots=True)
class Place:
    """What is to be answered.

    Args:
        question_id: the question.
        text: its words, or the names of its files.
        question: the whole of it when it is new; None writes one more answer to one that is stored.
        beside: the stored question of which the new one is another version.
        model: who answered before; that model is asked again unless the command names another.
    """

    question_id: str
    text: str
    question: Question | None = None
    beside: str | None = None
    model: str | None = None

    @staticmethod
    def of(question: Question, *, beside: str | None = None) -> "Place":
        """The place of a new question."""
        return Place(question.id, words_for(question.parts), question, beside)

    def request(self) -> dict[str, Any]:
        """What a waiting stream keeps of it."""
        if self.question is None:
            return {"questionId": self.question_id}
        beside = {} if self.beside is None else {"beside": self.beside}
        return {"question": to_json(self.question)} | beside


async def place_question(change: Change, row: StreamRow) -> str:
    """Store the question that a waiting stream brings, if it brings one; return the id of the question it answers."""
    if "question" not in row.request:
        stored_id: str = row.request["questionId"]
        return stored_id
    question = row.request["question"]
    parent_id = await _parent_of_question(change, row)
    metadata = {"createdAt": change.now}
    await messages.insert_question(
        change.tx,
        change.user_id,
        row.chat_id,
        question["id"],
        parent_id=parent_id,
        parts=question["parts"],
        metadata=metadata,
        now=change.now,
    )
    stored = StoredMessage(question["id"], parent_id, "user", question["parts"], metadata, committed=True)
    known = await history.versions_of(change.tx, change.user_id, row.chat_id, stored)
    change.tell(
        "message.created",
        chat_id=row.chat_id,
        source=row.source_client_id,
        message=history.message_of(stored, known),
        parentId=parent_id,
    )
    return stored.message_id


async def place_answer(change: Change, row: StreamRow, question_id: str) -> dict[str, Any]:
    """Make room for the answer below its question and show it; return what it says of itself from the start."""
    metadata = {
        "status": "streaming",
        "model": row.request["model"],
        "createdAt": change.now,
        "parentId": question_id,
    }
    await messages.insert_answer(
        change.tx,
        change.user_id,
        row.chat_id,
        row.message_id,
        parent_id=question_id,
        metadata=metadata,
        now=change.now,
    )
    await tree.show(change.tx, change.user_id, row.chat_id, row.message_id)
    await chats.show(change.tx, change.user_id, row.chat_id, row.message_id, now=change.now)
    stored = StoredMessage(row.message_id, question_id, "assistant", [], metadata, committed=False)
    return metadata | {"versions": await history.versions_of(change.tx, change.user_id, row.chat_id, stored)}


async def _parent_of_question(change: Change, row: StreamRow) -> str | None:
    beside = row.request.get("beside")
    if beside is not None:
        other = await messages.parent_of(change.tx, change.user_id, row.chat_id, beside)
        parent_id: str | None = None if other is None else other["parent_id"]
        return parent_id
    chat = await chats.get(change.tx, change.user_id, row.chat_id)
    return None if chat is None else chat.leaf_id


def new_id_of(request: Mapping[str, Any]) -> str | None:
    """The id that a waiting stream's question will have; None when it brings none."""
    question = request.get("question")
    return None if question is None else str(question["id"])
