"""What the AI SDK's own socket asks for, in terms of the commands that everybody else sends."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import asdict, replace

from app.commands.reply import Caller, Reply
from app.commands.table import Commands
from app.store import messages, streams
from app.store.messages import StoredMessage
from app.store.queries import Queries
from app.store.streams import StreamRow
from app.streams import placing
from app.streams.registry import Registry
from app.streams.stream import Stream
from protocol.ai_sdk import Asked
from protocol.errors import Refusal
from protocol.frames.client import Generating, MessageEdit, MessageRegenerate, MessageSend
from protocol.frames.objects import Question
from protocol.lifecycle import TERMINAL
from protocol.parts.clean import clean_text


class StockChats:
    """Carries out the requests of the vendor's class; the server's history is the truth, whatever a page sends.

    Args:
        database: knows what is stored already.
        commands: carry out everything that changes something.
        registry: finds answers.
        new_id: makes the id of a question that stands beside an edited one.
    """

    def __init__(self, database: Queries, commands: Commands, registry: Registry, new_id: Callable[[], str]) -> None:
        self._database = database
        self._commands = commands
        self._registry = registry
        self._new_id = new_id

    async def ask(self, caller: Caller, asked: Asked) -> Reply:
        """Start an answer, or find the one that is there already (`duplicate`).

        A question whose id is stored is not asked again: its answer is followed from the start. It is an edit when
        the page says that it is and the words are others.

        Raises:
            Refusal: neither can be.
        """
        if asked.trigger == "regenerate-message":
            return await self._regenerate(caller, asked)
        known = await self._known(caller, asked)
        if known is not None:
            return known
        try:
            return await self._commands.run(caller, asked.command)
        except Refusal as refusal:
            # The same question over two sockets at once: one of them was first.
            if refusal.code != "message_conflict" or (known := await self._known(caller, asked)) is None:
                raise
            return known

    async def resume(self, user_id: str, chat_id: str, cut: str | None) -> Stream | None:
        """Find what is being written in a chat, or is about to be.

        Args:
            user_id: whose chat.
            chat_id: the chat.
            cut: a stream that may have ended while this page's socket was gone; its end is news to the page.
        """
        rows = await streams.unfinished_of_chat(self._database, user_id, chat_id)
        running = next((row for row in rows if row.status != "queued"), rows[0] if rows else None)
        if running is not None:
            return await self._registry.find(user_id, running.stream_id)
        try:
            return None if cut is None else await self._registry.find(user_id, cut)
        except Refusal:
            return None  # its chat is deleted, or its log is gone

    async def _known(self, caller: Caller, asked: Asked) -> Reply | None:
        """The answer to a question that was asked before; None when it was not."""
        question, chat_id = asked.command.message, asked.command.chat_id
        stored = await messages.get(self._database, caller.user_id, chat_id, question.id)
        if stored is None:
            row = await self._waiting(caller.user_id, chat_id, question.id)
            return None if row is None else await self._attach(caller, row)
        if stored.role == "user" and asked.message_id == question.id and _differs(stored, question):
            return await self._edit(caller, asked.command)
        row = await self._newest(caller.user_id, chat_id, stored)
        if asked.has_answer and row.status in TERMINAL:
            return Reply({}, duplicate=True)
        return await self._attach(caller, row)

    async def _edit(self, caller: Caller, command: MessageSend) -> Reply:
        anew = replace(command.message, id=self._new_id())
        return await self._commands.run(
            caller, MessageEdit(**_shared(command), message_id=command.message.id, message=anew)
        )

    async def _regenerate(self, caller: Caller, asked: Asked) -> Reply:
        """Write another version of the answer that is named, or else of the one to the last question.

        A question that never arrived is asked now: pages offer to try again after an error, whatever failed.
        """
        command = asked.command
        named = await self._named(caller, asked)
        question = named or await messages.get(self._database, caller.user_id, command.chat_id, command.message.id)
        if question is None:
            return await self._commands.run(caller, command)
        answer_id = question.message_id
        if question.role == "user":
            answer_id = (await self._newest(caller.user_id, command.chat_id, question)).message_id
        return await self._commands.run(caller, MessageRegenerate(**_shared(command), message_id=answer_id))

    async def _named(self, caller: Caller, asked: Asked) -> StoredMessage | None:
        if asked.message_id is None:
            return None
        return await messages.get(self._database, caller.user_id, asked.command.chat_id, asked.message_id)

    async def _waiting(self, user_id: str, chat_id: str, question_id: str) -> StreamRow | None:
        rows = await streams.unfinished_of_chat(self._database, user_id, chat_id)
        return next((row for row in rows if placing.new_id_of(row.request) == question_id), None)

    async def _newest(self, user_id: str, chat_id: str, question: StoredMessage) -> StreamRow:
        """The stream of the newest answer to a question."""
        below = await messages.siblings(self._database, user_id, chat_id, [question.message_id])
        answers = [each.message_id for each in below if each.role == "assistant"]
        row = await streams.of_message(self._database, user_id, chat_id, answers[-1]) if answers else None
        if row is None:
            raise Refusal("message_conflict", param="$.messages")
        return row

    async def _attach(self, caller: Caller, row: StreamRow) -> Reply:
        stream = await self._registry.find(caller.user_id, row.stream_id)
        return Reply({}, duplicate=True, subscribe=(stream, 0))


def _shared(command: Generating) -> dict[str, Any]:
    """What all commands that start an answer have in common."""
    fields = asdict(command)
    return {name: fields[name] for name in Generating.__struct_fields__}


def _differs(stored: StoredMessage, question: Question) -> bool:
    """Whether a question has other words, or another number of files, than the one that is stored."""
    words = [part.get("text") for part in stored.parts if part["type"] == "text"]
    given = [clean_text(str(part.get("text"))) for part in question.parts if part.get("type") == "text"]
    return words != given or len(stored.parts) != len(question.parts)
