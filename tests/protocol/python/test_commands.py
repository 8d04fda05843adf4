"""Commands through the SDK: answered, refused, put off, asked twice."""

import asyncio
from typing import Any

import pytest
import tidewire

from protocol.frames.server import Error
from tests.protocol.client.peer import refused
from tests.protocol.python.harness import Net, idle


async def test_command_that_is_asked_for_twice_answers_both() -> None:
    net = Net()
    async with net.connect() as client:
        net.socket.mute = True
        sends = [asyncio.create_task(client.send("chat_1", "Hello", message_id="q1", command_id="c1")) for _ in "ab"]
        creates = [asyncio.create_task(client.command("chat.create", id="c2", chatId="c2")) for _ in "ab"]
        await idle()
        with pytest.raises(ValueError, match="c2"):
            await client.command("chat.create", id="c2", chatId="another")
        net.socket.mute = False
        net.socket.die()
        await net.clock.turn(1.0)
        first, second = await asyncio.gather(*sends)
        assert first is second
        assert await creates[0] == await creates[1]
        assert len(net.world.effects) == 2


async def test_refusal_is_typed() -> None:
    net = Net()
    async with net.connect() as client:
        with pytest.raises(tidewire.CommandRefused) as refusal:
            await client.chat("nope")
        assert refusal.value.error.code == "not_found"
        assert refusal.value.command == "chat.get"


@pytest.mark.parametrize(
    ("command", "fields", "words"),
    [("chat.fly", {}, "no command"), ("hello", {"clientId": "x"}, "no command"), ("chat.get", {}, "chatId"),
     ("chat.get", {"chatId": "c", "colour": "red"}, "no field colour")],
)  # fmt: skip
async def test_wrong_command_is_said_before_it_is_sent(command: str, fields: dict[str, Any], words: str) -> None:
    net = Net()
    async with net.connect() as client:
        with pytest.raises(ValueError, match=words):
            await client.command(command, **fields)
        assert len(net.socket.peer.received) == 1


async def test_rate_limit_is_waited_out() -> None:
    net = Net()
    async with net.connect() as client:
        net.socket.mute = True
        making = asyncio.create_task(client.create_chat("c1", title="x"))
        await idle()
        net.socket.mute = False
        (command_id,) = client._work._commands
        net.socket.say(Error(id=command_id, error=refused("rate_limited", retry_after_ms=300)))
        await net.clock.turn(0.3)
        assert await making == "c1"
