"""What an application sees of the SDK, without a network."""

import asyncio
from typing import Any

import pytest
import tidewire

from protocol.frames.client import ClientPong
from protocol.frames.server import Error, Goodbye, ServerPing
from tests.protocol.client.peer import refused
from tests.protocol.python.harness import Net, idle


async def test_goodbye_moves_to_another_socket_unnoticed() -> None:
    net = Net()
    async with net.connect() as client:
        answer = await client.send("chat_1", "Hello")
        net.say("a ")
        net.socket.say(Goodbye(reason="draining", reconnect_after_ms=(100, 200), close_after_ms=1000))
        await net.clock.turn(1)
        assert client.state == "ready"
        assert [socket.close_code for socket in net.sockets] == [1000, None]
        net.say("b ")
        net.finish()
        assert (await answer.finished()).text == "a b "


async def test_g27_pings_are_answered() -> None:
    net = Net()
    async with net.connect():
        net.socket.say(ServerPing(id="p1"))
        await idle()
        assert ClientPong(id="p1") in net.socket.peer.received


async def test_g29_silent_socket_is_replaced() -> None:
    net = Net()
    async with net.connect() as client:
        net.socket.mute = True
        await net.clock.turn(60)
        assert client.state == "ready"
        assert len(net.sockets) == 2


async def test_foreground_probe_replaces_a_dead_socket_in_five_seconds() -> None:
    net = Net()
    async with net.connect() as client:
        net.socket.mute = True
        client.foreground()
        await net.clock.turn(5)
        assert len(net.sockets) == 2
        assert client.state == "ready"


async def test_presence_is_said_again_on_every_socket() -> None:
    net = Net()
    async with net.connect() as client:
        client.presence("visible", "chat_1")
        net.socket.die()
        await net.clock.turn(1)
        assert net.socket.peer.received[-1].chat_id == "chat_1"  # type: ignore[attr-defined]


async def test_stop_of_the_client_reaches_everybody_who_waits() -> None:
    net = Net()
    client = await net.connect().__aenter__()
    answer = await client.send("chat_1", "Hello")
    asking = asyncio.create_task(client.command("chat.get", chatId="x"))
    await asyncio.sleep(0)
    net.socket.say(Error(error=refused("session_revoked", message="Out."), fatal=True))
    net.socket.die(4403)
    with pytest.raises(tidewire.ConnectionStopped, match="Out"):
        await answer.finished()
    with pytest.raises(tidewire.ConnectionStopped):
        await asking
    with pytest.raises(tidewire.ConnectionStopped):
        await client.send("chat_1", "Again")
    with pytest.raises(tidewire.ConnectionStopped, match="4403"):
        await client.__aexit__(None, None, None)


async def test_refused_at_the_door() -> None:
    net = Net()
    net.down = 4401
    with pytest.raises(tidewire.ConnectionStopped, match="4401"):
        async with net.connect():
            pytest.fail("entered")


async def test_server_that_is_not_there_yet_is_waited_for() -> None:
    net = Net()
    net.down = 1006
    entering = asyncio.create_task(net.connect().__aenter__())
    await net.clock.turn(5)
    net.down = None
    await net.clock.turn(25)
    client = await entering
    assert client.state == "ready"
    await client.close()


async def test_unreachable_after_the_timeout() -> None:
    net = Net()
    net.down = 1006
    with pytest.raises(tidewire.Unreachable):
        async with net.connect(timeout=0):
            pytest.fail("entered")


async def test_close_ends_everything_once() -> None:
    net = Net()
    client = net.connect()
    async with client:
        answer = await client.send("chat_1", "Hello")
        net.say("a ")
        reader = asyncio.create_task(_all(answer.text()))
        await idle()
        await client.close()
        await client.close()
        with pytest.raises(tidewire.ClientClosed):
            await reader
        with pytest.raises(tidewire.ClientClosed):
            client.follow("str_1")
    assert client.state == "closed"
    assert net.socket.close_code == 1000
    with pytest.raises(RuntimeError, match="once"):
        await client.__aenter__()


async def _all(text: Any) -> list[str]:
    return [piece async for piece in text]


async def test_exception_of_the_body_passes_unchanged() -> None:
    net = Net()
    with pytest.raises(KeyError):
        async with net.connect():
            raise KeyError("mine")
    assert net.socket.close_code == 1000


async def test_failure_inside_is_not_swallowed() -> None:
    net = Net()

    def observer(notice: Any) -> None:
        if type(notice).__name__ == "StreamChunk":
            raise ZeroDivisionError("observer")

    client = await net.connect(observer=observer).__aenter__()
    answer = await client.send("chat_1", "Hello")
    net.say("a ")
    with pytest.raises(ZeroDivisionError):
        await answer.finished()
    with pytest.raises(ZeroDivisionError):
        await client.__aexit__(None, None, None)
    assert net.socket.close_code == 1001
