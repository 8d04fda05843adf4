"""The HTTP side: what an incomplete or broken request may take, and that plain requests are untouched."""

import pytest

from app.sockets.upgrade import MAX_HEAD, BoundedHttpProtocol
from tests.app.sockets.edge import CLOSE, UPGRADE, edge, masked, raw, tcp

pytestmark = pytest.mark.usefixtures("quiet_log")


class Hurried(BoundedHttpProtocol):
    head_deadline = 0.05


class Patient(BoundedHttpProtocol):
    head_deadline = 1.0  # long enough for a head that is on its way, on a busy machine, too


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("beginning", [b"", b"GET", UPGRADE, GET + b"GET / HTTP/1.1\r\nHost:"])
async def test_a_head_that_does_not_end_is_refused_at_its_deadline(beginning: bytes) -> None:
    async with edge(http=Hurried) as server, tcp(server.port) as client:
        client.send(beginning)
        answer = await client.reader.read()
        assert answer.endswith(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        await server.until(lambda: not server.server.server_state.connections)


async def test_the_deadline_ends_with_the_head() -> None:
    async with edge(http=Patient) as server, tcp(server.port) as idle, raw(server.port) as socket:
        idle.send(GET)
        assert (await idle.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        async with tcp(server.port) as later:
            await later.reader.read()
        # That connection lived a whole deadline; the two that had sent their heads before it are still open.
        idle.send(GET)
        assert (await idle.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        socket.send(masked(CLOSE, b"\x03\xe8"))
        assert await socket.close_code() == 1000


async def test_a_head_without_end_is_refused_at_its_size() -> None:
    async with edge() as server, tcp(server.port) as client:
        client.send(UPGRADE)
        for _ in range(MAX_HEAD // 1000 + 1):
            client.send(b"x-more: " + b"x" * 990 + b"\r\n")
        assert (await client.reader.readline()).startswith(b"HTTP/1.1 431")


async def test_a_long_body_is_not_taken_for_a_head() -> None:
    async with edge() as server, tcp(server.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000 + GET[:20])
        assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        client.send(GET[20:])
        assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")


async def test_a_plain_request_leaves_no_line_with_its_query() -> None:
    async with edge() as server, tcp(server.port) as client:
        client.send(GET.replace(b"GET /", b"GET /v1/files?ticket=secret-ticket"))
        assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")


REFUSED = {
    "long line": (UPGRADE + b"x-long: " + b"x" * 9000 + b"\r\n\r\n", b"431"),
    "long path": (UPGRADE.replace(b"secret-ticket", b"x" * 9000) + b"\r\n", b"414"),
    "many lines": (UPGRADE + b"x: y\r\n" * 200 + b"\r\n", b"431"),
    "body": (UPGRADE + b"Content-Length: 5\r\n\r\nhello", b"400"),
    "chunked body": (UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n", b"400"),
    "no key": (UPGRADE.replace(b"Sec-WebSocket-Key", b"x-key") + b"\r\n", b"400"),
    "two keys": (UPGRADE + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", b"400"),
    "bad key": (UPGRADE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"\xff\xfe") + b"\r\n", b"400"),
    "old version": (UPGRADE.replace(b"Version: 13", b"Version: 8") + b"\r\n", b"400"),
    "post": (UPGRADE.replace(b"GET", b"POST") + b"\r\n", b"405"),
    "two upgrades": (UPGRADE + b"Upgrade: h2c\r\n\r\n", b"204"),
    "path beyond ascii": (UPGRADE.replace(b"/v1/socket", b"/\xff\xfe") + b"\r\n", b"400"),
    "not http": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    "empty lines": (b"\r\n" * 100 + b"x", b"400"),
}


async def test_a_broken_upgrade_is_answered_and_closed() -> None:
    async with edge() as server:
        for case, (request, status) in REFUSED.items():
            async with tcp(server.port) as client:
                client.send(request)
                answer = await client.reader.readline()
                assert answer.startswith(b"HTTP/1.1 " + status), (case, answer)
                if status != b"204":
                    await client.reader.read()


async def test_an_upgraded_connection_keeps_nothing_of_its_http_side() -> None:
    kept: list[BoundedHttpProtocol] = []

    class Remembered(BoundedHttpProtocol):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through
            kept.append(self)

    async with edge(http=Remembered) as server, raw(server.port):
        (protocol,) = kept
        assert protocol._head_timer is None
        assert protocol not in server.server.server_state.connections
        assert protocol.parser is None
