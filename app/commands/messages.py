"""`message.*`: what is answered, anew or once more, and which version of it is shown."""

from app.commands.accepting import Accepting
from app.commands.attaching import Attaching
from app.commands.content import checked
from app.commands.reply import Caller, Reply, Table
from app.store import chats, messages, projects, streams, tree
from app.store.chats import Chat
from app.store.messages import StoredMessage
from app.store.outbox import Change, Outbox
from app.streams.placing import Place
from app.streams.titles import provisional, words_for
from protocol.errors import Refusal
from protocol.frames.client import (
    Generating,
    MessageEdit,
    MessageRegenerate,
    MessageRetry,
    MessageSelect,
    MessageSend,
)
from protocol.frames.objects import Question


class Messages:
    """The commands about messages.

    Args:
        accepting: the rules that all generating commands share.
        attaching: finds the files of questions.
        outbox: where a choice of version is written down.
    """

    def __init__(self, accepting: Accepting, attaching: Attaching, outbox: Outbox) -> None:
        self._accepting = accepting
        self._attaching = attaching
        self._outbox = outbox

    def table(self) -> Table:
        """The commands carried out here."""
        return {
            MessageSend: self.send,
            MessageEdit: self.edit,
            MessageRegenerate: self.regenerate,
            MessageRetry: self.retry,
            MessageSelect: self.select,
        }

    async def send(self, caller: Caller, command: MessageSend) -> Reply:
        """Ask a question at the end of what is shown."""
        draft = await self._attaching.stored(caller.user_id, checked(command.message))

        async def place(change: Change) -> Place:
            question = await self._attaching.found(change, draft)
            await _open_chat(change, caller, command, question)
            return Place.of(question)

        return await self._accepting.accept(caller, command, place)

    async def edit(self, caller: Caller, command: MessageEdit) -> Reply:
        """Ask a question anew beside the old one."""
        draft = await self._attaching.stored(caller.user_id, checked(command.message))

        async def place(change: Change) -> Place:
            old = await _message(change, await _chat(change, command.chat_id), command.message_id)
            if old.role != "user":
                raise Refusal("invalid_argument", "Only a question can be edited.", param="$.messageId")
            return Place.of(await self._attaching.found(change, draft), beside=old.message_id)

        return await self._accepting.accept(caller, command, place)

    async def regenerate(self, caller: Caller, command: MessageRegenerate) -> Reply:
        """Write another version of an answer."""

        async def place(change: Change) -> Place:
            return await _once_more(change, command, await _answer(change, command, command.message_id))

        return await self._accepting.accept(caller, command, place)

    async def retry(self, caller: Caller, command: MessageRetry) -> Reply:
        """Try an answer again that did not come to its end."""

        async def place(change: Change) -> Place:
            answer = await _answer(change, command, command.message_id)
            if not answer.committed:
                raise await _still_written(change, command.chat_id)
            if answer.metadata["status"] == "completed":
                raise Refusal(
                    "invalid_argument",
                    "This answer is complete; regenerate it to get another version.",
                    param="$.messageId",
                )
            return await _once_more(change, command, answer)

        return await self._accepting.accept(caller, command, place)

    async def select(self, caller: Caller, command: MessageSelect) -> Reply:
        """Show the branch through a message, down to what was shown last below it, on every device."""
        async with self._outbox.change(caller.user_id) as change:
            if (receipt := await change.receipt(command)) is not None:
                return Reply(receipt.result, duplicate=True)
            chat = await _chat(change, command.chat_id)
            chosen = await _message(change, chat, command.message_id)
            leaf_id = await tree.leaf_below(change.tx, change.user_id, chat.chat_id, chosen.message_id)
            if leaf_id != chat.leaf_id:
                await tree.show(change.tx, change.user_id, chat.chat_id, leaf_id)
                await chats.turn(change.tx, change.user_id, chat.chat_id, leaf_id)
                change.tell("chat.updated", source=caller.client_id, chat_id=chat.chat_id)
            await change.remember(command, {})
        return Reply({})


async def _open_chat(change: Change, caller: Caller, command: MessageSend, question: Question) -> None:
    """Find the chat, or create it under the id the client chose."""
    chat = await chats.get(change.tx, change.user_id, command.chat_id)
    if chat is not None and chat.deleted:
        raise Refusal("not_found", "This chat was deleted.", param="$.chatId")
    if chat is not None:
        return
    if command.project_id is not None and not await projects.exists(change.tx, change.user_id, command.project_id):
        raise Refusal("not_found", "There is no such project.", param="$.projectId")
    title = provisional(words_for(question.parts))
    await chats.create(
        change.tx, change.user_id, command.chat_id, title=title, project_id=command.project_id, now=change.now
    )
    change.tell("chat.created", source=caller.client_id, chat_id=command.chat_id)


async def _chat(change: Change, chat_id: str) -> Chat:
    """Find a chat that is there.

    Raises:
        Refusal: `not_found`.
    """
    chat = await chats.get(change.tx, change.user_id, chat_id)
    if chat is None or chat.deleted:
        raise Refusal("not_found", "There is no such chat.", param="$.chatId")
    return chat


async def _message(change: Change, chat: Chat, message_id: str) -> StoredMessage:
    """Find a message of this chat, on whichever branch.

    Raises:
        Refusal: `not_found`.
    """
    found = await messages.get(change.tx, change.user_id, chat.chat_id, message_id)
    if found is None:
        raise Refusal("not_found", "There is no such message in this chat.", param="$.messageId")
    return found


async def _answer(change: Change, command: Generating, message_id: str | None) -> StoredMessage:
    """Find the answer that a command names, or else the last one that is shown."""
    chat = await _chat(change, command.chat_id)
    wanted = message_id or chat.leaf_id
    if wanted is None:
        raise Refusal("not_found", "There is no answer in this chat yet.", param="$.chatId")
    found = await _message(change, chat, wanted)
    if found.role != "assistant":
        raise Refusal("invalid_argument", "That message is a question; name one of its answers.", param="$.messageId")
    return found


async def _once_more(change: Change, command: Generating, answer: StoredMessage) -> Place:
    """One more answer to the question of this one."""
    question_id = str(answer.parent_id)
    question = await messages.get(change.tx, change.user_id, command.chat_id, question_id)
    text = "" if question is None else words_for(question.parts)
    return Place(question_id, text, model=answer.metadata.get("model"))


async def _still_written(change: Change, chat_id: str) -> Refusal:
    active = await streams.active_of_chat(change.tx, change.user_id, chat_id)
    details = None if active is None else {"streamId": active.stream_id}
    return Refusal("stream_active", "This answer is still being written.", details=details)
