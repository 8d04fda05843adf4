"""A websocket client that speaks ASGI to the endpoint: no server, no bytes, any clock."""

import asyncio
from collections.abc import Mapping, MutableMapping
from itertools import count
from types import MappingProxyType
from typing import Any, Self

import orjson

from app.sockets.endpoint import Sockets

Frame = dict[str, Any]
_ids = count(1)


class Client:
    """One connection; reads everything at once, and answers pings unless told not to."""

    def __init__(
        self,
        sockets: Sockets,
        *,
        subprotocols: tuple[str, ...] = ("tidewire.v1",),
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.frames: list[Frame] = []
        self.pinged_at: list[float] = []
        self.accepted: str | None = None
        self.closed: tuple[int, str] | None = None
        self.closed_at = 0.0
        self.answers = True
        self._arrived = asyncio.Condition()
        self._sockets = sockets
        self._incoming: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        named = {"host": "localhost:8000"} | dict(headers)
        self._scope = {
            "type": "websocket",
            "path": "/v1/socket",
            "scheme": "ws",
            "client": ("127.0.0.1", 4711),
            "subprotocols": list(subprotocols),
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        }
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._incoming.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._sockets(self._scope, self._incoming.get, self._send))
        await self.turns()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.leave()
        assert self._task is not None
        await asyncio.wait_for(self._task, 10)

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.accept":
            self.accepted = message["subprotocol"]
        elif message["type"] == "websocket.close":
            self.closed = (message["code"], message.get("reason", ""))
            self.closed_at = asyncio.get_running_loop().time()
            self.leave()
        else:
            frame = orjson.loads(message["text"])
            self.frames.append(frame)
            if frame["type"] == "ping":
                self.pinged_at.append(asyncio.get_running_loop().time())
                if self.answers:
                    self.send(type="pong", id=frame["id"])
        async with self._arrived:
            self._arrived.notify_all()

    def send(self, **frame: Any) -> str:
        """Send a frame; return its id."""
        frame = {"id": f"id{next(_ids)}"} | frame
        self.text(orjson.dumps({"type": frame.pop("type")} | frame).decode())
        return str(frame["id"])

    def text(self, text: str) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", "text": text})

    def bytes(self, data: bytes) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", "text": None, "bytes": data})

    def leave(self) -> None:
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def hello(self, **fields: Any) -> Frame:
        """Say hello and return the welcome."""
        self.send(type="hello", **({"clientId": "tab"} | fields))
        return await self.next("welcome")

    async def next(self, kind: str, **fields: Any) -> Frame:
        """Wait for a frame of this type that has these fields, among all that came."""
        async with asyncio.timeout(10), self._arrived:
            while True:
                for frame in self.frames:
                    if frame["type"] == kind and fields.items() <= frame.items():
                        return frame
                assert self.closed is None, f"closed with {self.closed} before a {kind} came: {self.frames}"
                await self._arrived.wait()

    async def answer(self, command_id: str) -> Frame:
        """Wait for the one answer to a command."""
        async with asyncio.timeout(10), self._arrived:
            while not (found := [frame for frame in self.frames if frame.get("id") == command_id]):
                await self._arrived.wait()
        assert len(found) == 1
        return found[0]

    async def gone(self) -> tuple[int, str]:
        """Wait until the server has closed, and is done with this connection."""
        assert self._task is not None
        await asyncio.wait([self._task])
        assert self.closed is not None, "the connection ended without a close"
        return self.closed

    async def turns(self, number: int = 20) -> None:
        for _ in range(number):
            await asyncio.sleep(0)
