"""The handshake, over fakes and in virtual time."""

import pytest

from tests.app.sockets.asgi_client import Client
from tests.app.sockets.fake_node import running, virtual
from tests.virtual import run_virtual


@pytest.mark.parametrize(
    ("headers", "is_accepted"),
    [
        ({}, True),
        ({"cookie": "tidewire_session=x"}, False),
        ({"cookie": "tidewire_session=x", "origin": "http://evil.example"}, False),
        ({"cookie": "tidewire_session=x", "origin": "http://localhost:8000"}, True),
    ],
)
def test_g31_a_foreign_page_is_refused_before_accept(headers: dict[str, str], is_accepted: bool) -> None:
    async def main() -> None:
        async with running() as node, Client(node.sockets, headers=headers) as client:
            assert (client.accepted is not None) is is_accepted
            assert client.closed == (None if is_accepted else (1008, ""))

    run_virtual(main())


@pytest.mark.parametrize(
    ("offered", "chosen"), [(("tidewire.v1",), "tidewire.v1"), (("other", "tidewire.v1"), "tidewire.v1"), ((), None)]
)
def test_the_server_selects_its_protocol(offered: tuple[str, ...], chosen: str | None) -> None:
    async def main() -> None:
        async with running() as node, Client(node.sockets, subprotocols=offered) as client:
            assert client.accepted == chosen
            await client.hello()

    run_virtual(main())


@virtual
async def test_an_unknown_protocol_is_echoed_and_refused() -> None:
    async with running() as node, Client(node.sockets, subprotocols=("tidewire.v9", "x")) as client:
        assert client.accepted == "tidewire.v9"
        assert await client.gone() == (4406, "unsupported_protocol")
        assert [(frame["type"], frame["fatal"]) for frame in client.frames] == [("error", True)]


@virtual
async def test_an_address_has_only_so_many_sockets_unless_it_is_loopback() -> None:
    far = {"x-forwarded-for": "192.0.2.1"}
    async with running() as node, Client(node.sockets, headers=far) as one, Client(node.sockets, headers=far) as two:
        await one.hello()
        await two.hello()
        async with Client(node.sockets, headers=far) as third:
            assert await third.gone() == (4409, "connection_limit")
            assert "address" in third.frames[0]["error"]["message"]
        async with Client(node.sockets, headers={"x-forwarded-for": "192.0.2.2"}) as another:
            await another.hello()
        async with Client(node.sockets) as local, Client(node.sockets), Client(node.sockets):
            await local.hello()
        two.leave()
        await two.turns()
        async with Client(node.sockets, headers=far) as fourth:
            await fourth.hello()


@virtual
async def test_g30_a_draining_node_takes_no_new_sockets() -> None:
    async with running() as node, Client(node.sockets) as old:
        await old.hello()
        node.sockets.stop_admitting()
        async with Client(node.sockets) as client:
            assert await client.gone() == (1012, "draining")
            assert client.frames[0]["error"]["retryable"]
        assert old.closed is None
        assert len(node.sockets) == 1
