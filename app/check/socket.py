"""One websocket to the server under test: everything that comes is watched, kept, and folded."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import websockets
from tidewire.transport import is_loopback
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.check.failure import Failure
from app.check.reading import Reading
from app.check.watch import Watch

Frame = dict[str, Any]

DATA = frozenset({"stream.chunk", "event"})
_SHOWN = 3
_ABNORMAL = 1006


@dataclass(slots=True)
class Arrival:
    """A frame that came; `size` in bytes, `taken` when a step has asked for it."""

    frame: Frame
    size: int
    taken: bool = False


class Socket:
    """An open websocket.

    `answers_pings` may be turned off to be a slow client. `offset` is the last event that was applied, as a client
    applies them: one after the other.
    """

    def __init__(self, connection: ClientConnection, patience: float) -> None:
        self.arrivals: list[Arrival] = []
        self.readings: dict[str, Reading] = {}
        self.epoch: str | None = None
        self.offset = 0
        self.token = ""
        self.answers_pings = True
        self.close_code: int | None = None
        self._hello: Frame | None = None
        self._connection = connection
        self._patience = patience
        self._watch = Watch()
        self._broken: Failure | None = None
        self._arrived = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls,
        url: str,
        patience: float,
        subprotocols: Sequence[str] = ("tidewire.v1",),
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """Open a socket.

        Args:
            url: of the websocket.
            patience: seconds to wait for whatever is awaited.
            headers: what the handshake says beside the usual.
        """
        proxy: Literal[True] | None = None if is_loopback(urlsplit(url).hostname) else True
        connection = await connect(
            url, subprotocols=[Subprotocol(each) for each in subprotocols] or None, compression=None,
            ping_interval=None, max_size=None, open_timeout=patience, close_timeout=2, user_agent_header=None,
            additional_headers=headers, proxy=proxy,
        )  # fmt: skip
        return cls(connection, patience)

    async def send(self, frame: Frame) -> None:
        """Send a frame."""
        self._watch.sent(frame)
        if frame.get("type") == "hello":
            self._hello = frame
        await self.send_raw(json.dumps(frame))

    async def send_raw(self, data: str | bytes, meant: Frame | None = None) -> None:
        """Send anything; `meant` is the frame that it is, if it is one that is answered."""
        if meant is not None:
            self._watch.sent(meant)
        try:
            await self._connection.send(data)
        except websockets.ConnectionClosed:
            self.check()

    def take(self, arrival: Arrival) -> None:
        """Note that a step has asked for this frame; an event that came before it cannot be asked for any more."""
        arrival.taken = True
        if arrival.frame["type"] == "event":
            for each in self.arrivals[: self.arrivals.index(arrival)]:
                each.taken = each.taken or each.frame["type"] == "event"

    async def leave(self) -> None:
        """Close the socket."""
        await self._connection.close()
        await self._reader

    async def cut(self) -> None:
        """Lose the connection, as a phone in a tunnel does."""
        self._connection.transport.abort()
        await self._reader

    def check(self) -> None:
        """Raise what the watch saw, if it saw something."""
        if self._broken is not None:
            raise self._broken

    async def until(self, found: Callable[[], bool], expected: Any, within: float | None = None) -> None:
        """Wait until something is true of what came.

        Args:
            expected: what is waited for, for people.
            within: seconds; the socket's patience when left out.

        Raises:
            Failure: it did not come true, or the watch saw something wrong.
        """
        seconds = self._patience if within is None else within
        try:
            async with asyncio.timeout(seconds), self._arrived:
                while True:
                    self.check()
                    if found():
                        return
                    if self.close_code is not None:
                        raise Failure("The socket is closed.", expected, self.told())
                    await self._arrived.wait()
        except TimeoutError:
            raise Failure(f"It did not come within {seconds:g} s.", expected, self.told()) from None

    async def settled(self) -> None:
        """Wait until everything that was asked is answered (guarantee 2)."""
        await self.until(lambda: not self._watch.owed, "an answer to every command")

    async def closed(self, within: float | None = None) -> int:
        """Wait until the server has closed the socket; return the close code."""
        await self.until(lambda: self.close_code is not None, "a close", within)
        return self.close_code or _ABNORMAL

    def told(self) -> str:
        """The newest of what came, for people."""
        frames = [json.dumps(each.frame, separators=(",", ":"))[:160] for each in self.arrivals[-_SHOWN:]]
        close = [] if self.close_code is None else [f"a close with {self.close_code}"]
        return " · ".join([*frames, *close]) or "nothing"

    async def _read(self) -> None:
        try:
            async for data in self._connection:
                await self._take(data)
        except websockets.ConnectionClosed:
            pass
        except Failure as failure:
            self._broken = failure
            self._connection.transport.abort()
        finally:
            async with self._arrived:
                self.close_code = self._connection.close_code or _ABNORMAL
                self._arrived.notify_all()

    async def _take(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            raise Failure("Frames are text.", "a text frame", f"{len(data)} bytes in a binary frame", "§1")
        frame = self._watch.received(data)
        self._note(frame)
        async with self._arrived:
            self.arrivals.append(Arrival(frame, len(data.encode())))
            self._arrived.notify_all()
        if frame["type"] == "ping" and self.answers_pings:
            await self.send({"type": "pong", "id": frame["id"]})

    def _note(self, frame: Frame) -> None:
        match frame:
            case {"type": "stream.chunk", "streamId": stream_id}:
                if frame["prev"] == 0 and (stream_id not in self.readings or self.readings[stream_id].end):
                    self.readings[stream_id] = Reading(stream_id)
                if stream_id in self.readings:
                    self.readings[stream_id].apply(frame)
            case {"type": "stream.end", "streamId": stream_id}:
                self.readings.setdefault(stream_id, Reading(stream_id)).end = frame
            case {"type": "event"} if frame["offset"] == self.offset + 1:
                self.offset += 1
            case {"type": "welcome", "events": events}:
                self.epoch = events["epoch"]
                asked = (self._hello or {}).get("events")
                self.offset = asked["offset"] if events["recovered"] and asked else events["offset"]
