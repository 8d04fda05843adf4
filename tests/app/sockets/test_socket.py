"""One connection over fakes, in virtual time: ten minutes of heartbeats take milliseconds."""

import asyncio
from typing import Any, cast

import pytest

from app.commands.reply import Caller, Reply
from app.sockets.wheel import GRAIN
from app.store.errors import StoreUnavailable
from app.streams.stream import Stream
from protocol.errors import Refusal, Violation
from tests.app.sockets.asgi_client import Client
from tests.app.sockets.fake_node import Node, running, virtual
from tests.virtual import run_virtual


def now() -> float:
    return asyncio.get_running_loop().time()


# Hellos


@virtual
async def test_g01_the_welcome_is_the_first_frame_whatever_happens_meanwhile() -> None:
    async with running() as node, Client(node.sockets) as client:
        node.greeting_takes = 1.0
        node.resumes = [(node.stream, 0)]
        node.write(2)
        client.send(type="hello", clientId="tab")
        client.send(type="ping")
        client.send(type="chat.get", chatId="c")
        await asyncio.sleep(0.5)
        node.tell()
        assert client.frames == []
        await client.next("stream.chunk")
        await client.next("ack")
        assert client.frames[0]["type"] == "welcome"


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (Violation("unauthenticated"), 4401, "unauthenticated"),
        (Violation("connection_limit"), 4409, "connection_limit"),
        (StoreUnavailable("away"), 4503, "unavailable"),
        (RuntimeError("a bug"), 4500, "internal"),
    ],
)
def test_g01_a_hello_that_fails_is_a_fatal_error_and_a_close(error: Exception, code: int, reason: str) -> None:
    async def main() -> None:
        async with running() as node, Client(node.sockets) as client:
            node.greets_with = error
            client.send(type="hello", clientId="tab")
            assert await client.gone() == (code, reason)
            assert [(frame["type"], frame["fatal"]) for frame in client.frames] == [("error", True)]
            assert "bug" not in str(client.frames)

    run_virtual(main())


@virtual
async def test_a_client_that_leaves_during_its_hello_leaves_nothing_behind() -> None:
    async with running() as node:
        async with Client(node.sockets) as client:
            node.greeting_takes = 1.0
            node.resumes = [(node.stream, 0)]
            client.send(type="hello", clientId="tab")
            await asyncio.sleep(0.5)
        node.write()


@pytest.mark.parametrize(
    ("text", "code"), [("[]", 4400), ("{", 4400), ('{"type":"ping","id":"p"}', 4400), ("x" * 9_000, 1009)]
)
def test_g01_a_first_frame_that_is_no_hello_closes(text: str, code: int) -> None:
    async def main() -> None:
        async with running() as node, Client(node.sockets) as client:
            client.text(text)
            assert (await client.gone())[0] == code

    run_virtual(main())


@virtual
async def test_a_binary_frame_closes() -> None:
    async with running() as node, Client(node.sockets) as client:
        client.bytes(b"{}")
        assert (await client.gone())[0] == 1003


# Commands


@virtual
async def test_a_hidden_tab_is_written_to_four_times_a_second() -> None:
    async with running() as node, Client(node.sockets) as client:
        node.resumes = [(node.stream, 0)]
        await client.hello()
        client.send(type="presence.update", visibility="hidden")
        await client.turns()
        began = now()
        for _ in range(250):
            await asyncio.sleep(0.016)
            node.write()
            node.tell()
        took = now() - began
        frames = [frame for frame in client.frames if frame["type"] == "stream.chunk"]
        assert took / (0.25 + GRAIN) - 1 <= len(frames) <= took / 0.25 + 1
        assert len([frame for frame in client.frames if frame["type"] == "event"]) > 230
        pong = client.send(type="ping")
        await client.turns()
        assert client.frames[-1] == {"type": "pong", "id": pong}, "what is asked is answered at once"
        client.send(type="presence.update", visibility="visible", chatId="c")
        await client.turns()
        assert [frame["seq"] for frame in client.frames if frame["type"] == "stream.chunk"][-1] == 250
        assert [frame["offset"] for frame in client.frames if frame["type"] == "event"] == list(range(1, 251))


@virtual
async def test_what_a_hidden_tab_waits_for_comes_without_a_further_word() -> None:
    async with running() as node, Client(node.sockets) as client:
        node.resumes = [(node.stream, 0)]
        await client.hello(capabilities=["status"])
        client.send(type="presence.update", visibility="hidden")
        await client.turns()
        node.tell()
        node.write(3)
        node.tell()
        await asyncio.sleep(0.25 + GRAIN)
        assert [frame["type"] for frame in client.frames[-2:]] == ["event", "event"]
        node.end()
        await asyncio.sleep(0.25 + GRAIN)
        assert [frame["seq"] for frame in client.frames[-2:]] == [3, 3], "the words, then the end"


@virtual
async def test_g02_every_command_has_exactly_one_answer() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()
        ack = await client.answer(client.send(type="chat.get", chatId="c"))
        assert ack == {"type": "ack", "id": ack["id"], "result": {"type": "ChatGet"}}
        outcomes = {
            "not_found": Refusal("not_found"),
            "unavailable": StoreUnavailable("away"),
            "internal": RuntimeError("a secret"),
        }
        for code, error in outcomes.items():

            async def fail(_caller: Caller, _command: Any, error: Exception = error) -> Reply:
                raise error

            node.handler = fail
            answer = await client.answer(client.send(type="chat.get", chatId="c"))
            assert (answer["type"], answer["error"]["code"]) == ("error", code)
            assert "secret" not in str(answer)
        client.send(type="presence.update", visibility="hidden")
        client.send(type="unheard.of")
        await client.turns()
        assert client.closed is None


@virtual
async def test_g04_commands_on_one_chat_keep_their_order_and_a_stop_waits_for_none() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()
        done: list[str] = []

        async def handler(_caller: Caller, command: Any) -> Reply:
            await asyncio.sleep({"chat.update": 1.0}.get(command.__struct_config__.tag, 0.0))
            done.append(f"{command.__struct_config__.tag} {command.chat_id}")
            return Reply({})

        node.handler = handler
        client.send(type="chat.update", chatId="a")
        client.send(type="chat.delete", chatId="a")
        client.send(type="chat.delete", chatId="b")
        client.send(type="stream.stop", chatId="a")
        await asyncio.sleep(2)
        assert done == ["chat.delete b", "stream.stop a", "chat.update a", "chat.delete a"]


@virtual
async def test_a_command_that_was_accepted_is_carried_out_though_its_socket_is_gone() -> None:
    async with running() as node:
        done = asyncio.Event()

        async def handler(_caller: Caller, _command: Any) -> Reply:
            await asyncio.sleep(1)
            done.set()
            return Reply({}, subscribe=(node.stream, 0))

        async with Client(node.sockets) as client:
            await client.hello()
            node.handler = handler
            client.send(type="stream.subscribe", streamId="s", after=0)
            await client.turns()
        await done.wait()
        await client.turns()
        assert not node.stream.readers


@virtual
async def test_g02_the_seventeenth_command_in_flight_is_refused() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()

        async def handler(_caller: Caller, _command: Any) -> Reply:
            await asyncio.sleep(1)
            return Reply({})

        node.handler = handler
        sent = [client.send(type="dashboard.get") for _ in range(17)]
        answers = [await client.answer(command_id) for command_id in sent]
        assert [answer["type"] for answer in answers] == ["ack"] * 16 + ["error"]
        assert answers[16]["error"]["code"] == "too_many_in_flight"


@virtual
async def test_commands_that_come_together_share_the_places_that_are_left() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()

        async def follow(caller: Caller, command: Any) -> Reply:
            caller.check_room(command.stream_id)
            await asyncio.sleep(1)  # it looks something up
            if command.stream_id == "gone":
                raise Refusal("not_found")
            stream = Stream(
                command.stream_id, user_id="u", chat_id="c", message_id="m", status="streaming", started_at=0
            )
            return Reply({}, subscribe=(node.streams.setdefault(command.stream_id, stream), 0))

        async def together(*stream_ids: str) -> list[str]:
            sent = [client.send(type="stream.subscribe", streamId=name, after=0) for name in stream_ids]
            return [(await client.answer(one)).get("error", {}).get("code", "ok") for one in sent]

        node.handler = follow
        for first in range(0, 30, 15):
            assert await together(*[f"s{number}" for number in range(first, first + 15)]) == ["ok"] * 15
            await asyncio.sleep(2)
        assert await together("gone", "new0") == ["not_found", "ok"]
        assert await together("s0", "new1", "new2", "s7") == ["ok", "ok", "quota_exceeded", "ok"]


# Streams and events


async def following(node: Node, client: Client, after: int = 0) -> None:
    async def handler(_caller: Caller, _command: Any) -> Reply:
        return Reply({}, subscribe=(node.stream, after))

    node.handler = handler
    await client.answer(client.send(type="stream.subscribe", streamId="s", after=after))
    node.handler = node.echo


@virtual
async def test_g10_no_chunk_comes_before_the_ack_of_its_subscription() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()
        node.write(3)
        await following(node, client, after=1)
        node.write(2)
        await client.next("stream.chunk", prev=3, seq=5)
        kinds = [frame["type"] for frame in client.frames if frame["type"] != "ping"]
        assert kinds == ["welcome", "ack", "stream.chunk", "stream.chunk"]
        assert [(f["prev"], f["seq"]) for f in client.frames if f["type"] == "stream.chunk"] == [(1, 3), (3, 5)]


@virtual
async def test_g12_the_end_comes_last_and_nobody_is_left_reading() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()
        await following(node, client)
        node.write(3)
        node.end()
        await client.next("stream.end", seq=3)
        assert not node.stream.readers
        await following(node, client, after=1)
        await client.next("stream.chunk", prev=1)
        assert len([frame for frame in client.frames if frame["type"] == "stream.end"]) == 2
        assert not node.stream.readers


@virtual
async def test_leaving_a_stream_ends_its_chunks() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()
        await following(node, client)
        assert len(node.stream.readers) == 1

        async def handler(_caller: Caller, command: Any) -> Reply:
            return Reply({}, unsubscribe=command.stream_id)

        node.handler = handler
        for stream_id in ("s", "unknown"):
            await client.answer(client.send(type="stream.unsubscribe", streamId=stream_id))
        assert not node.stream.readers
        node.write()
        await client.turns()
        assert not [frame for frame in client.frames if frame["type"] == "stream.chunk"]


@virtual
async def test_a_label_reaches_those_who_follow() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()
        await following(node, client)
        node.stream.say("Thinking")
        assert (await client.next("stream.status"))["label"] == "Thinking"


@virtual
async def test_g20_events_reach_every_socket_behind_its_welcome() -> None:
    async with running() as node, Client(node.sockets) as first, Client(node.sockets) as second:
        node.tell()
        await first.hello()
        node.tell()
        await second.hello()
        node.tell()
        await second.next("event")
        await first.next("event", offset=3)
        offsets = [[f["offset"] for f in client.frames if f["type"] == "event"] for client in (first, second)]
        assert offsets == [[2, 3], [3]]


@virtual
async def test_g21_events_can_be_followed_from_an_earlier_offset() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()
        node.tell()
        node.tell()
        await client.next("event", offset=2)

        async def handler(_caller: Caller, _command: Any) -> Reply:
            return Reply({}, events=(node.feed, 1))

        node.handler = handler
        await client.answer(client.send(type="events.resume", epoch="e", offset=1))
        await client.turns()
        offsets = [frame["offset"] for frame in client.frames if frame["type"] == "event"]
        assert offsets == [1, 2, 2]


def test_a_bug_in_one_connection_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with running() as node, Client(node.sockets) as broken, Client(node.sockets) as whole:
            for client in (broken, whole):
                await client.hello()
                await following(node, client)
            victim = cast(Any, next(iter(node.stream.readers)))._core

            def fail(_now: float) -> list[bytes]:
                raise RuntimeError("a bug")

            victim.take = fail
            node.write()
            node.write()
            node.tell()
            await whole.turns()
            got = [[f["type"] for f in client.frames].count("stream.chunk") for client in (broken, whole)]
            assert sorted(got) == [0, 2]

    run_virtual(main())
    assert caplog.text.count("a connection is cut") == 1


# The end


@virtual
async def test_g30_goodbye_waits_for_commands_under_way_and_closes_1012() -> None:
    async with running() as node, Client(node.sockets) as client, Client(node.sockets) as silent:
        await client.hello()

        async def handler(_caller: Caller, _command: Any) -> Reply:
            await asyncio.sleep(0.5)
            return Reply({"done": True})

        node.handler = handler
        sent = client.send(type="chat.get", chatId="c")
        await client.turns()
        node.sockets.stop_admitting()
        began = now()
        await node.sockets.say_goodbye(1_000, 5_000)
        assert now() - began == pytest.approx(0.5)
        assert (await client.answer(sent))["result"] == {"done": True}
        goodbye = await client.next("goodbye")
        assert (goodbye["reconnectAfterMs"], goodbye["closeAfterMs"]) == ([0, 1_000], 5_000)
        assert await client.gone() == await silent.gone() == (1012, "draining")


@virtual
async def test_g30_goodbye_does_not_wait_for_ever() -> None:
    async with running() as node, Client(node.sockets) as client:
        await client.hello()

        async def handler(_caller: Caller, _command: Any) -> Reply:
            await asyncio.sleep(100)
            return Reply({})

        node.handler = handler
        client.send(type="chat.get", chatId="c")
        await client.turns()
        began = now()
        await node.sockets.say_goodbye(1_000, 1_000)
        assert now() - began == pytest.approx(1)
        assert await client.gone() == (1012, "draining")
