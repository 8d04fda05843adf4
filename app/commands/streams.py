"""`stream.subscribe`, `stream.unsubscribe` and `stream.stop`."""

from typing import Any

from app.commands.reply import Caller, Reply, Table
from app.store import commands, streams
from app.store.errors import StoreUnavailable
from app.store.outbox import Change, Outbox
from app.store.streams import StreamRow
from app.streams import ledger
from app.streams.owners import Owners
from app.streams.registry import Registry
from app.streams.supervisor import Supervisor
from protocol.errors import Refusal
from protocol.frames.client import StreamStop, StreamSubscribe, StreamUnsubscribe

# How long a stop waits for the command it stops (guarantee 15).
EARLY_STOP_MS = 60_000


class Streams:
    """The commands about streams.

    Args:
        outbox: where a stop is written down.
        registry: finds streams.
        supervisor: stops those that run here while the database is away.
        owners: stops all others.
    """

    def __init__(self, outbox: Outbox, registry: Registry, supervisor: Supervisor, owners: Owners) -> None:
        self._outbox = outbox
        self._registry = registry
        self._owners = owners
        self._supervisor = supervisor

    def table(self) -> Table:
        """The commands carried out here."""
        return {
            StreamSubscribe: self.subscribe,
            StreamUnsubscribe: self.unsubscribe,
            StreamStop: self.stop,
        }

    async def subscribe(self, caller: Caller, command: StreamSubscribe) -> Reply:
        """Follow a stream after a position (guarantees 10 and 11)."""
        caller.check_room(command.stream_id)
        stream = await self._registry.find_at(caller.user_id, command.stream_id, command.after, param="$.after")
        result = {
            "streamId": stream.stream_id,
            "chatId": stream.chat_id,
            "messageId": stream.message_id,
            "status": stream.status,
            "seq": stream.head,
        }
        return Reply(result, subscribe=(stream, command.after))

    async def unsubscribe(self, caller: Caller, command: StreamUnsubscribe) -> Reply:
        """Stop following a stream; it runs on (guarantee 14)."""
        await self._registry.find(caller.user_id, command.stream_id)
        return Reply({}, unsubscribe=command.stream_id)

    async def stop(self, caller: Caller, command: StreamStop) -> Reply:
        """End an answer and keep what was shown of it (guarantees 15 and 16)."""
        if sum(name is not None for name in (command.stream_id, command.command_id, command.chat_id)) != 1:
            raise Refusal("invalid_argument", "Name exactly one of `streamId`, `commandId` and `chatId`.", param="$")
        try:
            return await self._stop(caller, command)
        except StoreUnavailable:
            # Money and patience run out while the database is away: halt what runs here all the same. The command is
            # refused, so the client repeats it, and the repeat finds the stream ended.
            self._halt_known(caller, command)
            raise

    async def _stop(self, caller: Caller, command: StreamStop) -> Reply:
        async with self._outbox.change(caller.user_id) as change:
            if (receipt := await change.receipt(command)) is not None:
                return Reply(receipt.result, duplicate=True)
            row = await _target(change, command)
            result = await _note(change, caller, command, row)
            await change.remember(command, result)
        if row is not None and row.status == "queued":
            self._registry.withdraw(row, now=change.now)
        elif row is not None:
            self._owners.halt(row)
        return Reply(result)

    def _halt_known(self, caller: Caller, command: StreamStop) -> None:
        stream = self._registry.get(command.stream_id or "")
        if stream is not None and stream.user_id == caller.user_id:
            self._supervisor.halt(stream.stream_id, "stop")
        if command.chat_id is not None:
            self._supervisor.halt_chat(caller.user_id, command.chat_id)


async def _note(change: Change, caller: Caller, command: StreamStop, row: StreamRow | None) -> dict[str, Any]:
    """Write the stop down and say what it meets."""
    if row is None:
        expires_at = change.now + EARLY_STOP_MS
        await commands.stop_early(change.tx, change.user_id, str(command.command_id), expires_at=expires_at)
        return {"status": "stopping"}
    return {"streamId": row.stream_id, "status": await ledger.stop(change, row, source=caller.client_id)}


async def _target(change: Change, command: StreamStop) -> StreamRow | None:
    """Find what is to be stopped; None when it is a command that has not come yet.

    Raises:
        Refusal: `not_found`.
    """
    if command.command_id is not None:
        return await streams.by_command(change.tx, change.user_id, command.command_id)
    if command.stream_id is not None:
        row = await streams.get(change.tx, change.user_id, command.stream_id)
    else:
        chat_id = str(command.chat_id)
        row = await streams.active_of_chat(change.tx, change.user_id, chat_id)
        row = row or await streams.last_of_chat(change.tx, change.user_id, chat_id)
    if row is None:
        raise Refusal("not_found", "There is nothing to stop under that id.")
    return row
