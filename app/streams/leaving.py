"""Deletes a user with everything they have, a step at a time, so that nobody waits long for the one writer of SQLite.

What was promised ends first: nobody may be left who writes for somebody who is gone. Then chats go, some at a time,
then files, and with the last the user, to whom every other row belongs. Whoever dies between two steps leaves a user
with fewer chats, and a deletion that can be asked for again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.store import chats, files, streams, users
from app.store.outbox import Change, Outbox
from app.store.streams import StreamRow
from app.streams import ledger

# About 10 ms of chats of ordinary length, and of files.
CHATS_AT_ONCE = 50
FILES_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did.

    Args:
        withdrawn: streams that waited, and now never start.
        running: streams that must end before the next step.
        now: when, in Unix milliseconds.
    """

    withdrawn: Sequence[StreamRow]
    running: Sequence[StreamRow]
    now: int


async def step(outbox: Outbox, user_id: str) -> Step | None:
    """Take the next step; None when it was the last, and the user is gone.

    Raises:
        Refusal: `session_revoked`, when the user was gone before.
    """
    async with outbox.change(user_id) as change:
        unfinished = await streams.active_of_user(change.tx, user_id)
        for row in unfinished:
            if row.status == "queued":
                await ledger.withdraw(change, row)
            else:
                await streams.mark_stopping(change.tx, row.stream_id)
        if not unfinished and not await _discard(change):
            await users.delete(change.tx, user_id)
            return None
    waiting = [row for row in unfinished if row.status == "queued"]
    return Step(waiting, [row for row in unfinished if row not in waiting], change.now)


async def _discard(change: Change) -> bool:
    """Delete some of what is left; say whether there was anything."""
    if await chats.discard(change.tx, change.user_id, limit=CHATS_AT_ONCE):
        return True
    return await files.discard(change.tx, change.user_id, limit=FILES_AT_ONCE)
