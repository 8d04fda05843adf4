"""The outlets: framing, order, water marks, closing; one suite for our own and for the one over `send`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from app.sockets.fair import FairProtocol
from app.sockets.outlet import HIGH_WATER, LOW_WATER, MAX_BUFFERED, AsgiOutlet, Outlet, RawOutlet, frame, payload_of
from tests.app.sockets.edge import CLOSE, TEXT, Edge, Receive, edge, fill, keep, masked, raw, until

SERVERS: dict[str, type[asyncio.Protocol]] = {"raw": FairProtocol, "asgi": WebSocketsSansIOProtocol}


@pytest.fixture(params=list(SERVERS))
def serving(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """The edge with our protocol class, and with uvicorn's own, which offers no outlet."""

    @asynccontextmanager
    async def start(*args: Any, **kwargs: Any) -> AsyncIterator[Edge]:
        async with edge(*args, ws=SERVERS[request.param], **kwargs) as server:
            yield server

    return start


# Framing


@given(st.integers(0, 200_000), st.binary(min_size=1, max_size=8))
def test_a_frame_is_what_websockets_makes_of_the_same_text(size: int, pattern: bytes) -> None:
    payload = (pattern * (size // len(pattern) + 1))[:size]
    framed = frame(payload)
    assert framed == Frame(Opcode.TEXT, payload).serialize(mask=False)
    assert payload_of(framed) == payload


@pytest.mark.parametrize("size", [0, 125, 126, 127, 65_535, 65_536])
def test_a_frame_at_the_edges_of_its_length_encodings(size: int) -> None:
    assert frame(b"x" * size) == Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)


# Writing


async def test_the_scope_offers_our_own_outlet_and_any_other_server_gets_one_over_send(serving: Any) -> None:
    async with serving() as server, connect(server.url):
        kind = RawOutlet if server.server.config.ws is FairProtocol else AsgiOutlet
        assert isinstance(await server.outlet(), kind)


async def test_batches_arrive_whole_and_in_order(serving: Any) -> None:
    messages = [f"{number}:{'ü' * (number * 37 % 70_000)}" for number in range(100)]
    async with serving() as server, connect(server.url, max_size=None) as client:
        outlet = await server.outlet()
        framed = [frame(message.encode()) for message in messages]
        outlet.write(framed[:1])
        outlet.write(framed[1:60])
        outlet.write([])
        outlet.write(framed[60:])
        assert [await client.recv() for _ in messages] == messages


async def test_the_same_bytes_go_to_every_socket(serving: Any) -> None:
    async with serving() as server, connect(server.url) as one, connect(server.url) as two:
        await server.until(lambda: len(server.outlets) == 2)
        shared = [frame(b"one"), frame(b"two")]
        for outlet in server.outlets:
            outlet.write(shared)
        assert [await one.recv(), await one.recv()] == ["one", "two"]
        assert [await two.recv(), await two.recv()] == ["one", "two"]


async def test_a_connection_that_negotiated_deflate_gets_compressed_frames(serving: Any) -> None:
    async with serving(deflate=True) as server, connect(server.url) as client:
        assert client.protocol.extensions
        outlet = await server.outlet()
        outlet.write([frame(b"a" * 10_000), frame(b"b" * 10_000)])
        assert [await client.recv(), await client.recv()] == ["a" * 10_000, "b" * 10_000]


async def test_deflated_frames_are_smaller_on_the_wire() -> None:
    async with (
        edge(deflate=True) as server,
        raw(server.port, b"Sec-WebSocket-Extensions: permessage-deflate\r\n") as client,
    ):
        (await server.outlet()).write([frame(b"a" * 10_000)])
        opcode, payload = await client.frame()
        assert opcode == TEXT
        assert len(payload) < 100


async def test_writing_before_the_accept_is_a_mistake_of_ours() -> None:
    accept = asyncio.Event()
    async with edge(accept=accept) as server:
        connecting = asyncio.create_task(connect(server.url).__aenter__())
        await server.seen("websocket.connect")
        (protocol,) = (one for one in server.server.server_state.connections if isinstance(one, FairProtocol))
        with pytest.raises(RuntimeError, match=r"after 'websocket.accept'"):
            RawOutlet(protocol).write([frame(b"early")])
        accept.set()
        await (await connecting).close()


# A peer that does not read


async def test_a_standing_peer_makes_it_unwritable_and_a_reading_one_calls_back(serving: Any) -> None:
    async with serving() as server, raw(server.port) as client:
        outlet = await server.outlet()
        drained = asyncio.Event()
        outlet.on_writable(drained.set)
        client.transport.pause_reading()
        written = await fill(outlet)
        assert outlet.buffered > HIGH_WATER // 2
        assert not drained.is_set()
        client.transport.resume_reading()
        for _ in range(written):
            await client.frame()
        await drained.wait()
        assert outlet.writable
        assert outlet.buffered <= LOW_WATER


async def test_whoever_ignores_writable_loses_the_connection_and_not_the_memory(serving: Any) -> None:
    async with serving() as server, raw(server.port) as client:
        outlet = await server.outlet()
        client.transport.pause_reading()
        await fill(outlet)
        one = frame(b"x" * 1_000_000)
        for _ in range(MAX_BUFFERED // len(one) + 2):
            outlet.write([one])
        assert not outlet.writable
        assert outlet.buffered == 0


async def test_abort_drops_the_connection_without_a_close_frame() -> None:
    async with edge() as server, raw(server.port) as client:
        (await server.outlet()).abort()
        assert await client.close_code() == 1006
        await server.seen("websocket.disconnect")


# Closing


async def test_a_close_comes_behind_what_was_written(serving: Any) -> None:
    async def farewell(outlet: Outlet, receive: Receive) -> None:
        outlet.write([frame(b"first"), frame(b"second")])
        outlet.close(4400, "invalid_frame")
        outlet.write([frame(b"never")])
        outlet.close(1000)

    async with serving(farewell) as server, connect(server.url) as client:
        assert [await client.recv(), await client.recv()] == ["first", "second"]
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4400, "invalid_frame")


async def test_the_closing_handshake_ends_with_the_clients_echo() -> None:
    async with edge() as server, raw(server.port) as client:
        outlet = await server.outlet()
        outlet.close(4508)
        assert await client.frame() == (CLOSE, (4508).to_bytes(2, "big"))
        assert (await server.seen("websocket.disconnect"))["code"] == 4508
        client.send(masked(TEXT, b"ignored"), masked(CLOSE, (4508).to_bytes(2, "big")))
        assert await client.reader.read() == b""
        await server.until(lambda: not server.server.server_state.connections)
        assert len([event for event in server.events if event["type"] == "websocket.receive"]) == 0


async def test_nothing_is_written_after_the_client_closed(serving: Any) -> None:
    async def late(outlet: Outlet, receive: Receive) -> None:
        await keep(outlet, receive)
        outlet.write([frame(b"late")])
        outlet.close(1011)
        assert not outlet.writable
        finished.set()

    finished = asyncio.Event()
    async with serving(late) as server, raw(server.port) as client:
        client.send(masked(CLOSE, b"\x03\xe8"))
        assert await client.frame() == (CLOSE, b"\x03\xe8")
        assert await client.reader.read() == b""
        async with asyncio.timeout(5):
            await finished.wait()


async def test_a_close_does_not_wait_for_a_peer_that_does_not_read() -> None:
    async with edge() as server, raw(server.port) as client:
        client.transport.pause_reading()
        await fill(await server.outlet())
        async with asyncio.timeout(5):
            await server.sends[0]({"type": "websocket.close", "code": 4508})
        assert (await server.seen("websocket.disconnect"))["code"] == 4508


async def test_a_standing_peer_does_not_hold_a_connection_whose_application_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def leaving(outlet: Outlet, receive: Receive) -> None:
        await fill(outlet)

    monkeypatch.setattr("app.sockets.fair.LINGER", 0.05)
    async with edge(leaving) as server, raw(server.port) as client:
        client.transport.pause_reading()
        await server.until(lambda: bool(server.outlets))
        await server.until(lambda: not server.server.server_state.connections)


# What only the outlet over `send` can do wrong


async def test_the_writer_ends_quietly_when_the_peer_is_gone() -> None:
    async def send(message: object) -> None:
        raise BrokenPipeError

    async with AsgiOutlet(send) as outlet:
        outlet.write([frame(b"x")])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not outlet.writable
        assert outlet.buffered == 0


async def test_whatever_else_breaks_the_writer_reaches_its_owner() -> None:
    async def send(message: object) -> None:
        raise ValueError("a fault of the server")

    with pytest.raises(ValueError, match="a fault of the server"):
        await break_it(AsgiOutlet(send))


async def break_it(outlet: AsgiOutlet) -> None:
    async with outlet:
        outlet.write([frame(b"x")])
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def is_at(outlet: Outlet, buffered: int) -> bool:
    return outlet.buffered == buffered


async def test_it_is_writable_again_at_the_low_mark_and_not_before() -> None:
    async def send(message: object) -> None:
        await turns.acquire()

    turns = asyncio.Semaphore(0)
    left: list[int] = []
    async with AsgiOutlet(send) as outlet:
        outlet.on_writable(lambda: left.append(outlet.buffered))
        one = frame(b"x" * 10_000)
        outlet.write([one] * 10)
        for taken in range(1, 10):
            turns.release()
            await until(partial(is_at, outlet, (10 - taken) * len(one)))
            assert outlet.writable == (outlet.buffered <= LOW_WATER)
        assert left == [len(one)]


async def test_a_peer_that_takes_nothing_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def send(message: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("app.sockets.outlet.CLOSE_GRACE", 0.01)
    async with asyncio.timeout(5), AsgiOutlet(send) as outlet:
        outlet.write([frame(b"x")])
        outlet.close(1000)
