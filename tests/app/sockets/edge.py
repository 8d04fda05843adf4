"""A real server on loopback around a small ASGI app, and a client that speaks raw bytes."""

import asyncio
import logging
import os
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from app.sockets.fair import FairProtocol
from app.sockets.outlet import Outlet, frame, outlet_of
from app.sockets.server import Server, config, listen, port_of

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Handler = Callable[[Outlet, Receive], Awaitable[None]]


async def until(done: Callable[[], bool]) -> None:
    """Wait for something the app or the loop will do, a turn of the loop at a time."""
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - what is waited for is state of the server, which sets no event
            await asyncio.sleep(0)


@dataclass
class Edge:
    """A running server: where it listens, and what its app saw."""

    port: int
    server: Server
    events: list[dict[str, Any]] = field(default_factory=list)
    outlets: list[Outlet] = field(default_factory=list)
    sends: list[Callable[[dict[str, Any]], Awaitable[None]]] = field(default_factory=list)
    shutdowns: int = 0
    task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/socket?ticket=secret-ticket"

    until = staticmethod(until)

    async def seen(self, kind: str) -> dict[str, Any]:
        """Wait for the first event of this type that the app received."""
        await self.until(lambda: any(event["type"] == kind for event in self.events))
        return next(event for event in self.events if event["type"] == kind)

    async def stopped(self) -> None:
        """Wait for `serve()` to return."""
        assert self.task is not None
        async with asyncio.timeout(10):
            await self.task

    async def connection(self) -> FairProtocol:
        """Wait for the one connection there is."""

        def sockets() -> list[FairProtocol]:
            return [one for one in self.server.server_state.connections if isinstance(one, FairProtocol)]

        await self.until(lambda: len(sockets()) == 1)
        return sockets()[0]

    async def outlet(self) -> Outlet:
        await self.until(lambda: bool(self.outlets))
        return self.outlets[-1]


async def fill(outlet: Outlet) -> int:
    """Write until the kernel's buffers and ours are full; tell how many frames went in."""
    one = frame(b"x" * 16_000)
    written = 0
    turns = 0
    while turns < 20:  # writable may come back while the kernel still takes bytes
        if outlet.writable:
            outlet.write([one])
            written += 1
            turns = 0
        turns += 1
        await asyncio.sleep(0)
    return written


async def keep(outlet: Outlet, receive: Receive) -> None:
    """Read until the disconnect and do nothing else."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


@asynccontextmanager
async def edge(handler: Handler = keep, **kwargs: Any) -> AsyncIterator[Edge]:
    """Serve `handler` for the block.

    `ws=` and `http=` replace the protocol classes, `accept=` is an event the accept waits for; the rest goes to
    `Server`.
    """
    running: Edge
    accept: asyncio.Event | None = kwargs.pop("accept", None)

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            running.shutdowns += 1
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})
        else:
            await serve_socket(scope, receive, send)

    async def serve_socket(scope: Scope, receive: Any, send: Any) -> None:
        async def received() -> dict[str, Any]:
            event: dict[str, Any] = await receive()
            running.events.append(event)
            return event

        await received()
        if accept is not None:
            await accept.wait()
        async with outlet_of(scope, send) as outlet:
            await send({"type": "websocket.accept"})
            running.outlets.append(outlet)
            running.sends.append(send)
            await handler(outlet, received)

    sockets = listen("127.0.0.1", 0)
    settings = config(app, deflate=kwargs.pop("deflate", False))
    settings.ws = kwargs.pop("ws", settings.ws)
    settings.http = kwargs.pop("http", settings.http)
    # Turned up again: the protocol classes keep quiet by themselves, not by the settings of one way to start them.
    for name in ("uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    running = Edge(port_of(sockets), Server(settings, **kwargs))
    running.task = asyncio.create_task(running.server.serve(sockets=sockets))
    await running.until(lambda: running.server.started)
    try:
        yield running
    finally:
        running.server.should_exit = True
        await running.stopped()


async def lifespan(receive: Any, send: Any) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


def masked(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """Build one client frame (RFC 6455, 5.2)."""
    length = len(payload)
    head = bytes(((0x80 if fin else 0) | rsv | opcode,))
    if length < 126:
        head += bytes((0x80 | length,))
    elif length < 65_536:
        head += b"\xfe" + struct.pack("!H", length)
    else:
        head += b"\xff" + struct.pack("!Q", length)
    mask = os.urandom(4)
    repeated = (mask * (length // 4 + 1))[:length]
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")
    return head + mask + body


TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10

UPGRADE = (
    b"GET /v1/socket?ticket=secret-ticket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class RawClient:
    """A websocket client without rules: it sends any bytes and reads frames as they come."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @property
    def transport(self) -> asyncio.Transport:
        return cast(asyncio.Transport, self.writer.transport)

    def send(self, *frames: bytes) -> None:
        if not self.transport.is_closing():  # the server may have closed while a test still sends
            self.writer.write(b"".join(frames))

    async def frame(self) -> tuple[int, bytes]:
        """Read one server frame as (opcode, payload)."""
        first, second = await self.reader.readexactly(2)
        assert not second & 0x80, "a server never masks"
        length = second
        if second == 126:
            (length,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif second == 127:
            (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 0x0F, await self.reader.readexactly(length)

    async def close_code(self) -> int:
        """Read up to the close frame and tell its code; 1006 when the connection ended without one."""
        try:
            while True:
                opcode, payload = await self.frame()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big") if payload else 1005
        except (asyncio.IncompleteReadError, ConnectionError):
            return 1006


@asynccontextmanager
async def raw(port: int, extra: bytes = b"") -> AsyncIterator[RawClient]:
    """Connect and upgrade; `extra` are further header lines."""
    async with tcp(port) as client:
        client.send(UPGRADE + extra + b"\r\n")
        answer = await client.reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101"), answer
        yield client


@asynccontextmanager
async def tcp(port: int) -> AsyncIterator[RawClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=16 * 1024 * 1024)
    try:
        async with asyncio.timeout(20):
            yield RawClient(reader, writer)
    finally:
        writer.transport.abort()
