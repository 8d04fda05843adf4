"""The deadlines of a socket: heartbeats, hellos, and the end of its session."""

import asyncio
from typing import cast

from app.sockets.socket import Socket
from app.sockets.wheel import GRAIN
from tests.app.sockets.asgi_client import Client
from tests.app.sockets.fake_node import running, virtual
from tests.virtual import NOON


@virtual
async def test_g29_ten_minutes_of_heartbeats() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()
        await asyncio.sleep(600)
        assert client.closed is None
        gaps = [after - before for before, after in zip(client.pinged_at, client.pinged_at[1:], strict=False)]
        assert len(gaps) > 20
        assert all(25 <= gap <= 25 + 2 * GRAIN for gap in gaps)


@virtual
async def test_g29_a_client_that_answers_no_ping_is_closed() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()
        await asyncio.sleep(100)
        client.answers = False
        assert await client.gone() == (4508, "heartbeat_timeout")
        assert 10 <= client.closed_at - client.pinged_at[-1] <= 10 + 2 * GRAIN
        assert client.frames[-1]["fatal"]


@virtual
async def test_g26_a_tab_that_died_without_a_word_looks_for_ten_seconds_more() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()
        (socket,) = cast(set[Socket], node.sockets_of_user)
        assert not socket.watches("c")
        client.send(type="presence.update", visibility="visible", chatId="c")
        await client.turns()
        client.answers = False
        await asyncio.sleep(12)
        await client.next("ping")
        await asyncio.sleep(9.9)
        assert socket.watches("c")
        await client.gone()
        assert not socket.watches("c")


@virtual
async def test_a_client_that_says_nothing_is_closed_after_five_seconds() -> None:
    async with running() as node, Client(node.sockets) as client:
        assert await client.gone() == (4504, "hello_timeout")
        assert 5 <= client.closed_at <= 5 + 2 * GRAIN


@virtual
async def test_g33_an_expired_session_is_warned_and_closed_after_its_grace() -> None:
    async with running() as node, Client(node.sockets) as client:
        node.expires_in = 300
        await client.hello()
        await asyncio.sleep(239)
        assert not [frame for frame in client.frames if frame["type"] == "auth.expiring"]
        await client.next("auth.expiring", expiresAt=(NOON + 300) * 1000)
        assert await client.gone() == (4401, "token_expired")
        assert 330 <= client.closed_at <= 330 + 2 * GRAIN


@virtual
async def test_g33_a_fresh_token_keeps_a_socket_open_and_a_later_end_is_warned_of_again() -> None:
    async with running() as node, Client(node.sockets) as client:
        node.expires_in = 300
        await client.hello()
        await asyncio.sleep(239)
        await client.next("auth.expiring", expiresAt=(NOON + 300) * 1000)
        refreshed = await client.answer(client.send(type="auth.refresh", token="fresh"))
        expires_at = refreshed["result"]["expiresAt"]
        assert expires_at >= (NOON + 539) * 1000
        await asyncio.sleep(239)
        assert client.closed is None
        await client.next("auth.expiring", expiresAt=expires_at)
        await asyncio.sleep(80)
        assert await client.gone() == (4401, "token_expired")


@virtual
async def test_g33_a_refused_token_changes_nothing() -> None:
    async with running() as node, Client(node.sockets) as client:
        node.expires_in = 300
        await client.hello()
        refused = await client.answer(client.send(type="auth.refresh", token="foreign"))
        assert (refused["error"]["code"], "fatal" in refused) == ("permission_denied", False)
        await asyncio.sleep(320)
        assert await client.gone() == (4401, "token_expired")
        assert 330 <= client.closed_at <= 330 + 2 * GRAIN


@virtual
async def test_a_token_without_an_end_is_never_asked_for_again() -> None:
    async with running() as node, Client(node.sockets) as client:
        node.expires_in = 300
        await client.hello()
        assert (await client.answer(client.send(type="auth.refresh", token="endless")))["result"] == {}
        await asyncio.sleep(1_000)
        assert client.closed is None
        assert not [frame for frame in client.frames if frame["type"] == "auth.expiring"]


@virtual
async def test_g33_a_socket_lives_on_the_session_of_its_last_token() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()
        await client.answer(client.send(type="auth.refresh", token="fresh"))
        node.signed_in.end("u", ["ses"])
        await client.turns()
        assert client.closed is None
        node.signed_in.end("u", ["fresh"])
        assert await client.gone() == (4403, "session_revoked")


@virtual
async def test_g33_a_socket_that_closes_while_its_token_is_checked_is_forgotten() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()
        client.send(type="auth.refresh", token="fresh")
        client.leave()
