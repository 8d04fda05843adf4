"""The protocol class: fairness, bounds, close codes, and the cases of RFC 6455 that touch what it overrides."""

import asyncio
import random

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.sockets.fair import MAX_FRAGMENTS, SLICE, FairProtocol
from app.sockets.outlet import Outlet, frame
from tests.app.sockets.edge import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    Receive,
    edge,
    keep,
    masked,
    raw,
    tcp,
)

pytestmark = pytest.mark.usefixtures("quiet_log")


async def echo(outlet: Outlet, receive: Receive) -> None:
    while (event := await receive())["type"] != "websocket.disconnect":
        text = event.get("text")
        outlet.write([frame(text.encode() if text is not None else event["bytes"])])


# Fairness


async def test_a_flood_of_pings_does_not_hold_up_another_client() -> None:
    turns: list[FairProtocol] = []

    class Counting(FairProtocol):
        def _step(self) -> None:
            turns.append(self)
            super()._step()

    async with edge(echo, ws=Counting) as server, raw(server.port) as flooder, raw(server.port) as other:
        flooder.send(masked(PING, b"flood") * 40_000)
        await server.until(lambda: len(turns) > 0)
        other.send(masked(PING, b"me"))
        assert await other.frame() == (PONG, b"me")
        answered = len(turns)
        for _ in range(40_000):
            assert await flooder.frame() == (PONG, b"flood")
        # Answered after a few turns of the many that the flood takes, and every ping of the flood was answered too.
        assert answered < len(turns) / 2


async def test_a_flood_of_messages_is_not_read_ahead_of_the_application() -> None:
    taken = asyncio.Event()

    async def hesitant(outlet: Outlet, receive: Receive) -> None:
        await taken.wait()
        await keep(outlet, receive)

    async with edge(hesitant) as server, raw(server.port) as flooder:
        flooder.send(masked(TEXT, b"{}") * 50_000)
        protocol = await server.connection()
        await server.until(lambda: protocol.read_paused)
        assert 0 < protocol.queue.qsize() <= SLICE // 8 + 1
        assert protocol._held
        assert not protocol._stepping  # nor does the loop spin until the application comes
        taken.set()
        await server.until(lambda: len(server.events) == 50_001)


async def test_pongs_a_client_does_not_read_are_not_kept_but_for_the_latest() -> None:
    async with edge() as server, raw(server.port) as client:
        protocol = await server.connection()
        client.transport.pause_reading()
        payload = b"x" * 120
        while protocol.writable.is_set():
            client.send(masked(PING, payload) * 400)
            await client.writer.drain()
            await asyncio.sleep(0)
        held = protocol.transport.get_write_buffer_size()
        client.send(*[masked(PING, payload) for _ in range(2_000)], masked(PING, b"last"), masked(TEXT, b"done"))
        await server.seen("websocket.receive")
        assert protocol.transport.get_write_buffer_size() <= held
        client.transport.resume_reading()
        while (await client.frame())[1] != b"last":
            pass


async def test_frames_sent_before_the_accept_wait_for_it() -> None:
    accept = asyncio.Event()
    async with edge(echo, accept=accept) as server, tcp(server.port) as client:
        client.send(UPGRADE + b"\r\n")
        await server.seen("websocket.connect")
        client.send(masked(TEXT, b"early"))
        protocol = await server.connection()
        await server.until(lambda: bool(protocol._held))
        accept.set()
        await client.reader.readuntil(b"\r\n\r\n")
        assert await client.frame() == (TEXT, b"early")


# Limits and close codes


async def test_an_oversized_frame_closes_1009() -> None:
    async with edge() as server, connect(server.url) as client:
        await client.send("x" * (256 * 1024 + 1))
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        assert (await server.seen("websocket.disconnect"))["code"] == 1009


async def test_a_client_hears_why_even_when_it_goes_on_sending_what_is_too_large() -> None:
    async with edge() as server, raw(server.port) as client:
        client.send(masked(TEXT, b"x" * 8_000_000))
        await client.writer.drain()
        assert await client.close_code() == 1009


async def test_a_message_at_the_limit_arrives_whole() -> None:
    async with edge(echo) as server, connect(server.url, max_size=None) as client:
        await client.send("x" * 256 * 1024)
        assert await client.recv() == "x" * 256 * 1024


async def test_an_endpoint_sets_its_own_limit() -> None:
    async def larger(outlet: Outlet, receive: Receive) -> None:
        outlet.limit(4 * 1024 * 1024)
        await echo(outlet, receive)

    async with edge(larger) as server, connect(server.url, max_size=None) as client:
        await client.send("x" * 4 * 1024 * 1024)
        assert len(await client.recv()) == 4 * 1024 * 1024


async def test_fragments_together_are_bounded_like_one_frame() -> None:
    async with edge() as server, raw(server.port) as client:
        client.send(masked(TEXT, b"x" * 200_000, fin=False), masked(CONT, b"x" * 200_000, fin=False))
        assert await client.close_code() == 1009


async def test_a_message_of_very_many_fragments_closes_1009() -> None:
    async with edge() as server, raw(server.port) as client:
        client.send(masked(TEXT, b"", fin=False), masked(CONT, b"", fin=False) * 50_000)
        assert await client.close_code() == 1009


async def test_a_message_of_as_many_fragments_as_allowed_arrives() -> None:
    async with edge(echo) as server, raw(server.port) as client:
        client.send(
            masked(TEXT, b"a", fin=False), masked(CONT, b"b", fin=False) * (MAX_FRAGMENTS - 2), masked(CONT, b"c")
        )
        assert await client.frame() == (TEXT, b"a" + b"b" * (MAX_FRAGMENTS - 2) + b"c")


BAD_TEXT = {
    "bytes": [masked(TEXT, b"ok \xff")],
    "surrogate": [masked(TEXT, b"\xed\xa0\x80")],
    "cut off": [masked(TEXT, "ä".encode()[:1], fin=False), masked(CONT, b"x")],
    "frames behind it": [masked(TEXT, b"\xff"), masked(PING, b"later"), masked(TEXT, b"\xff")],
    "close reason": [masked(CLOSE, b"\x03\xe8\xff")],
}


async def test_bad_utf8_closes_1007() -> None:
    async with edge() as server:
        for case, frames in BAD_TEXT.items():
            async with raw(server.port) as client:
                client.send(*frames)
                assert await client.close_code() == 1007, case


async def test_bad_utf8_with_a_close_behind_it_ends_with_the_clients_own_code() -> None:
    async with edge() as server, raw(server.port) as client:
        client.send(masked(TEXT, b"\xff"), masked(CLOSE, b"\x03\xe8"))
        assert await client.close_code() == 1000


BROKEN = {
    "rsv1 without an extension": masked(TEXT, b"x", rsv=0x40),
    "rsv2": masked(TEXT, b"x", rsv=0x20),
    "reserved data opcode": masked(3, b"x"),
    "reserved control opcode": masked(11, b"x"),
    "long ping": masked(PING, b"x" * 126),
    "fragmented ping": masked(PING, b"x", fin=False),
    "continuation of nothing": masked(CONT, b"x"),
    "message inside a message": masked(TEXT, b"x", fin=False) + masked(TEXT, b"x"),
    "half a close code": masked(CLOSE, b"\x03"),
    "reserved close code": masked(CLOSE, (1005).to_bytes(2, "big")),
    "close code out of range": masked(CLOSE, (999).to_bytes(2, "big")),
    "unmasked": b"\x81\x01x",
    "http": b"GET / HTTP/1.1\r\n\r\n",
}


async def test_a_broken_frame_closes_1002() -> None:
    async with edge() as server:
        for case, frames in BROKEN.items():
            async with raw(server.port) as client:
                client.send(frames)
                assert await client.close_code() == 1002, case


async def test_an_application_that_still_sends_to_a_failed_client_hears_of_a_disconnect() -> None:
    async def talkative(outlet: Outlet, receive: Receive) -> None:
        await keep(outlet, receive)
        outlet.write([frame(b"too late")])
        outlet.close(1000)

    async with edge(talkative) as server, raw(server.port) as client:
        client.send(masked(TEXT, b"\xff"))
        assert await client.close_code() == 1007


async def test_a_send_to_a_failed_client_is_a_disconnect_and_not_a_fault_of_the_application() -> None:
    async with edge() as server, raw(server.port) as client:
        client.send(masked(TEXT, b"\xff"))
        await server.seen("websocket.disconnect")
        with pytest.raises(OSError):
            await server.sends[0]({"type": "websocket.send", "text": "too late"})
        with pytest.raises(OSError):
            await server.sends[0]({"type": "websocket.close"})


async def test_a_failed_client_is_read_to_its_end_and_not_heard() -> None:
    async with edge() as server, raw(server.port) as client:
        protocol = await server.connection()
        client.send(BROKEN["unmasked"])
        assert await client.close_code() == 1002
        await server.until(lambda: not server.server.server_state.tasks)
        client.send(masked(TEXT, b"more"))
        client.writer.write_eof()
        await server.until(lambda: not server.server.server_state.connections)
        assert [protocol.queue.get_nowait()["type"] for _ in range(protocol.queue.qsize())] == ["websocket.disconnect"]


async def test_no_garbage_takes_the_server_down() -> None:
    chance = random.Random(6455)
    pieces = [
        masked(TEXT, b"{}"),
        masked(TEXT, b"\xc3", fin=False),
        masked(CONT, b"\xa4"),
        masked(CONT, b"x", fin=False),
    ]
    pieces += [
        masked(PING, b"p"),
        masked(PONG),
        masked(BINARY, b"\x00" * 200),
        *BROKEN.values(),
        masked(CLOSE, b"\x03\xe8"),
    ]
    async with edge(echo) as server:
        for _ in range(60):
            async with raw(server.port) as client:
                for _ in range(chance.randrange(1, 12)):
                    piece = bytearray(chance.choice(pieces))
                    if chance.random() < 0.3:
                        piece[chance.randrange(len(piece))] = chance.randrange(256)
                    client.send(bytes(piece[: chance.randrange(1, len(piece) + 1)] if chance.random() < 0.1 else piece))
                    await asyncio.sleep(0)
        await server.until(lambda: not server.server.server_state.connections)
        async with raw(server.port) as client:
            client.send(masked(TEXT, b"still here"))
            assert await client.frame() == (TEXT, b"still here")


# RFC 6455: fragmentation and control frames


async def test_control_frames_between_fragments_are_answered_at_once() -> None:
    async with edge(echo) as server, raw(server.port) as client:
        client.send(masked(TEXT, b"one ", fin=False), masked(PING, b"p"))
        assert await client.frame() == (PONG, b"p")
        client.send(masked(PONG, b"unasked"), masked(CONT, b"two ", fin=False), masked(CONT, b"three"))
        assert await client.frame() == (TEXT, b"one two three")


async def test_text_split_inside_a_character_is_whole_again() -> None:
    message = "Grüße, 世界 🌊".encode()
    async with edge(echo) as server, raw(server.port) as client:
        pieces = [bytes((byte,)) for byte in message]
        client.send(
            masked(TEXT, pieces[0], fin=False),
            *[masked(CONT, piece, fin=False) for piece in pieces[1:]],
            masked(CONT),
        )
        assert await client.frame() == (TEXT, message)


async def test_bytes_may_arrive_one_at_a_time() -> None:
    async with edge(echo) as server, raw(server.port) as client:
        for byte in masked(TEXT, b"slow"):
            client.send(bytes((byte,)))
            await asyncio.sleep(0)
        assert await client.frame() == (TEXT, b"slow")


async def test_every_length_encoding_survives_the_round_trip() -> None:
    async with edge(echo) as server, raw(server.port) as client:
        for size in (0, 1, 125, 126, 127, 65_535, 65_536, 200_000):
            client.send(masked(TEXT, b"x" * size))
            assert await client.frame() == (TEXT, b"x" * size)


async def test_a_close_is_echoed_and_ends_the_connection() -> None:
    async with edge() as server:
        for payload in (b"", b"\x03\xe8", b"\x03\xe8bye", (4000).to_bytes(2, "big")):
            async with raw(server.port) as client:
                client.send(masked(CLOSE, payload))
                assert await client.frame() == (CLOSE, payload)
                assert await client.reader.read() == b""


async def test_nothing_after_a_close_is_read() -> None:
    async with edge(echo) as server, raw(server.port) as client:
        client.send(masked(CLOSE, b"\x03\xe8"), masked(TEXT, b"after"), masked(PING, b"after"))
        assert await client.frame() == (CLOSE, b"\x03\xe8")
        assert await client.reader.read() == b""
        await server.seen("websocket.disconnect")
        assert not [event for event in server.events if event["type"] == "websocket.receive"]


async def test_a_binary_message_reaches_the_application_as_bytes() -> None:
    async with edge() as server, raw(server.port) as client:
        client.send(masked(BINARY, b"\xff"))
        assert (await server.seen("websocket.receive"))["bytes"] == b"\xff"
