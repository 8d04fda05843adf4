"""A whole node without sockets, over a real SQLite store: what a test of commands and streams needs.

Time on the wall is moved by hand (`pass_ms`); the tick is real, and a millisecond.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import orjson
from argon2 import PasswordHasher

from app.auth.passwords import Passwords
from app.backplane.interface import Journal
from app.backplane.local_broker import LocalBroker
from app.clock import Clock
from app.commands.accepting import Accepting
from app.commands.accounts import Accounts
from app.commands.api_tokens import ApiTokens
from app.commands.attaching import Attaching
from app.commands.chats import Chats
from app.commands.dashboard import Dashboard
from app.commands.filing import Filing
from app.commands.identity import Granted, Identity
from app.commands.leaving import Leaving
from app.commands.messages import Messages
from app.commands.projects import Projects
from app.commands.queue import Queue
from app.commands.reply import Caller, Reply
from app.commands.seeing import Seeing
from app.commands.signing_out import SigningOut
from app.commands.streams import Streams
from app.commands.table import Commands
from app.commands.tools import Tools
from app.commands.uploads import Uploads
from app.ids import Mint
from app.models.catalogue import Catalogue
from app.models.interface import FinishReason, Prompt, Sink
from app.realtime.hub import Hub
from app.realtime.presence import Presences
from app.realtime.seen import Seen
from app.realtime.signed_in import SignedIn
from app.store import events, streams
from app.store.engine import Database
from app.store.outbox import Outbox
from app.store.streams import StreamRow
from app.streams.asking import Asking
from app.streams.calling import Calling
from app.streams.closing import Closing
from app.streams.entitling import Entitling
from app.streams.lease import FolderLease
from app.streams.owners import Owners
from app.streams.ownership import Ownership
from app.streams.quota import Quota
from app.streams.recovery import Recovery
from app.streams.registry import Registry
from app.streams.sealing import Sealing
from app.streams.stream import Stream
from app.streams.supervisor import Supervisor
from app.streams.ticker import Ticker
from app.tools.interface import Tool
from app.tools.toolbox import Toolbox
from protocol.codec import decode_client
from protocol.frames.client import Command
from protocol.limits import Limits
from protocol.parts.chunks import text_delta, text_start
from tests.app.fakes import MemoryJournal, ScriptedModel
from tests.virtual import NOON

_ids = count(1)


class World:
    """One node, as `app.wiring` puts it together."""

    def __init__(
        self,
        store: Database,
        journal: Journal | None = None,
        *,
        limits: Limits | None = None,
        daily_tokens: int = 0,
        tools: Iterable[Tool[Any]] = (),
    ) -> None:
        self.unix = float(NOON)
        self.store = store
        self.limits = limits or Limits()
        self.clock = Clock(monotonic=time.monotonic, unix=lambda: self.unix)
        self.journal = journal or MemoryJournal()
        self.model = ScriptedModel(title="A title")
        self.catalogue = Catalogue([self.model])
        self.registry = Registry(store, self.journal, self.clock, node="n", retention_ms=self.limits.stream_log_ms)
        self.broker = LocalBroker("n")
        self.hub = Hub(store, self.broker, self.registry.release)
        self.outbox = Outbox(store, self.clock, self.hub.committed, keep=self.limits.event_log_events)
        self.mint = Mint()
        self.quota = Quota(self.limits.generations_at_once, daily_tokens, self.limits.generations_per_minute)
        self.ticker = Ticker(self.journal, self.clock, 0.001)
        self.presences = Presences(self.hub, self.broker)
        is_watched = self.presences.is_watched
        self.closing = Closing(store, self.outbox, self.ticker, self.clock, is_watched, node="n", quota=self.quota)
        self.entitling = Entitling(store, self.outbox, self.catalogue)
        self.asking = Asking(store, self.outbox, patience=self.limits.tool_wait_ms / 1000)
        self.toolbox = Toolbox(tools)
        self.calling = Calling(self.toolbox, self.asking, self.mint)
        self.supervisor = Supervisor(
            store,
            self.registry,
            self.ticker,
            self.closing,
            self.entitling,
            self.catalogue,
            self.calling,
            self.clock,
            max_bytes=self.limits.stream_log_bytes,
            file_bytes=self.limits.message_file_bytes,
        )
        self.owners = Owners(store, self.supervisor, self.broker, node="n")
        self.sealing = Sealing(self.journal, self.registry, self.closing, self.clock)
        self.recovery = Recovery(store, self.journal, self.sealing, self.supervisor, node="n")
        self.ownership = Ownership(
            store, self.outbox, FolderLease(), self.supervisor, self.sealing, node="n", quota=self.quota
        )
        self.signed_in = SignedIn(store)
        self.seen = Seen(store, self.signed_in, self.clock)
        self.identity = Identity(store, self.mint, self.clock, self.seen.note, session_days=30)
        self.passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.accounts = Accounts(store, self.identity, self.passwords, self.signed_in, self.clock, registration="open")
        self.signing_out = SigningOut(store, self.signed_in, self.clock)
        self.leaving = Leaving(self.outbox, self.owners, self.registry, self.signed_in)
        self.tokens = ApiTokens(store, self.signed_in, self.mint, self.clock)
        self.accepting = Accepting(
            self.outbox,
            self.supervisor,
            self.owners,
            self.registry,
            self.catalogue,
            self.mint,
            self.quota,
            node="n",
        )
        self.uploads = Uploads(store, self.mint, self.clock, self.limits)
        self.dashboard = Dashboard(store, self.hub, self.catalogue)
        self.commands = Commands(
            [
                Messages(self.accepting, Attaching(self.uploads, self.limits), self.outbox).table(),
                Queue(self.outbox, self.registry, self.supervisor, node="n", quota=self.quota).table(),
                Streams(self.outbox, self.registry, self.supervisor, self.owners).table(),
                Tools(self.outbox, self.asking, self.owners, self.registry, self.toolbox).table(),
                Chats(store, self.registry).table(),
                Filing(self.outbox, self.registry, self.owners).table(),
                Seeing(self.outbox).table(),
                Projects(self.outbox).table(),
                self.dashboard.table(),
            ]
        )

    def pass_ms(self, ms: int) -> None:
        self.unix += ms / 1000

    async def guest(self) -> Caller:
        """A new user."""
        return Caller((await self.granted()).user_id, "client", capabilities=frozenset({"tools"}))

    async def granted(self) -> Granted:
        return await self.identity.guest()

    async def run(self, caller: Caller, kind: str, **fields: Any) -> Reply:
        """Carry out a command as it would come over the wire; the wire's names."""
        return await self.commands.run(caller, command(kind, **fields))

    async def ask(self, caller: Caller, chat_id: str = "c", text: str = "Hello?", **fields: Any) -> dict[str, Any]:
        """Send a question; return the `GenerationResult`."""
        return (await self.run(caller, "message.send", **(sending(chat_id, text) | fields))).result

    async def answered(self, caller: Caller, chat_id: str = "c", text: str = "Hello?", **fields: Any) -> Stream:
        """Send a question and wait for the end of its answer."""
        result = await self.ask(caller, chat_id, text, **fields)
        return await self.ended(result["streamId"])

    async def ended(self, stream_id: str) -> Stream:
        """Wait for the end of a stream and of what its node does behind it."""
        stream = self.registry.get(stream_id)
        assert stream is not None
        watcher = _Watcher()
        stream.readers.add(watcher)
        async with asyncio.timeout(10):
            while not stream.ended:
                await watcher.touched.wait()
                watcher.touched.clear()
        stream.readers.discard(watcher)
        return stream

    async def start(self) -> None:
        """Do what a node does at its start about what an earlier process left."""
        await self.recovery.run()
        await self.ownership.look()

    async def quiet(self) -> None:
        """Wait until nothing runs any more, titles and journal included."""
        assert await self.supervisor._crew.idle(5)
        assert await self.supervisor._titles.idle(5)
        await until(lambda: not any(ticking._moved for ticking in self.ticker._all))

    async def row(self, caller: Caller, stream_id: str) -> StreamRow:
        row = await streams.get(self.store, caller.user_id, stream_id)
        assert row is not None
        return row

    async def history(self, caller: Caller, chat_id: str = "c", **fields: Any) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = (await self.run(caller, "chat.get", chatId=chat_id, **fields)).result[
            "messages"
        ]
        return messages

    async def events(self, caller: Caller) -> list[tuple[str, dict[str, Any]]]:
        """Every event of a user so far: its name and its data."""
        stored = await events.after(self.store, caller.user_id, 0, limit=10_000)
        assert [event.offset for event in stored] == list(range(1, len(stored) + 1))
        return [(event.name, orjson.loads(event.data)) for event in stored]

    def change(self, caller: Caller) -> Any:
        """A change of the user's facts, as an async context manager."""
        return self.outbox.change(caller.user_id)


class _Watcher:
    """A reader who wants to know only that there is something new."""

    def __init__(self) -> None:
        self.touched = asyncio.Event()

    def touch(self, stream_id: str) -> None:
        self.touched.set()

    def flush(self) -> None: ...

    def lose(self, stream_id: str) -> None: ...


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[World]:
    """A world that ticks."""
    world.supervisor.open()
    try:
        yield world
    finally:
        await world.supervisor.close()
        await world.hub.close()


def command(kind: str, **fields: Any) -> Command:
    """A command as the codec reads it."""
    frame = decode_client(orjson.dumps({"type": kind, "id": f"cmd_{next(_ids)}"} | fields))
    assert isinstance(frame, Command)
    return frame


def sending(chat_id: str = "c", text: str = "Hello?") -> dict[str, Any]:
    message = {"id": f"q_{next(_ids)}", "role": "user", "parts": [{"type": "text", "text": text}]}
    return {"chatId": chat_id, "message": message}


async def until(done: Callable[[], bool]) -> None:
    """Wait for something the loop will do, a turn at a time."""
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.0005)


class Held:
    """A script that writes a little, and ends when it is let go."""

    def __init__(self) -> None:
        self.started = 0
        self.gate = asyncio.Event()

    async def __call__(self, _prompt: Prompt, sink: Sink) -> FinishReason:
        self.started += 1
        sink.chunk(text_start("t"))
        sink.chunk(text_delta("t", "so far"))
        await self.gate.wait()
        return "stop"
