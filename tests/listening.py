"""A websocket by hand that keeps every frame as it comes, and lets a test wait for one."""

import asyncio
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import websockets
from websockets.asyncio.client import ClientConnection
from websockets.protocol import State

Frame = dict[str, Any]


class Listening:
    """One websocket of a server.

    Args:
        url: of the server.
        path: of the socket, with its query.
        origin: the Origin header.
        headers: whatever else the handshake says.
        subprotocols: which are offered.
    """

    def __init__(
        self,
        url: str,
        path: str,
        *,
        origin: str | None = None,
        headers: dict[str, str] | None = None,
        subprotocols: tuple[str, ...] = (),
    ) -> None:
        self.url = url
        self.frames: list[Frame] = []
        self.sizes: list[int] = []  # of the frames, in bytes
        self.close_code: int | None = None
        self._path = path
        self._origin = origin
        self._headers = headers or {}
        self._subprotocols = subprotocols
        self._arrived = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self.socket: ClientConnection

    async def __aenter__(self) -> Self:
        self.socket = await websockets.connect(
            self.url.replace("http", "ws", 1) + self._path,
            subprotocols=self._subprotocols or None,  # type: ignore[arg-type]  # plain names will do
            origin=self._origin,  # type: ignore[arg-type]  # a plain name will do
            additional_headers=self._headers,
            compression=None,
            ping_interval=None,
            max_size=None,
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.socket.state is not State.CLOSED:  # as in the SDK's transport: asyncio's may be gone
            await self.socket.close()
        assert self._reader is not None
        await self._reader

    async def cut(self) -> None:
        """Lose the connection without a close frame, as a phone in a tunnel does."""
        self.socket.transport.abort()
        assert self._reader is not None
        await self._reader

    async def raw(self, data: Frame | str | bytes) -> None:
        """Send a frame, or anything else."""
        await self.socket.send(json.dumps(data) if isinstance(data, dict) else data)

    async def until(self, wanted: Callable[[Frame], bool], *, since: int = 0, within: float = 20.0) -> Frame:
        """Wait for a frame, among those that came already or come yet."""
        looked = since
        async with asyncio.timeout(within), self._arrived:
            while True:
                while looked < len(self.frames):
                    looked += 1
                    if wanted(self.frames[looked - 1]):
                        return self.frames[looked - 1]
                if self.close_code is not None:
                    raise ConnectionError(f"The socket closed with {self.close_code} first.")
                await self._arrived.wait()

    async def _over(self, within: float) -> int:
        """Wait until the server has closed the socket; return the close code."""
        async with asyncio.timeout(within), self._arrived:
            while self.close_code is None:
                await self._arrived.wait()
            return self.close_code

    async def _read(self) -> None:
        try:
            async for data in self.socket:
                self.sizes.append(len(data.encode()) if isinstance(data, str) else len(data))
                await self._take(json.loads(data))
        except websockets.ConnectionClosed:
            pass
        finally:
            async with self._arrived:
                self.close_code = self.socket.close_code or 0  # 0: this side gave up, and says why when it is left
                self._arrived.notify_all()

    async def _take(self, frame: Frame) -> None:
        async with self._arrived:
            self.frames.append(frame)
            self._arrived.notify_all()
