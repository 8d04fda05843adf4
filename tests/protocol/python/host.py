"""A tiny server on a real port that speaks the wire."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from protocol.codec import encode
from protocol.frames.server import Error
from tests.protocol.client.peer import Peer, World


class Host:
    """Serves one world; `refuse` answers handshakes with a status, `greet` says something before any hello."""

    def __init__(self) -> None:
        self.world = World()
        self.connections: list[ServerConnection] = []
        self.peers: list[Peer] = []
        self.refuse: int | None = None
        self.greet: tuple[Error, int] | None = None
        self.fragment = False
        self.port = 0
        self.heard = asyncio.Event()  # set with every frame that comes

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handler(self, connection: ServerConnection) -> None:
        peer = Peer(self.world)
        self.connections.append(connection)
        self.peers.append(peer)
        if self.greet is not None:
            await connection.send(encode(self.greet[0]), text=True)
            await connection.close(self.greet[1])
            return
        try:
            async for message in connection:
                for frame in peer.receive(message):
                    await self.send(connection, frame)
                await self.pump()
                self.heard.set()
        except ConnectionClosed:
            return

    async def send(self, connection: ServerConnection, frame: bytes) -> None:
        if self.fragment:
            text = frame.decode()
            await connection.send([text[:5], text[5:9], text[9:]])
        else:
            await connection.send(frame, text=True)

    async def pump(self) -> None:
        """Send every socket what it lacks."""
        for connection, peer in zip(self.connections, self.peers, strict=True):
            while connection.state is State.OPEN and (frames := peer.pump()):
                for frame in frames:
                    await self.send(connection, frame)

    def before(self, connection: ServerConnection, request: Request) -> Response | None:
        return None if self.refuse is None else connection.respond(self.refuse, "no")


@asynccontextmanager
async def hosted() -> AsyncIterator[Host]:
    host = Host()
    server: Server
    async with serve(host.handler, "127.0.0.1", 0, subprotocols=["tidewire.v1"], process_request=host.before,  # type: ignore[list-item]
                     compression=None, ping_interval=None) as server:  # fmt: skip
        host.port = server.sockets[0].getsockname()[1]
        yield host
