"""The bar for bad bytes: broken frames end their connection alone, and floods hold up nobody."""

import asyncio
import json

import pytest

from tests.system.abuse import KIB, SECRET, attacker, nested, send
from tests.system.server import ServerProcess
from tests.wire import Tab, guest, opened, question

TEXT, CONTINUATION, RFC_PING = 0x1, 0x0, 0x9
FIN = 0x80


def raw(opcode: int, payload: bytes = b"", *, fin: bool = True, claim: int | None = None) -> bytes:
    """A websocket frame as a client sends it, masked with zeros; `claim` is the length it says it has."""
    length = len(payload) if claim is None else claim
    if length < 126:
        head = bytes([opcode | fin * FIN, 0x80 | length])
    elif length < 65_536:
        head = bytes([opcode | fin * FIN, 0x80 | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([opcode | fin * FIN, 0x80 | 127]) + length.to_bytes(8, "big")
    return head + bytes(4) + payload


def padded(size: int) -> str:
    """A legal ping of exactly so many bytes."""
    empty = json.dumps({"type": "ping", "id": "p", "padding": ""})
    return json.dumps({"type": "ping", "id": "p", "padding": "x" * (size - len(empty))})


FATAL: dict[str, tuple[str | bytes, str | None, int]] = {
    "not JSON": (SECRET, "invalid_frame", 4400),
    "half a frame": ('{"type":"message.send","id":"c"', "invalid_frame", 4400),
    "two frames in one": ('{"type":"ping","id":"a"}{"type":"ping","id":"b"}', "invalid_frame", 4400),
    "a list": ('[{"type":"ping","id":"a"}]', "invalid_frame", 4400),
    "a number for a type": ('{"type":1,"id":"a"}', "invalid_frame", 4400),
    "NaN": ('{"type":"ping","id":"a","x":NaN}', "invalid_frame", 4400),
    "a literal NUL": ('{"type":"ping","id":"a","x":"\0"}', "invalid_frame", 4400),
    "nested beyond reading": (f'{{"type":"ping","id":"a","x":{nested(100_000)}}}', "invalid_frame", 4400),
    "binary": (b"\x00\x01\x02", None, 1003),
    "JSON in binary": (b'{"type":"ping","id":"a"}', None, 1003),
    "1 MB": (padded(1024 * KIB), None, 1009),
    "one byte too many": (padded(256 * KIB + 1), None, 1009),
}


@pytest.mark.parametrize("name", FATAL)
async def test_a_broken_frame_ends_its_connection_alone(abused: ServerProcess, neighbour: Tab, name: str) -> None:
    data, code, close = FATAL[name]
    async with attacker(abused) as tab:
        await tab.send(data)
        if code is None:
            assert await tab.closed() == close
            assert not tab.of_type("error")
        else:
            assert await tab.fatal() == (code, close)


@pytest.mark.parametrize("data", [b"\xff", b'{"type":"ping","id":"\xc3"}', b'{"type":"\xed\xa0\x80"}'])
async def test_bad_utf_8_closes_1007(abused: ServerProcess, neighbour: Tab, data: bytes) -> None:
    async with attacker(abused) as tab:
        await tab.socket.send(data, text=True)
        assert await tab.closed() == 1007


async def test_the_largest_frame_is_taken(abused: ServerProcess, neighbour: Tab) -> None:
    async with attacker(abused) as tab:
        await tab.send(padded(256 * KIB))
        await tab.until(lambda got: got["type"] == "pong")


async def test_a_huge_hello_is_closed(abused: ServerProcess, neighbour: Tab) -> None:
    hello = {"type": "hello", "id": "h", "clientId": "tab", "token": "t"}
    for size in (9_000, 200_000):
        async with Tab(abused.url) as tab:
            await tab.send(hello | {"padding": "x" * size})
            assert await tab.closed() == 1009
            assert tab.frames == []


async def test_a_stranger_can_do_nothing(abused: ServerProcess, neighbour: Tab) -> None:
    for frame in (send(), {"type": "stream.stop", "id": "c", "chatId": "chat"}, {"type": "pong", "id": "p1"}):
        async with Tab(abused.url) as tab:
            await tab.send(frame)
            assert await tab.fatal() == ("hello_required", 4400)
    bad_token = {"type": "hello", "id": "h", "clientId": "tab", "token": f"tws_{SECRET}"}
    async with Tab(abused.url) as tab:
        await tab.send(bad_token)
        await tab.send(send())
        assert await tab.fatal() == ("unauthenticated", 4401)
        assert len(tab.frames) == 1


# Floods: whatever somebody sends, the neighbour is served between two of it


async def test_a_flood_of_pings_is_answered_and_holds_up_nobody(abused: ServerProcess, neighbour: Tab) -> None:
    async with attacker(abused) as tab:
        count = 5_000
        flood = raw(TEXT, b'{"type":"ping","id":"p"}')
        tab.socket.transport.write(flood * count)
        await neighbour.settled()
        assert len(tab.of_type("pong")) < count
        await tab.until(lambda _: len(tab.of_type("pong")) >= count)


async def test_a_flood_of_commands_is_limited_then_cut(abused: ServerProcess, neighbour: Tab) -> None:
    async with attacker(abused) as tab:
        flood = b"".join(
            raw(TEXT, json.dumps(send(id=f"c{n}", chatId=f"chat_{n}", message=question(SECRET))).encode())
            for n in range(2_000)
        )
        tab.socket.transport.write(flood)
        await neighbour.settled()
        assert await tab.fatal() == ("rate_limited", 4529)
        codes = {frame["error"]["code"] for frame in tab.of_type("error")}
        assert codes <= {"rate_limited", "too_many_in_flight"}
        answered = [frame["id"] for frame in tab.frames if frame["type"] in ("ack", "error") and "id" in frame]
        assert len(answered) == len(set(answered))


async def test_a_flood_of_rfc_pings_holds_up_nobody(abused: ServerProcess, neighbour: Tab) -> None:
    async with attacker(abused) as tab:
        tab.socket.transport.write(raw(RFC_PING, b"x" * 100) * 20_000)
        await neighbour.settled()
        await tab.settled()


async def test_a_message_in_endless_pieces_is_closed(abused: ServerProcess, neighbour: Tab) -> None:
    async with attacker(abused) as tab:
        tab.socket.transport.write(raw(TEXT, b"{", fin=False) + raw(CONTINUATION, b"", fin=False) * 5_000)
        await neighbour.settled()
        assert await tab.closed() == 1009


async def test_half_frames_hold_up_nobody(abused: ServerProcess, neighbour: Tab) -> None:
    async with attacker(abused) as tab:
        tab.socket.transport.write(raw(TEXT, b'{"type":', claim=200 * KIB))
        for _ in range(3):
            await neighbour.settled()
        await tab.cut()
    async with attacker(abused) as tab:
        tab.socket.transport.write(raw(TEXT, b"x", claim=2**40))
        assert await tab.closed() == 1009


async def test_sockets_that_never_finish_their_handshake_hold_up_nobody(abused: ServerProcess, neighbour: Tab) -> None:
    host, port = abused.url.removeprefix("http://").split(":")
    halves = [await asyncio.open_connection(host, int(port)) for _ in range(100)]
    for _, writer in halves:
        writer.write(b"GET /v1/socket?ticket=twt_abracadabra HTTP/1.1\r\nHost: ")
    async with opened(abused.url) as another:
        await asyncio.gather(neighbour.settled(), another.settled())
    for _, writer in halves:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in halves), return_exceptions=True)


async def test_somebody_who_reads_nothing_of_a_flood_is_cut(abused: ServerProcess, neighbour: Tab) -> None:
    async with attacker(abused) as tab:
        tab.socket.transport.pause_reading()
        flood = raw(TEXT, json.dumps({"type": "ping", "id": "p" * 64}).encode()) * 1_000
        async with asyncio.timeout(20):
            while not tab.socket.transport.is_closing():
                tab.socket.transport.write(flood)
                await neighbour.settled()


async def test_many_guests_flood_at_once(abused: ServerProcess, neighbour: Tab) -> None:
    tabs = [Tab(abused.url, guest(abused.url)) for _ in range(10)]
    for tab in tabs:
        await tab.__aenter__()
    try:
        for tab in tabs:
            await tab.hello()
            tab.socket.transport.write(raw(TEXT, b'{"type":"nothing.known","id":"u"}') * 1_000)
        await neighbour.settled()
        for tab in tabs:
            await tab.until(lambda got: got["type"] == "error")
    finally:
        for tab in tabs:
            await tab.__aexit__(None, None, None)
