"""What passed over sockets, counted: by the endpoint over a fake node, and the labels that strangers choose."""

from typing import Any, cast

from app.commands.table import Commands
from app.sockets.traffic import Traffic
from tests.app.sockets.asgi_client import Client
from tests.app.sockets.fake_node import Node, running, virtual


def statistics(node: Node) -> Any:
    node.sockets._services.commands = Commands([])
    seen = node.sockets.statistics()
    node.sockets._services.commands = cast(Commands, node)
    return seen


@virtual
async def test_sockets_are_counted_as_they_come_and_go() -> None:
    async with running() as node:
        async with Client(node.sockets) as client, Client(node.sockets) as other:
            await client.hello()
            other.send(type="ping", id="p")  # before a hello
            assert await other.gone() == (4400, "hello_required")
            seen = statistics(node)
            assert (seen.accepted, seen.refused, seen.closed) == (2, 0, {"4400": 1})
            assert (seen.open, seen.stalled, seen.full) == (1, 0, 0)
            assert seen.errors == {"hello_required": 1}
            assert seen.bytes_sent > 100
        async with Client(node.sockets, headers={"origin": "http://evil.example"}) as stranger:
            assert (await stranger.gone())[0] == 1008
        seen = statistics(node)
        assert (seen.open, seen.accepted, seen.refused, seen.closed) == (0, 2, 1, {"4400": 1, "1006": 1})


def test_codes_that_clients_make_up_share_a_label() -> None:
    traffic = Traffic()
    for code in (1000, 4409, *range(3_000, 4_400)):
        traffic.gone(code, 1)
    assert traffic.closed == {"1000": 1, "4409": 1, "other": 1_400}
    assert traffic.bytes_sent == 1_402
