"""`chat.seen`: what a person has looked at is no longer new, on any device."""

from app.commands.reply import Caller, Reply, Table
from app.store import chats, messages, tree
from app.store.outbox import Change, Outbox
from protocol.errors import Refusal
from protocol.frames.client import ChatSeen


class Seeing:
    """The command that clears the mark of an unseen answer.

    Args:
        outbox: where the mark changes.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def table(self) -> Table:
        """The commands carried out here."""
        return {ChatSeen: self.see}

    async def see(self, caller: Caller, command: ChatSeen) -> Reply:
        """Take the mark from a chat whose newest answer was seen (guarantee 26).

        Whoever names an older message has not seen what came behind it: then nothing changes, and nobody is told.
        """
        async with self._outbox.change(caller.user_id) as change:
            if (receipt := await change.receipt(command)) is not None:
                return Reply(receipt.result, duplicate=True)
            if await _is_newest(change, command) and await chats.see(change.tx, change.user_id, command.chat_id):
                change.tell("chat.seen", source=caller.client_id, chat_id=command.chat_id, messageId=command.message_id)
            await change.remember(command, {})
        return Reply({})


async def _is_newest(change: Change, command: ChatSeen) -> bool:
    """Whether no answer that is shown ended behind this message.

    Raises:
        Refusal: `not_found`.
    """
    chat = await chats.get(change.tx, change.user_id, command.chat_id)
    if chat is None or chat.deleted:
        raise Refusal("not_found", "There is no such chat.", param="$.chatId")
    if chat.leaf_id is not None:
        newest = await tree.newest(change.tx, change.user_id, chat.chat_id, chat.leaf_id)
        if command.message_id in newest:
            return True
    if await messages.parent_of(change.tx, change.user_id, chat.chat_id, command.message_id) is None:
        raise Refusal("not_found", "There is no such message in this chat.", param="$.messageId")
    return False
