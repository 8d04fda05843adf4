"""A TCP proxy that breaks what goes through it, for tests of Redis and PostgreSQL clients.

    async with FaultProxy(server.port) as proxy:
        ...connect to 127.0.0.1:proxy.port...
        proxy.freeze()      # nothing is forwarded, nothing is closed: a network that is gone, or a server that hangs
        proxy.thaw()        # what waited goes on
        proxy.swallow()     # everything is taken and nothing arrives: a link that is half open
        proxy.cut()         # connections break, as when a process dies
        await proxy.refuse()    # nobody is accepted; `await proxy.admit()` listens again, on the same port
        proxy.delay = 0.2   # each piece takes that many seconds longer

Every fault can also be done to one `Link` of `proxy.links`.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal, Self

Mode = Literal["pass", "freeze", "swallow"]

_PIECE = 64 * 1024
_REMEMBERED = 64 * 1024
_NO_LINGERING = struct.pack("ii", 1, 0)  # a close that sends RST


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy: "FaultProxy", writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
        self.mode: Mode = proxy.mode
        self.sent = bytearray()
        """The newest of what the client has sent: tells one link from another."""
        self._proxy = proxy
        self._writers = writers
        self._may_pass = asyncio.Event()
        self.be(self.mode)

    @property
    def port(self) -> int:
        """The port it leads to."""
        found: int = self._writers[1].get_extra_info("peername")[1]
        return found

    def be(self, mode: Mode) -> None:
        """Treat what comes from now on like this, in both directions."""
        self.mode = mode
        self._may_pass.clear() if mode == "freeze" else self._may_pass.set()

    def cut(self) -> None:
        """Break the connection on both sides, at once and with a reset."""
        for writer in self._writers:
            if not writer.transport.is_closing():
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
            writer.transport.abort()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_upwards: bool) -> None:
        """Forward one direction until it ends."""
        with suppress(OSError):
            while piece := await reader.read(_PIECE):
                if is_upwards:
                    self.sent += piece
                    del self.sent[:-_REMEMBERED]
                if self._proxy.delay:
                    await asyncio.sleep(self._proxy.delay)
                await self._may_pass.wait()
                if self.mode == "pass":
                    writer.write(piece)
                    await writer.drain()
        writer.close()


class FaultProxy:
    """Listens on a port of its own and forwards to another.

    Args:
        port: where the server is, on this machine.
        tls: what clients are greeted with; the server itself speaks plainly.
    """

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self.delay = 0.0
        self.mode: Mode = "pass"
        self.accepted = 0
        self.links: set[Link] = set()
        self._target = port
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.admit()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()
        self.thaw()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def freeze(self) -> None:
        """Forward nothing and close nothing; new connections are taken and stand still as well."""
        self._be("freeze")

    def swallow(self) -> None:
        """Take everything and forward nothing."""
        self._be("swallow")

    def thaw(self) -> None:
        """Forward again. What was swallowed is lost: on such a link nothing makes sense any more."""
        self._be("pass")

    def cut(self) -> None:
        """Break all connections; new ones are taken."""
        for link in list(self.links):
            link.cut()

    def links_that_sent(self, word: bytes) -> Iterator[Link]:
        """The connections over which a client has sent this, such as `SUBSCRIBE`."""
        return (link for link in list(self.links) if word in link.sent)

    async def admit(self) -> None:
        """Take new connections."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Take no new connections; those that are there stay."""
        if self._server is not None:
            self._server.close()
            self._server = None
            await asyncio.sleep(0)

    def _be(self, mode: Mode) -> None:
        self.mode = mode
        for link in self.links:
            link.be(mode)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to what is behind, for one client; an OSError hangs up on it."""
        return await asyncio.open_connection("127.0.0.1", self._target)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            up_reader, up_writer = await self._reach()
        except OSError:
            writer.transport.abort()
            return
        link = Link(self, (writer, up_writer))
        self.links.add(link)
        try:
            await asyncio.gather(
                link.pump(reader, up_writer, is_upwards=True), link.pump(up_reader, writer, is_upwards=False)
            )
        finally:
            self.links.discard(link)
            link.cut()
