"""A transport that a test leaves open fails it, on the loop of production as on asyncio's."""

import asyncio

import pytest

from tests.loops import UvLoop


async def _leave_open() -> asyncio.BaseTransport:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    server.close()
    return transport


def test_an_open_transport_fails_the_close_of_its_loop() -> None:
    loop = UvLoop()
    kept = loop.run_until_complete(_leave_open())  # or the collector would close it
    with pytest.raises(ResourceWarning, match="TCPTransport"):
        loop.close()
    assert loop.is_closed()
    assert "closed=True" in repr(kept)


def test_a_loop_with_nothing_open_closes() -> None:
    loop = UvLoop()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert loop.is_closed()
