"""A user's event log in memory, and sockets that read it, for the tests of the hub."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from app.realtime.feed import Feed, frame_of
from app.realtime.hub import Hub
from app.store.errors import StoreUnavailable
from app.store.events import StoredEvent
from app.store.outbox import Committed
from app.store.queries import Row
from protocol.frames.objects import EventPosition

_COLUMNS = ("event_offset", "name", "time", "source_client_id", "data")


class Log:
    """The event log of user `u`, as the queries of `app.store.events` see it."""

    def __init__(self, head: int = 0) -> None:
        self.events = [stored(offset) for offset in range(1, head + 1)]
        self.trimmed = 0  # events up to here are gone
        self.lost: set[int] = set()  # and these
        self.gate: asyncio.Event | None = None
        self.away = False
        self.reads = 0

    @property
    def head(self) -> int:
        return len(self.events)

    def commit(self, count: int = 1) -> Committed:
        before = self.head
        self.events += [stored(before + n) for n in range(1, count + 1)]
        return Committed("u", self.events[before:])

    async def fetch_all(self, sql: str, values: Mapping[str, Any] = {}) -> Sequence[Row]:
        self.reads += 1
        if self.away:
            raise StoreUnavailable("away")
        rows: list[Row]
        if "FROM users" in sql:
            user_ids = values.get("user_ids", [values.get("user_id")])
            rows = [{"user_id": "u", "epoch": "e", "head": self.head}] if "u" in user_ids else []
        else:
            names = [name for name in values if name.startswith("offset")]  # one for each position that is asked about
            rows = [
                {"place": place} | dict(zip(_COLUMNS, event, strict=True))
                for place, name in enumerate(names)
                for event in self.events[max(self.trimmed, values[name]) :][: values["limit"]]
                if event.offset not in self.lost
            ]
        if self.gate is not None:
            await self.gate.wait()  # the rows are read; their reader hears of it later
        return rows

    async def fetch_one(self, sql: str, values: Mapping[str, Any] = {}) -> Row | None:
        rows = await self.fetch_all(sql, values)
        return rows[0] if rows else None

    async def execute(self, sql: str, values: Mapping[str, Any] = {}) -> None:
        raise AssertionError("the hub only reads")


def stored(offset: int) -> StoredEvent:
    return StoredEvent(offset, "chat.updated", offset, None, "{}")


class Tab:
    """A socket that reads its events whenever it is flushed."""

    def __init__(self) -> None:
        self.feed: Feed | None = None
        self.offset = 0
        self.got: list[bytes | None] = []
        self.shows: str | None = None

    async def join(self, hub: Hub) -> Feed:
        self.feed = await hub.join("u", self)
        self.offset = self.feed.head
        return self.feed

    def flush(self) -> None:
        while self.feed is not None and self.offset < self.feed.head:
            self.got.append(self.feed.read(self.offset))
            self.offset = self.offset + 1 if self.got[-1] is not None else self.feed.head

    def has_events(self, offset: int) -> bool:
        return self.feed is not None and self.offset >= offset

    def watches(self, chat_id: str) -> bool:
        return chat_id == self.shows


class Slow(Tab):
    """A socket whose window is shut."""

    def flush(self) -> None: ...


def frames(first: int, last: int) -> list[bytes]:
    return [frame_of(stored(offset)) for offset in range(first, last + 1)]


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def recovered(hub: Hub, feed: Feed, offset: int, epoch: str = "e") -> bool:
    """Whether a client at this offset can have every event since."""
    return await hub.recover("u", feed, EventPosition(epoch=epoch, offset=offset))
