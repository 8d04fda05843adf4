"""A chat client as a phone has one, on the pure core of `protocol/client`. To be read from top to bottom.

What is different on a phone, and what to do about it:

- **The link is flaky.** The core knows when to open the next socket and what to say first: its `hello` names the last
  chunk and the last event that were applied, and exactly the rest comes. A person sees a pause.
- **The app goes to the background**, and its sockets die without a word. `background` tells the core nothing, because
  nothing can be done; `foreground` says that they are gone and that somebody waits.
- **The process dies** whenever the system likes. So a question is written down *before* it is sent, with its id, and is
  sent again, with the same id, until it was answered: one effect, whatever was lost (guarantee 3; after a day, when the
  id of the command is forgotten, that of the message sees to it). Of an answer only the name is kept: reading it again
  from 0 brings one merged frame, which is cheaper than keeping pieces.
- **Signed in with a token that expires.** `sign_in` is asked before each socket, and once more when the server says
  that the token is about to expire: `auth.refresh` puts the new one on the live socket.

The core does no I/O and reads no clock. `Phone` gives it both: sockets (`_link`), one timer (`_arm`), and the disk.
"""

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from websockets import ConnectionClosed, Subprotocol, WebSocketException
from websockets.asyncio.client import ClientConnection as WebSocket
from websockets.asyncio.client import connect
from websockets.asyncio.connection import broadcast

from protocol.client import (
    Answered,
    ClientConnection,
    Close,
    Connect,
    Dashboard,
    Lost,
    Notice,
    Refreshed,
    Refused,
    Send,
    Stopped,
)  # fmt: skip
from protocol.codec import decode_client, encode
from protocol.frames.client import AuthRefresh, MessageSend
from protocol.frames.objects import Question
from protocol.frames.server import AuthExpiring, Event, StreamChunk, StreamEnd
from protocol.ids import uuid7
from protocol.parts.fold import Fold

SignIn = Callable[[], Awaitable[str]]


def new_id() -> str:
    """A fresh id; it must never come twice, so it is no counter."""
    return uuid7(time.time_ns() // 1_000_000, os.urandom(10))


class Disk:
    """What outlives the process: questions without an answer to their sending, and answers without an end."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.execute("CREATE TABLE IF NOT EXISTS outbox (id TEXT PRIMARY KEY, frame BLOB)")
        self._file.execute("CREATE TABLE IF NOT EXISTS growing (stream_id TEXT PRIMARY KEY)")

    def keep(self, command: MessageSend) -> None:
        """Write a question down; from here on it is the phone's word that it will be asked."""
        self._file.execute("INSERT INTO outbox VALUES (?, ?)", (command.id, encode(command)))

    def unsent(self) -> list[MessageSend]:
        """The questions nobody has taken yet, oldest first."""
        frames = [decode_client(row[0]) for row in self._file.execute("SELECT frame FROM outbox ORDER BY rowid")]
        return [frame for frame in frames if isinstance(frame, MessageSend)]

    def taken(self, command_id: str, stream_id: str | None) -> None:
        """A question was taken (or refused: then no stream answers it). Both in one step, or a crash loses one."""
        self._file.execute("BEGIN")
        self._file.execute("DELETE FROM outbox WHERE id = ?", (command_id,))
        if stream_id is not None:
            self._file.execute("INSERT OR IGNORE INTO growing VALUES (?)", (stream_id,))
        self._file.execute("COMMIT")

    def growing(self) -> list[str]:
        """The answers that were not read to their end."""
        return [row[0] for row in self._file.execute("SELECT stream_id FROM growing ORDER BY rowid")]

    def ended(self, stream_id: str) -> None:
        """An answer was read to its end; what it says is in the history."""
        self._file.execute("DELETE FROM growing WHERE stream_id = ?", (stream_id,))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class Phone:
    """The app while its process lives.

    Args:
        url: of the websocket, as `ws://127.0.0.1:8000/v1/socket`.
        sign_in: a token that is good now; asked whenever one is needed, so it should remember it.
        tasks: the owner of everything this starts.
    """

    def __init__(self, url: str, disk: Disk, sign_in: SignIn, tasks: asyncio.TaskGroup) -> None:
        self.answers: dict[str, Fold] = {}  # as far as they were read, by stream
        self.ends: dict[str, StreamEnd] = {}
        self.refusals: dict[str, Refused] = {}
        self.signed_out: Stopped | None = None
        self.chats = Dashboard()
        self.changed = asyncio.Event()  # the screen would draw itself now
        self._url, self._disk, self._sign_in, self._tasks = url, disk, sign_in, tasks
        self._core = ClientConnection(new_id(), new_id, random.random)
        self._links: dict[int, asyncio.Task[None]] = {}
        self._sockets: dict[int, WebSocket] = {}
        self._timer: asyncio.TimerHandle | None = None

    # What a person does.

    def start(self) -> None:
        """The process begins: take up what the last one left, in its order, and connect."""
        for stream_id in self._disk.growing():
            self._take(self._core.subscribe(stream_id, 0, self._now))
        for command in self._disk.unsent():
            self._take(self._core.command(command, self._now))
        self._take(self._core.open(self._now))

    def ask(self, chat_id: str, text: str, **fields: object) -> None:
        """Ask a question: first the disk, then the network, which may be away for days."""
        question = Question(id=new_id(), role="user", parts=[{"type": "text", "text": text}])
        command = MessageSend(id=new_id(), chat_id=chat_id, message=question, **fields)  # type: ignore[arg-type]
        self._disk.keep(command)
        self._take(self._core.command(command, self._now))

    def background(self) -> None:
        """The system suspends the app: no timer fires, and its sockets are gone when it wakes."""
        self._sleep()

    def foreground(self) -> None:
        """Somebody looks again: say which sockets died, and connect at once instead of when the back-off is over."""
        for number in list(self._links):
            if number not in self._sockets:
                self._links.pop(number).cancel()
                self._take(self._core.closed(number, 1006, self._now))
        self._take(self._core.foreground(self._now))

    def stop(self) -> None:
        """The process ends, with nothing said to anybody."""
        self._sleep()

    @property
    def is_settled(self) -> bool:
        """Whether every question was taken, and every answer read to its end."""
        return not self._disk.unsent() and not self._disk.growing()

    # What the core is given: a clock, a timer, sockets.

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _take(self, notices: list[Notice]) -> None:
        """Show what has come, and only then act: a `pong` says that what came before it was handled."""
        for notice in notices:
            self._show(notice)
        for action in self._core.actions():
            match action:
                case Connect(link=number):
                    self._links[number] = self._tasks.create_task(self._link(number))
                case Send(link=number, data=data) if number in self._sockets:
                    broadcast([self._sockets[number]], data, text=True)  # writes without waiting
                case Close(link=number) if number in self._links:
                    self._links.pop(number).cancel()
        self._arm()
        self.changed.set()

    async def _link(self, number: int) -> None:
        """One socket, from its first byte to its last."""
        code = 1006  # says that nobody said anything
        try:
            token = await self._sign_in()
            async with connect(
                self._url, subprotocols=[Subprotocol("tidewire.v1")], compression=None, ping_interval=None,
                max_size=None, close_timeout=1,
            ) as socket:  # fmt: skip
                self._sockets[number] = socket
                self._take(self._core.opened(number, self._now, token))
                async for text in socket:
                    self._take(self._core.received(number, text, self._now))
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
        except (OSError, WebSocketException):
            pass  # nobody there: the core will say when to try again
        finally:
            self._sockets.pop(number, None)
        self._links.pop(number, None)
        self._take(self._core.closed(number, code, self._now))

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self._core.deadline(self._now)
        loop = asyncio.get_running_loop()
        self._timer = None if due is None else loop.call_at(due, lambda: self._take(self._core.tick(self._now)))

    def _sleep(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for socket in self._sockets.values():
            socket.transport.abort()
        self._sockets.clear()
        for task in self._links.values():
            task.cancel()

    # What the core says.

    def _show(self, notice: Notice) -> None:
        match notice:
            case StreamChunk() | StreamEnd() | Lost():
                self._read(notice)
            case Answered(id=command_id, result=result):
                self._disk.taken(command_id, result.get("streamId"))
            case Refused(id=command_id):
                self._disk.taken(command_id, None)
                self.refusals[command_id] = notice
            case Refreshed(snapshot=snapshot):
                self.chats.replace(snapshot)
            case Event():
                self.chats.apply(notice)
            case AuthExpiring():
                self._tasks.create_task(self._refresh())
            case Stopped():
                self.signed_out = notice  # the token is refused, and no other is at hand: ask the person, then `start`

    def _read(self, notice: StreamChunk | StreamEnd | Lost) -> None:
        stream_id = notice.stream_id
        if isinstance(notice, StreamChunk):
            if notice.prev == 0:
                self.answers[stream_id] = Fold()
            self.answers[stream_id].extend(notice.chunks)
            return
        if isinstance(notice, StreamEnd):
            self.ends[stream_id] = notice
        self._disk.ended(stream_id)  # of one that is lost, because it is too old, `chat.get` has the message

    async def _refresh(self) -> None:
        self._take(self._core.command(AuthRefresh(id=new_id(), token=await self._sign_in()), self._now))


@asynccontextmanager
async def phone(url: str, file: Path, sign_in: SignIn) -> AsyncIterator[Phone]:
    """Start the app; leaving the block is the death of its process."""
    disk = Disk(file)
    try:
        async with asyncio.TaskGroup() as tasks:
            app = Phone(url, disk, sign_in, tasks)
            app.start()
            try:
                yield app
            finally:
                app.stop()
    finally:
        disk.close()
