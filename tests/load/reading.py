"""One client of the Python SDK that follows every answer of its user and keeps the time."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import tidewire
from tidewire.transport import OnClose, OnText

from protocol.client import Connected, Disconnected, Lost, Notice
from protocol.frames.server import Event, StreamChunk, StreamEnd


@dataclass
class Figures:
    """What all clients of a run count; times in seconds."""

    sends: int = 0
    failed: Counter[str] = field(default_factory=Counter)  # commands that came back refused, by command and code
    silences: list[float] = field(default_factory=list)  # the longest of each answer in each client
    moves: list[float] = field(default_factory=list)  # from a goodbye to the next welcome
    seamless: int = 0  # of them those that kept the old socket until the new one was greeted
    sockets_lost: int = 0
    logs_lost: Counter[str] = field(default_factory=Counter)  # answers that could not be read on, by code
    tokens: int = 0


class Reader:
    """A client, and what it has of each answer.

    Args:
        url: where to connect.
        token: of its user.
        figures: what it counts in.
    """

    def __init__(self, url: str, token: str, figures: Figures) -> None:
        self.client = tidewire.connect(url, token=token, observer=self._observe, connector=self._open, timeout=30)
        self.ends: dict[str, asyncio.Task[tidewire.Finished]] = {}  # by stream
        self._figures = figures
        self._heard: dict[str, tuple[float, float]] = {}  # by stream: when, and the longest silence before
        self._said_goodbye: float | None = None
        self._connect = tidewire.connector()

    def follow(self, stream_id: str) -> None:
        """Read an answer to its end; twice is once."""
        if stream_id not in self.ends and self.client.state != "closed":
            self._heard[stream_id] = (time.monotonic(), 0.0)
            self.ends[stream_id] = asyncio.create_task(self.client.follow(stream_id).finished())

    def _observe(self, notice: Notice) -> None:
        if isinstance(notice, StreamChunk):
            self._hear(notice.stream_id)
            self._figures.tokens += sum(chunk["type"] == "text-delta" for chunk in notice.chunks)
        elif isinstance(notice, StreamEnd):
            self._hear(notice.stream_id)
            self._figures.silences.append(self._heard.pop(notice.stream_id, (0.0, 0.0))[1])
        elif isinstance(notice, Event) and notice.name == "stream.started":
            self._follow_soon(notice.data["streamId"])
        elif isinstance(notice, Connected):
            self._arrive(notice)
        elif isinstance(notice, Disconnected):
            self._figures.sockets_lost += 1
        elif isinstance(notice, Lost):
            self._figures.logs_lost[notice.error.code] += 1

    def _hear(self, stream_id: str) -> None:
        now = time.monotonic()
        before, longest = self._heard.get(stream_id, (now, 0.0))
        self._heard[stream_id] = (now, max(longest, now - before))

    def _arrive(self, notice: Connected) -> None:
        if self._said_goodbye is not None:
            self._figures.moves.append(time.monotonic() - self._said_goodbye)
            self._figures.seamless += notice.moved
            self._said_goodbye = None
        for each in notice.welcome.active_streams:
            self._follow_soon(each.stream_id)

    def _follow_soon(self, stream_id: str) -> None:
        # Not now: the client is in the middle of handing out notices.
        asyncio.get_running_loop().call_soon(self.follow, stream_id)

    async def _open(self, url: str) -> tidewire.Socket:
        return _Overheard(await self._connect(url), self)

    def told_to_go(self) -> None:
        """A goodbye came; the SDK deals with it and tells nobody."""
        if self._said_goodbye is None:
            self._said_goodbye = time.monotonic()


class _Overheard:
    """A socket at which the reader listens for goodbyes."""

    def __init__(self, socket: tidewire.Socket, reader: Reader) -> None:
        self._socket = socket
        self._reader = reader
        self.send = socket.send
        self.close = socket.close
        self.wait_closed = socket.wait_closed

    def listen(self, on_text: OnText, on_close: OnClose) -> None:
        def hear(data: bytes) -> None:
            if bytes(data[:18]) == b'{"type":"goodbye",':
                self._reader.told_to_go()
            on_text(data)

        self._socket.listen(hear, on_close)
