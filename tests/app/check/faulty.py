"""A proxy of websockets that breaks one rule: what stands between a client and a right server makes a wrong one.

async with faulty(server.url, Faults.lose_chunk) as url:
    ...url is that of a server that loses a chunk...
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

Frame = dict[str, Any]
Down = Callable[[Frame], list[Frame]]


class Fault:
    """What happens to the frames of one socket: each method returns what goes on in the place of a frame.

    `back` holds frames to send to the server; `token` is that of the user who owns everything.
    """

    token = ""

    def __init__(self) -> None:
        self.back: list[Frame] = []

    def up(self, frame: Frame) -> list[Frame]:
        """A frame of the client."""
        return [frame]

    def down(self, frame: Frame) -> list[Frame]:
        """A frame of the server."""
        return [frame]

    def close(self, code: int) -> int:
        """The code with which the server closes."""
        return code


@asynccontextmanager
async def faulty(url: str, fault: Callable[[], Fault]) -> AsyncIterator[str]:
    """Put a fault before a server; yields the address of the faulty one, which serves sockets and nothing else."""

    async def relay(client: ServerConnection) -> None:
        offered = client.request.headers.get("Sec-WebSocket-Protocol", "") if client.request else ""
        target = url.replace("http", "ws", 1) + "/v1/socket"
        protocols = [Subprotocol(offered)] if offered else None
        async with connect(target, subprotocols=protocols, compression=None, max_size=None) as server:
            await _relay(client, server, fault())

    async with serve(
        relay, "127.0.0.1", 0, compression=None, max_size=None, ping_interval=None,
        select_subprotocol=lambda _, offered: offered[0] if offered else None,
    ) as proxy:  # fmt: skip
        yield f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"


async def _relay(client: ServerConnection, server: ClientConnection, fault: Fault) -> None:
    upwards = asyncio.create_task(_up(client, server, fault))
    try:
        async for data in server:
            for frame in fault.down(json.loads(data)):
                await client.send(_text(frame))
            while fault.back:
                await server.send(_text(fault.back.pop()))
    except websockets.ConnectionClosed:
        pass
    finally:
        code = fault.close(server.close_code or 1006)
        await client.close(code if code != 1006 else 1011)
        upwards.cancel()


async def _up(client: ServerConnection, server: ClientConnection, fault: Fault) -> None:
    try:
        async for data in client:
            for piece in _broken(data, fault):
                await server.send(piece)
    except websockets.ConnectionClosed:
        pass
    finally:
        await server.close()


def _text(frame: Frame) -> str:
    """As our server writes it, or the sizes would be others."""
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False)


def _broken(data: str | bytes, fault: Fault) -> list[str | bytes]:
    try:
        frame = json.loads(data)
    except ValueError:
        return [data]
    is_frame = isinstance(data, str) and isinstance(frame, dict) and isinstance(frame.get("type"), str)
    return [_text(each) for each in fault.up(frame)] if is_frame else [data]
