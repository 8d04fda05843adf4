"""`chat.create`, `chat.update` and `chat.delete`."""

import asyncio

from app.commands.naming import title_of
from app.commands.reply import Caller, Reply, Table
from app.store import chats, projects, streams
from app.store.outbox import Change, Outbox
from app.store.streams import StreamRow
from app.streams import ledger
from app.streams.generation import STOPPED
from app.streams.owners import Owners
from app.streams.registry import Registry
from app.streams.titles import UNTITLED
from protocol.errors import Refusal
from protocol.frames.client import ChatCommand, ChatCreate, ChatDelete, ChatUpdate

# A stopped answer ends within 3 s (guarantee 16), one whose node died within 10 (guarantee 18).
PATIENCE = 15.0


class Filing:
    """The commands that create, change and delete chats.

    Args:
        outbox: where chats change.
        registry: serves the streams of a chat until it is deleted.
        owners: stop what still runs in it.
    """

    def __init__(self, outbox: Outbox, registry: Registry, owners: Owners) -> None:
        self._outbox = outbox
        self._registry = registry
        self._owners = owners

    def table(self) -> Table:
        """The commands carried out here."""
        return {ChatCreate: self.create, ChatUpdate: self.update, ChatDelete: self.delete}

    async def create(self, caller: Caller, command: ChatCreate) -> Reply:
        """Add an empty chat under the id the client chose."""
        title = title_of(command.title)
        async with self._outbox.change(caller.user_id) as change:
            if (receipt := await change.receipt(command)) is not None:
                return Reply(receipt.result, duplicate=True)
            await _check_free(change, command.chat_id)
            await _check_project(change, command)
            version = await chats.create(
                change.tx,
                change.user_id,
                command.chat_id,
                title=title or UNTITLED,
                title_source="provisional" if title is None else "person",
                project_id=command.project_id or None,
                pinned=bool(command.pinned),
                archived=bool(command.archived),
                now=change.now,
            )
            change.tell("chat.created", source=caller.client_id, chat_id=command.chat_id)
            result = {"version": version}
            await change.remember(command, result)
        return Reply(result)

    async def update(self, caller: Caller, command: ChatUpdate) -> Reply:
        """Rename, move, pin or archive a chat."""
        title = title_of(command.title)
        if all(field is None for field in (title, command.project_id, command.pinned, command.archived)):
            raise Refusal(
                "invalid_argument", "Say what to change: `title`, `projectId`, `pinned` or `archived`.", param="$"
            )
        async with self._outbox.change(caller.user_id) as change:
            if (receipt := await change.receipt(command)) is not None:
                return Reply(receipt.result, duplicate=True)
            await _check_there(change, command.chat_id)
            await _check_project(change, command)
            version = await chats.update(
                change.tx,
                change.user_id,
                command.chat_id,
                title=title,
                project_id=command.project_id,
                pinned=command.pinned,
                archived=command.archived,
            )
            change.tell("chat.updated", source=caller.client_id, chat_id=command.chat_id)
            result = {"version": version}
            await change.remember(command, result)
        return Reply(result)

    async def delete(self, caller: Caller, command: ChatDelete) -> Reply:
        """Stop what runs in a chat, then delete it with everything in it.

        The chat goes only when nothing runs in it any more, so nobody is left who writes into it: the end of its answer
        comes before its own, and an answer that another tab asks for meanwhile is stopped, too. Whoever dies between
        the two leaves a chat whose answer was stopped, and a command that can be sent again.

        Raises:
            Refusal: `not_found`; or `timeout` when its answer cannot be ended now.
        """
        ownerless: frozenset[str] = frozenset()
        while True:
            async with self._outbox.change(caller.user_id) as change:
                if (receipt := await change.receipt(command)) is not None:
                    return Reply(receipt.result, duplicate=True)
                await _check_there(change, command.chat_id)
                unfinished = await streams.unfinished_of_chat(change.tx, change.user_id, command.chat_id)
                if not unfinished:
                    version, gone = await _delete(change, caller, command)
                withdrawn = [row for row in unfinished if row.status == "queued" or row.stream_id in ownerless]
                running = [row for row in unfinished if row not in withdrawn]
                await _note_stops(change, withdrawn, running)
            if not unfinished:
                self._registry.forget(gone)
                return Reply({"version": version})
            for row in withdrawn:
                self._end(row, change.now)
            ownerless = await self._stop(running)

    def _end(self, row: StreamRow, now: int) -> None:
        """Send the end of a stream that nobody runs."""
        stream = self._registry.expect(row)
        if not stream.ended:
            stream.finish(STOPPED.frame(row.stream_id, row.chat_id, row.message_id, stream.log.tail), now=now)

    async def _stop(self, running: list[StreamRow]) -> frozenset[str]:
        """Stop streams and wait for their ends; return those that nobody runs, whatever their rows say."""
        try:
            async with asyncio.timeout(PATIENCE):
                return frozenset([row.stream_id for row in running if not await self._owners.end(row)])
        except TimeoutError:
            raise Refusal("timeout", "The answer in this chat cannot be ended just now. Try again.") from None


async def _note_stops(change: Change, withdrawn: list[StreamRow], running: list[StreamRow]) -> None:
    for row in withdrawn:
        await ledger.withdraw(change, row)
    for row in running:
        await streams.mark_stopping(change.tx, row.stream_id)


async def _delete(change: Change, caller: Caller, command: ChatDelete) -> tuple[int, list[str]]:
    version, gone = await chats.delete(change.tx, change.user_id, command.chat_id, now=change.now)
    change.tell("chat.deleted", source=caller.client_id, chatId=command.chat_id, version=version)
    await change.remember(command, {"version": version})
    return version, gone


async def _check_there(change: Change, chat_id: str) -> None:
    chat = await chats.get(change.tx, change.user_id, chat_id)
    if chat is None or chat.deleted:
        raise Refusal("not_found", "There is no such chat.", param="$.chatId")


async def _check_free(change: Change, chat_id: str) -> None:
    chat = await chats.get(change.tx, change.user_id, chat_id)
    if chat is None:
        return
    if chat.deleted:
        raise Refusal("not_found", "This chat was deleted; its id cannot be used again yet.", param="$.chatId")
    raise Refusal("message_conflict", "You have a chat with this id; change it instead.", param="$.chatId")


async def _check_project(change: Change, command: ChatCommand) -> None:
    wanted = command.project_id
    if wanted and not await projects.exists(change.tx, change.user_id, wanted):
        raise Refusal("not_found", "There is no such project.", param="$.projectId")
