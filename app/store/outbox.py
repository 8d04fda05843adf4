"""The transactional outbox: facts and the events that tell of them change together, or not at all.

Every fact a sidebar shows changes in a `Change`. Its first statement locks the user's row, so that the changes of
one user follow each other and offsets are committed in order, without gaps, on both databases (guarantee 20), and
no two changes can deadlock. Its last statements write the events. Only after the commit is anything announced
(guarantee 24), so a lost announcement costs time, never a fact. While the lock is held nothing slow happens: no
model, no socket, no Redis.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from app.clock import Clock
from app.store import chats, commands, events
from app.store.commands import Receipt
from app.store.engine import Database, Transaction
from app.store.events import Head, StoredEvent
from app.store.queries import batches, to_text
from protocol.codec import to_json
from protocol.errors import Refusal
from protocol.frames.client import Command
from protocol.frames.objects import DashboardChat
from protocol.frames.server import EventName

# Chats read and bumped by one statement; nearly every change is about one.
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Committed:
    """What a change committed: the newest events of this user's log."""

    user_id: str
    events: Sequence[StoredEvent]


@dataclass(slots=True)
class _Draft:
    name: EventName
    source_client_id: str | None
    chat_id: str | None
    data: dict[str, Any] = field(default_factory=dict)


class Change:
    """One transaction that changes facts of one user.

    Attributes:
        tx: where its statements run.
        user_id: whose facts.
        now: Unix time of the change, in milliseconds.
    """

    __slots__ = ("_drafts", "_head", "_keep", "now", "tx", "user_id")

    def __init__(self, tx: Transaction, user_id: str, head: Head, *, now: int, keep: int) -> None:
        self.tx = tx
        self.user_id = user_id
        self.now = now
        self._head = head
        self._keep = keep
        self._drafts: list[_Draft] = []

    def tell(self, name: EventName, *, source: str | None, chat_id: str | None = None, **data: Any) -> None:
        """Add an event; one about a chat carries the whole chat, as it is when the change commits.

        Args:
            name: the event's name.
            source: the client whose command is the cause; None when no command is.
            chat_id: the chat it is about; its version rises.
            data: the event's other fields, in camelCase; None is left out.
        """
        fields = {key: to_json(value) for key, value in data.items() if value is not None}
        self._drafts.append(_Draft(name, source, chat_id, fields))

    async def receipt(self, command: Command) -> Receipt | None:
        """Find what this command answered when it was carried out before (guarantee 3)."""
        return await commands.receipt(self.tx, self.user_id, command)

    async def remember(self, command: Command, result: dict[str, Any]) -> None:
        """Write down what this command answers, so that a repeat answers the same."""
        await commands.remember(self.tx, self.user_id, command, result, now=self.now)

    async def version_of(self, chat_id: str) -> int:
        """Read the version a chat will have once this change is committed, with what was told of it so far."""
        told = any(draft.chat_id == chat_id for draft in self._drafts)
        return await chats.version(self.tx, self.user_id, chat_id) + int(told)

    async def write_events(self) -> Committed:
        """Write the events; the last statements of the transaction."""
        touched = list(dict.fromkeys(draft.chat_id for draft in self._drafts if draft.chat_id is not None))
        shown: dict[str, DashboardChat] = {}
        for batch in batches(touched, _AT_ONCE):
            await chats.bump(self.tx, self.user_id, batch)
            shown |= await chats.dashboard(self.tx, self.user_id, batch)
        stored = [
            self._stored(draft, offset, shown) for offset, draft in enumerate(self._drafts, start=self._head.offset + 1)
        ]
        if stored:
            await events.append(self.tx, self.user_id, stored, keep=self._keep)
        return Committed(self.user_id, stored)

    def _stored(self, draft: _Draft, offset: int, shown: dict[str, DashboardChat]) -> StoredEvent:
        data = dict(draft.data)
        if draft.chat_id is not None:
            about: dict[str, Any] = {"chatId": draft.chat_id}
            if draft.chat_id in shown:
                about["chat"] = to_json(shown[draft.chat_id])
            data = about | data
        return StoredEvent(offset, draft.name, self.now, draft.source_client_id, to_text(data))


class Outbox:
    """Opens changes, and announces what they committed.

    Args:
        database: where facts live.
        clock: stamps the changes.
        announce: a plain function that is told of every commit with events; it must not fail.
        keep: how many of a user's newest events stay.
    """

    def __init__(self, database: Database, clock: Clock, announce: Callable[[Committed], None], *, keep: int) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._keep = keep

    @asynccontextmanager
    async def change(self, user_id: str) -> AsyncIterator[Change]:
        """Begin a change of one user's facts; it commits at the end of the block, and any exception undoes all of it.

        Raises:
            Refusal: `session_revoked`, when the user is gone.
        """
        async with self._database.transaction() as tx:
            head = await events.lock(tx, user_id)
            if head is None:
                raise Refusal("session_revoked")
            change = Change(tx, user_id, head, now=self._clock.now_ms(), keep=self._keep)
            yield change
            committed = await change.write_events()
        if committed.events:
            self._announce(committed)
