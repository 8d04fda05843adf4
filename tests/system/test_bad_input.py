"""The bar for bad input: the documented code, a neighbour who loses nothing, and a log without a trace of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.system.server import ServerProcess
from tests.wire import Frame, Tab, guest, opened, question

# In every text that is sent here; no log line may hold it, nor the beginning of a token.
SECRET = "abracadabra"
TEXT, CONTINUATION, RFC_PING = 0x1, 0x0, 0x9
FIN = 0x80
KIB = 1024


@pytest.fixture(scope="module")
def abused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that logs as much as it can; read at the end."""
    with ServerProcess(tmp_path_factory.mktemp("abused") / "data", LOG_LEVEL="debug") as server:
        yield server
        assert "Traceback" not in server.log
        assert "ERROR" not in server.log
        assert SECRET not in server.log
        assert "tws_" not in server.log


@pytest.fixture
async def neighbour(abused: ServerProcess) -> AsyncIterator[Tab]:
    """Somebody whose answer streams meanwhile: every token must come, and what is asked must be answered."""
    async with opened(abused.url) as tab:
        stream_id = (await tab.ask("chat", SECRET, options={"tokens": 100_000, "pace": 200}))["streamId"]
        await tab.reached(stream_id, 5)
        yield tab
        await tab.reached(stream_id, tab.streams[stream_id].last + 1)
        await tab.command("stream.stop", streamId=stream_id)
        end = await tab.ended(stream_id)
        assert end["seq"] == tab.streams[stream_id].last
        assert tab.streams[stream_id].fold.message() == (await tab.history("chat"))[-1]


@asynccontextmanager
async def attacker(abused: ServerProcess) -> AsyncIterator[Tab]:
    """Somebody who is signed in and means no good; whatever happens, a later hello of the same user works."""
    async with opened(abused.url) as tab:
        yield tab
    async with opened(abused.url, tab.token) as again:
        await again.settled()


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


def send(**fields: Any) -> Frame:
    return {"type": "message.send", "id": "c", "chatId": "chat", "message": question(SECRET)} | fields


def message(*parts: Any, **fields: Any) -> Frame:
    return {"id": "q", "role": "user", "parts": list(parts)} | fields


def text(value: str) -> Frame:
    return {"type": "text", "text": value}


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


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


REFUSED: dict[str, tuple[Frame, str, str | None]] = {
    "a chat id that is a number": (send(chatId=7), "invalid_argument", "$.chatId"),
    "an id with a newline": (send(chatId="chat\n"), "invalid_argument", "$.chatId"),
    "an id with an emoji": (send(chatId="chat😀"), "invalid_argument", "$.chatId"),
    "an id of 65 characters": (send(chatId="x" * 65), "invalid_argument", "$.chatId"),
    "an empty id": (send(chatId=""), "invalid_argument", "$.chatId"),
    "no message": (send(message=None), "invalid_argument", "$.message"),
    "a message that is a text": (send(message=SECRET), "invalid_argument", "$.message"),
    "a message of the assistant": (send(message=message(text("x"), role="assistant")), "invalid_argument", None),
    "a message without id": (send(message=message(text("x"), id=None)), "invalid_argument", "$.message.id"),
    "parts that are no list": (send(message=message() | {"parts": {}}), "invalid_argument", "$.message.parts"),
    "no parts": (send(message=message()), "invalid_argument", "$.message.parts"),
    "an empty text": (send(message=message(text(""))), "invalid_argument", "$.message.parts"),
    "blanks": (send(message=message(text(" \n\t\u00a0"))), "invalid_argument", "$.message.parts"),
    "a part that is a text": (send(message=message(SECRET)), "invalid_argument", "$.message.parts[0]"),
    "a part without type": (send(message=message({"text": "x"})), "invalid_argument", "$.message.parts[0].type"),
    "a part of unknown type": (send(message=message(text("x"), {"type": SECRET})), "invalid_argument", None),
    "a text that is a number": (
        send(message=message(text("x"), {"type": "text", "text": 7})),
        "invalid_argument",
        None,
    ),
    "10,000 parts": (send(message=message(*[text("x")] * 5_000)), "frame_too_large", "$.message.parts"),
    "200 KB of text": (send(message=message(text("x" * 200 * KIB))), "frame_too_large", "$.message.parts"),
    "options that are a list": (send(options=[]), "invalid_argument", "$.options"),
    "an option out of range": (send(options={"tokens": -1}), "invalid_argument", "$.options.tokens"),
    "an option beyond all numbers": (send(options={"tokens": 10**30}), "invalid_argument", "$.options.tokens"),
    "an option that is an object": (send(options={"pace": {"a": []}}), "invalid_argument", "$.options.pace"),
    "a fault that is a list": (send(options={"fault": ["hang"]}), "invalid_argument", "$.options.fault"),
    "a fault that does not exist": (send(options={"fault": SECRET}), "invalid_argument", "$.options.fault"),
    "an unknown model": (send(model="\0" + SECRET), "model_not_available", "$.model"),
    "an unknown project": (send(projectId="nothing"), "not_found", "$.projectId"),
    "an unknown ifActive": (send(ifActive="explode"), "invalid_argument", "$.ifActive"),
    "a text for a truth": (send(subscribe="yes"), "invalid_argument", "$.subscribe"),
    "a negative position": ({"type": "stream.subscribe", "streamId": "s", "after": -1}, "invalid_argument", "$.after"),
    "half a position": ({"type": "stream.subscribe", "streamId": "s", "after": 0.5}, "invalid_argument", "$.after"),
    "a position beyond 2^53": (
        {"type": "stream.subscribe", "streamId": "s", "after": 2**53},
        "invalid_argument",
        "$.after",
    ),
    "a page of 0": ({"type": "chat.get", "chatId": "chat", "limit": 0}, "invalid_argument", "$.limit"),
    "a page of a million": ({"type": "dashboard.get", "limit": 10**6}, "invalid_argument", "$.limit"),
    "a cursor of nonsense": ({"type": "dashboard.get", "cursor": "\0'; --"}, "invalid_argument", "$.cursor"),
    "an epoch with a space": ({"type": "events.resume", "epoch": "e 7", "offset": 0}, "invalid_argument", "$.epoch"),
    "a query that is a list": ({"type": "dashboard.get", "query": []}, "invalid_argument", "$.query"),
    "a query of 201 characters": ({"type": "dashboard.get", "query": "x" * 201}, "invalid_argument", "$.query"),
    "a chat of no name": ({"type": "chat.create", "chatId": "c", "title": " \u2003\n"}, "invalid_argument", "$.title"),
    "a name that is a number": ({"type": "chat.create", "chatId": "c", "title": 7}, "invalid_argument", "$.title"),
    "a name of 201 characters": (
        {"type": "chat.update", "chatId": "c", "title": "x" * 201},
        "invalid_argument",
        "$.title",
    ),
    "a chat in an unknown project": (
        {"type": "chat.create", "chatId": "c", "projectId": "nothing"},
        "not_found",
        "$.projectId",
    ),
    "a project with a space": (
        {"type": "chat.create", "chatId": "c", "projectId": "a b"},
        "invalid_argument",
        "$.projectId",
    ),
    "pinned by a text": ({"type": "chat.update", "chatId": "c", "pinned": "yes"}, "invalid_argument", "$.pinned"),
    "a change of nothing": ({"type": "chat.update", "chatId": "c"}, "invalid_argument", "$"),
    "a change of an unknown chat": (
        {"type": "chat.update", "chatId": "nothing", "title": "x"},
        "not_found",
        "$.chatId",
    ),
    "a deletion of an unknown chat": ({"type": "chat.delete", "chatId": "nothing"}, "not_found", "$.chatId"),
    "a chat without id": ({"type": "chat.delete"}, "invalid_argument", "$.chatId"),
    "a project of no name": (
        {"type": "project.create", "projectId": "p", "title": ""},
        "invalid_argument",
        "$.title",
    ),
    "33 KB of instructions": (
        {"type": "project.create", "projectId": "p", "instructions": "x" * 32_769},
        "invalid_argument",
        "$.instructions",
    ),
    "an unknown project changed": (
        {"type": "project.update", "projectId": "nothing", "title": "x"},
        "not_found",
        "$.projectId",
    ),
    "an unknown project deleted": ({"type": "project.delete", "projectId": "nothing"}, "not_found", "$.projectId"),
    "a stop of nothing": ({"type": "stream.stop"}, "invalid_argument", "$"),
    "an unknown type": ({"type": f"{SECRET}.{SECRET}"}, "unknown_type", None),
    "a type of another time": ({"type": "x" * 10_000}, "unknown_type", None),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_field_is_refused_by_name(shared_attacker: Tab, name: str) -> None:
    frame, code, param = REFUSED[name]
    command_id = f"c_{list(REFUSED).index(name)}"
    await shared_attacker.send(frame | {"id": command_id})
    answer = await shared_attacker.answer(command_id)
    assert answer["type"] == "error"
    assert "fatal" not in answer
    assert (answer["error"]["code"], answer["error"]["retryable"]) == (code, False)
    if param is not None:
        assert answer["error"]["param"] == param
    assert answer["error"]["message"].endswith(".")
    await shared_attacker.settled()


@pytest.fixture
async def shared_attacker(abused: ServerProcess, neighbour: Tab) -> AsyncIterator[Tab]:
    async with attacker(abused) as tab:
        yield tab
        assert (await tab.command("dashboard.get"))["result"]["chats"] == []


@pytest.mark.parametrize("bad", ["no id", "", "x" * 65, "id\n", "é", 7, None, {}, ["c"]])
async def test_a_bad_command_id_is_refused_without_an_id(abused: ServerProcess, neighbour: Tab, bad: Any) -> None:
    async with attacker(abused) as tab:
        await tab.send({"type": "dashboard.get", "id": bad})
        error = await tab.until(lambda got: got["type"] == "error")
        assert "id" not in error
        assert (error["error"]["code"], error["error"]["param"]) == ("invalid_argument", "$.id")
        await tab.settled()


@pytest.mark.parametrize("depth", [65, 254, 255, 1_000])
async def test_deep_nesting_is_refused(abused: ServerProcess, neighbour: Tab, depth: int) -> None:
    async with attacker(abused) as tab:
        frame = json.dumps(send(options={"x": "HERE"})).replace('"HERE"', nested(depth))
        await tab.send(frame)
        assert (await tab.answer("c"))["error"]["code"] == "invalid_argument"
        deep_part = json.dumps(send(message=message(text("x") | {"x": "HERE"}))).replace('"HERE"', nested(depth))
        await tab.send(deep_part.replace('"id": "c"', '"id": "d"', 1))
        assert (await tab.answer("d"))["error"]["code"] == "invalid_argument"


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        (r"a\u0000b", "a\ufffdb"),
        (r"half \ud83d of an emoji", "half \ufffd of an emoji"),
        (r"the other \ude00 half", "the other \ufffd half"),
        (r"whole \ud83d\ude00", "whole 😀"),
        (r"\u202e\u2028 \ufffe", "\u202e\u2028 \ufffe"),
        (r"</script><img src=x onerror=alert(1)>", "</script><img src=x onerror=alert(1)>"),
        (r"'; DROP TABLE messages; -- :user_id %s {0}", "'; DROP TABLE messages; -- :user_id %s {0}"),
    ],
)
async def test_strange_text_is_stored_and_answered(
    abused: ServerProcess, neighbour: Tab, written: str, stored: str
) -> None:
    async with attacker(abused) as tab:
        frame = json.dumps(send(message=message(text("HERE")), options={"tokens": 3, "tool": True, "thinking": 3}))
        await tab.send(frame.replace("HERE", written))
        end = await tab.ended((await tab.answer("c"))["result"]["streamId"])
        assert end["status"] == "completed"
        assert (await tab.history("chat"))[0]["parts"] == [text(stored)]
        assert (await tab.command("dashboard.get", query="%_!: xyzzy"))["result"]["chats"] == []


async def test_the_longest_text_is_stored_whole(abused: ServerProcess, neighbour: Tab) -> None:
    async with attacker(abused) as tab:
        longest = SECRET + "x" * (200_000 - len(SECRET))
        stream_id = (await tab.ask("chat", longest, options={"tokens": 3}))["streamId"]
        assert (await tab.ended(stream_id))["status"] == "completed"
        assert (await tab.history("chat"))[0]["parts"] == [text(longest)]


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
