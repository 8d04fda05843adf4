"""A page of the AI SDK's own class, by hand: for tests that look at single frames of `/v1/ai-sdk`.

It is as strict as the vendor's class: every frame needs a string `requestId`, and the chunks of a request are numbered
from 0 without a gap.
"""

import asyncio
import json
from collections.abc import Callable
from itertools import count
from types import TracebackType
from typing import Any, Self

import websockets
from websockets.asyncio.client import ClientConnection

from tests.wire import Frame, post, question

_ids = count(1)


class StockPage:
    """One websocket of the vendor's class.

    Args:
        url: of the server.
        token: of the user, for `Authorization`; None lets the rest prove it, or nothing.
        query: of the address.
        origin: the Origin header.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        query: str = "",
        origin: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.url = url
        self.frames: list[Frame] = []
        self.close_code: int | None = None
        self._query = query
        self._origin = origin
        self._headers = (headers or {}) | ({} if token is None else {"authorization": f"Bearer {token}"})
        self._next: dict[str, int] = {}
        self._arrived = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self.socket: ClientConnection

    async def __aenter__(self) -> Self:
        self.socket = await websockets.connect(
            self.url.replace("http", "ws", 1) + "/v1/ai-sdk" + self._query,
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
        assert self._reader is not None
        if self.close_code is None:
            await self.socket.close()
        await self._reader

    async def cut(self) -> None:
        """Lose the connection without a close frame."""
        self.socket.transport.abort()
        assert self._reader is not None
        await self._reader

    async def raw(self, data: Frame | str | bytes) -> None:
        """Send a frame, or anything else."""
        await self.socket.send(json.dumps(data) if isinstance(data, dict) else data)

    async def send(self, chat_id: str, text: str = "Hello?", **fields: Any) -> str:
        """Send a question; return its request id. `options` goes into the body."""
        request_id = f"req_{next(_ids)}"
        body = {"options": fields.pop("options")} if "options" in fields else {}
        frame = {"type": "send", "requestId": request_id, "id": chat_id, "trigger": "submit-message"}
        await self.raw(frame | {"messages": [question(text)], "headers": {}, "body": body} | fields)
        return request_id

    async def resume(self, chat_id: str) -> str:
        """Ask for what is being written; return the request id."""
        request_id = f"req_{next(_ids)}"
        await self.raw({"type": "resume", "requestId": request_id, "id": chat_id, "headers": {}, "body": {}})
        return request_id

    async def abort(self, request_id: str) -> None:
        """Abort a request."""
        await self.raw({"type": "abort", "requestId": request_id})

    async def until(self, wanted: Callable[[Frame], bool], *, within: float = 20.0) -> Frame:
        """Wait for a frame, among those that came already or come yet."""
        looked = 0
        async with asyncio.timeout(within), self._arrived:
            while True:
                while looked < len(self.frames):
                    looked += 1
                    if wanted(self.frames[looked - 1]):
                        return self.frames[looked - 1]
                if self.close_code is not None:
                    raise ConnectionError(f"The socket closed with {self.close_code} first.")
                await self._arrived.wait()

    async def answered(self, request_id: str) -> Frame:
        """The frame that ends a request."""
        return await self.until(
            lambda got: got["requestId"] == request_id and got["type"] in ("end", "error", "no-active")
        )

    async def reads(self, request_id: str, characters: int = 1) -> None:
        """Wait until so much text of an answer is here."""
        await self.until(lambda _: len(self.text(request_id)) >= characters)

    def chunks(self, request_id: str) -> list[Frame]:
        """The chunks of a request so far."""
        return [got["chunk"] for got in self.frames if got["requestId"] == request_id and got["type"] == "chunk"]

    def text(self, request_id: str) -> str:
        """The text of an answer so far."""
        return "".join(chunk["delta"] for chunk in self.chunks(request_id) if chunk["type"] == "text-delta")

    async def closed(self, within: float = 20.0) -> tuple[int, str]:
        """Wait until the server has closed the socket; return the close code and the reason."""
        async with asyncio.timeout(within), self._arrived:
            while self.close_code is None:
                await self._arrived.wait()
            return self.close_code, self.socket.close_reason or ""

    async def _read(self) -> None:
        try:
            async for data in self.socket:
                await self._take(json.loads(data))
        except websockets.ConnectionClosed:
            pass
        finally:
            async with self._arrived:
                self.close_code = self.socket.close_code or 0
                self._arrived.notify_all()

    async def _take(self, frame: Frame) -> None:
        assert isinstance(frame["requestId"], str)
        if frame["type"] == "chunk":
            assert frame["sequence"] == self._next.get(frame["requestId"], 0), "a gap closes the vendor's socket"
            self._next[frame["requestId"]] = frame["sequence"] + 1
        async with self._arrived:
            self.frames.append(frame)
            self._arrived.notify_all()


def ticket(url: str, token: str) -> str:
    """Make a ticket."""
    return str(post(url, "/v1/auth/ticket", authorization=f"Bearer {token}")["ticket"])
