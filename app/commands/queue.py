"""`queue.update`: what waits in a chat, seen and arranged from any tab."""

from app.commands.reply import Caller, Reply, Table
from app.store import chats, queue, streams
from app.store.outbox import Change, Outbox
from app.store.streams import StreamRow
from app.streams import ledger
from app.streams.quota import Quota
from app.streams.registry import Registry
from app.streams.supervisor import Supervisor
from protocol.errors import Refusal
from protocol.frames.client import QueueUpdate


class Queue:
    """The command about waiting questions.

    Args:
        outbox: where the queue changes.
        registry: ends the streams that are taken out of it.
        supervisor: runs those whose turn has come.
        node: this node, which owns what starts here.
        quota: how much one user may have.
    """

    def __init__(self, outbox: Outbox, registry: Registry, supervisor: Supervisor, *, node: str, quota: Quota) -> None:
        self._outbox = outbox
        self._registry = registry
        self._supervisor = supervisor
        self._node = node
        self._quota = quota

    def table(self) -> Table:
        """The commands carried out here."""
        return {QueueUpdate: self.update}

    async def update(self, caller: Caller, command: QueueUpdate) -> Reply:
        """Take questions out, put some first, hold up the rest or let it go on."""
        if command.remove is None and command.order is None and command.paused is None:
            raise Refusal("invalid_argument", "Say what to change: `remove`, `order` or `paused`.", param="$")
        async with self._outbox.change(caller.user_id) as change:
            if (receipt := await change.receipt(command)) is not None:
                return Reply(receipt.result, duplicate=True)
            await _check_there(change, command.chat_id)
            removed = await _remove(change, command)
            if await _arrange(change, command):
                change.tell("chat.updated", source=caller.client_id, chat_id=command.chat_id)
            started = []
            if not self._supervisor.draining:
                started = await ledger.start_waiting(change, node=self._node, quota=self._quota)
            result = {"version": await change.version_of(command.chat_id)}
            await change.remember(command, result)
        for row in removed:
            self._registry.withdraw(row, now=change.now)
        for generation in started:
            self._supervisor.launch(generation)
        return Reply(result)


async def _check_there(change: Change, chat_id: str) -> None:
    chat = await chats.get(change.tx, change.user_id, chat_id)
    if chat is None or chat.deleted:
        raise Refusal("not_found", "There is no such chat.", param="$.chatId")


async def _remove(change: Change, command: QueueUpdate) -> list[StreamRow]:
    """Take questions out of the queue; one that has begun or ended meanwhile is left alone."""
    unwanted = frozenset(command.remove or ())
    if not unwanted:
        return []
    here = await streams.unfinished_of_chat(change.tx, change.user_id, command.chat_id)
    removed = [row for row in here if row.status == "queued" and row.command_id in unwanted]
    for row in removed:
        await ledger.withdraw(change, row)
    return removed


async def _arrange(change: Change, command: QueueUpdate) -> bool:
    """Order the queue and pause it or let it go on; say whether anything is different now."""
    place = (change.tx, change.user_id, command.chat_id)
    moved = command.order is not None and await queue.reorder(*place, command.order)
    if command.paused is None:
        return moved
    return await (queue.pause if command.paused else queue.resume)(*place) or moved
