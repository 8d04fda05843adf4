"""The proxy of the fault tests does to a connection what its name says."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fault_proxy import FaultProxy

SOON = 5.0
A_WHILE = 0.05
"""Long enough for a word to arrive that should not."""


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    """A proxy to a server that sends back every line."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with FaultProxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def say(self, line: bytes) -> None:
        self.writer.write(line + b"\n")

    async def hears(self, within: float = SOON) -> bytes | None:
        """The next line; None when none comes."""
        try:
            async with asyncio.timeout(within):
                return (await self.reader.readline()).strip()
        except TimeoutError:
            return None


@pytest.fixture
async def client(proxy: FaultProxy) -> AsyncIterator[Client]:
    client = Client(*await asyncio.open_connection("127.0.0.1", proxy.port))
    client.say(b"hello")
    assert await client.hears() == b"hello"
    yield client
    client.writer.close()


async def test_what_is_frozen_arrives_after_the_thaw(proxy: FaultProxy, client: Client) -> None:
    proxy.freeze()
    client.say(b"one")
    assert await client.hears(A_WHILE) is None
    proxy.thaw()
    assert await client.hears() == b"one"


async def test_what_is_swallowed_never_arrives(proxy: FaultProxy, client: Client) -> None:
    proxy.swallow()
    client.say(b"one")
    assert await client.hears(A_WHILE) is None
    proxy.thaw()
    client.say(b"two")
    assert await client.hears() == b"two"


async def test_a_cut_ends_the_connections_there_are(proxy: FaultProxy, client: Client) -> None:
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        await client.hears()
    again = Client(*await asyncio.open_connection("127.0.0.1", proxy.port))
    again.say(b"one")
    assert await again.hears() == b"one"
    again.writer.close()


async def test_whoever_is_refused_may_come_again_to_the_same_port(proxy: FaultProxy, client: Client) -> None:
    port = proxy.port
    await proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    client.say(b"still here")
    assert await client.hears() == b"still here"
    await proxy.admit()
    assert proxy.port == port
    (await asyncio.open_connection("127.0.0.1", port))[1].close()


async def test_one_link_is_broken_and_the_others_go_on(proxy: FaultProxy, client: Client) -> None:
    other = Client(*await asyncio.open_connection("127.0.0.1", proxy.port))
    other.say(b"SUBSCRIBE")
    assert await other.hears() == b"SUBSCRIBE"
    (link,) = proxy.links_that_sent(b"SUBSCRIBE")
    link.be("freeze")
    other.say(b"one")
    assert await other.hears(A_WHILE) is None
    client.say(b"two")
    assert await client.hears() == b"two"
    link.cut()
    with pytest.raises(ConnectionResetError):
        await other.hears()


async def test_a_delay_delays(proxy: FaultProxy, client: Client) -> None:
    proxy.delay = 0.05
    loop = asyncio.get_running_loop()
    began = loop.time()
    client.say(b"one")
    assert await client.hears() == b"one"
    assert loop.time() - began >= 0.1  # there and back
