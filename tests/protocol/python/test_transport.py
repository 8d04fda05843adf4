"""The SDK over real sockets, against a tiny server that speaks the wire."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import tidewire
from tidewire import transport

from protocol.frames.server import Error
from tests.protocol.client.peer import refused
from tests.protocol.python.host import hosted


@pytest.mark.parametrize("fragment", [False, True])
async def test_conversation_over_a_real_socket(fragment: bool) -> None:
    async with hosted() as host:
        host.fragment = fragment
        async with tidewire.connect(host.url, token="t") as client:
            assert host.connections[0].subprotocol == "tidewire.v1"
            answer = await client.send("chat_1", "Hällo")
            host.world.logs["str_1"].say("größer ", "🙂")
            host.world.logs["str_1"].finish()
            await host.pump()
            assert (await answer.finished()).text == "größer 🙂"
        await host.connections[0].wait_closed()
        assert host.connections[0].close_code == 1000


async def test_lost_socket_is_replaced() -> None:
    async with hosted() as host:
        async with tidewire.connect(host.url, token="t", random=Quick()) as client:
            answer = await client.send("chat_1", "Hello")
            host.connections[0].transport.abort()
            host.world.logs["str_1"].say("on and on")
            host.world.logs["str_1"].finish()
            assert (await answer.finished()).text == "on and on"
        assert len(host.connections) == 2


class Quick(random.SystemRandom):
    """No jitter: nobody waits in a test."""

    def random(self) -> float:
        return 0.0


async def test_a_socket_that_is_gone_is_not_hung_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CLOSE_TIMEOUT", 0)
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
    async with hosted() as host:
        socket = await transport.connector()(f"{host.url.replace('http', 'ws')}/v1/socket")
        await host.connections[0].close()
        await socket.wait_closed()
        assert isinstance(socket, transport.WebSocketTransport)
        monkeypatch.setattr(socket._connection, "transport", Gone())
        socket.close(1000)
        later = asyncio.Event()
        asyncio.get_running_loop().call_later(0, later.set)  # after the one that is due already
        await later.wait()
    assert problems == []


class Gone:
    """asyncio's transport after it has closed with something left to write."""

    def abort(self) -> None:
        raise AttributeError("'NoneType' object has no attribute 'call_soon'")


async def test_server_that_closes_ends_with_its_code() -> None:
    async with hosted() as host:
        client = tidewire.connect(host.url, token="t")
        await client.__aenter__()
        answer = await client.send("chat_1", "Hello")
        await host.connections[0].close(4403)
        with pytest.raises(tidewire.ConnectionStopped) as stopped:
            await answer.finished()
        assert stopped.value.code == 4403
        await client.close()


async def test_refusal_before_the_hello_is_heard() -> None:
    async with hosted() as host:
        host.greet = Error(error=refused("unsupported_protocol"), fatal=True), 4406
        with pytest.raises(tidewire.ConnectionStopped, match="subprotocol"):
            async with tidewire.connect(host.url, token="t"):
                pytest.fail("entered")


@pytest.mark.parametrize(("status", "code"), [(401, 4401), (403, 4403), (404, 4406)])
async def test_handshake_that_is_refused_stops(status: int, code: int) -> None:
    async with hosted() as host:
        host.refuse = status
        with pytest.raises(tidewire.ConnectionStopped, match=str(code)):
            async with tidewire.connect(host.url, token="t"):
                pytest.fail("entered")


async def test_busy_or_absent_server_is_only_a_failure_to_connect() -> None:
    async with hosted() as host:
        host.refuse = 503
        with pytest.raises(tidewire.ConnectFailed) as failure:
            await tidewire.connector()(f"ws://127.0.0.1:{host.port}/v1/socket")
        assert failure.value.code == 1006
        port = host.port
    with pytest.raises(tidewire.ConnectFailed) as failure:
        await tidewire.connector()(f"ws://127.0.0.1:{port}/v1/socket")
    assert failure.value.code == 1006


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: int, body: Any) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/auth/guest ")
    host = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"host:"))[6:]
    assert b"origin: http://" + host in head.lower()
    data = json.dumps(body).encode()
    writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(data)}\r\nconnection: close\r\n\r\n".encode() + data)
    writer.close()


@asynccontextmanager
async def http(status: int, body: Any) -> AsyncIterator[str]:
    async with await asyncio.start_server(lambda r, w: _http(r, w, status, body), "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_guest_session() -> None:
    async with http(200, {"userId": "usr_1", "token": "secret", "expiresAt": 5}) as url:
        session = await tidewire.guest_session(url)
    assert (session.user_id, session.token, session.expires_at) == ("usr_1", "secret", 5)
    assert "secret" not in repr(session)


async def test_guests_may_be_refused() -> None:
    error = {"code": "rate_limited", "message": "Later.", "retryable": True, "retryAfterMs": 9}
    async with http(429, {"error": error}) as url:
        with pytest.raises(tidewire.CommandRefused, match="Later") as refusal:
            await tidewire.guest_session(url)
    assert refusal.value.error.retry_after_ms == 9


async def test_something_else_answers() -> None:
    async with http(502, ["not", "ours"]) as url:
        with pytest.raises(tidewire.CommandRefused, match="502"):
            await tidewire.guest_session(url)


async def test_nobody_answers() -> None:
    async with http(200, {}) as url:
        pass
    with pytest.raises(tidewire.Unreachable):
        await tidewire.guest_session(url)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://x", "http://"])
async def test_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="should look like"):
        await tidewire.guest_session(url)
