"""Tokens of an SDK client: asked for, refused, replaced."""

import asyncio

import pytest
import tidewire

from protocol.frames.client import AuthRefresh, Hello
from protocol.frames.server import AuthExpiring, Error
from tests.protocol.client.peer import refused
from tests.protocol.python.harness import Net, idle


async def test_fresh_token_is_asked_for_every_socket_and_when_the_old_one_runs_out() -> None:
    net = Net()
    tokens = iter(["t1", "t2", "t3"])

    async def source() -> str:
        return next(tokens)

    async with net.connect(token=source):
        net.socket.die()
        await net.clock.turn(1)
        net.socket.say(AuthExpiring(expires_at=1))
        await idle()
        hellos = [each.peer.received[0] for each in net.sockets]
        assert [each.token for each in hellos if isinstance(each, Hello)] == ["t1", "t2"]
        assert [each.token for each in net.socket.peer.received if isinstance(each, AuthRefresh)] == ["t3"]


def source_of(*tokens: str | Exception) -> tuple[tidewire.TokenSource, list[str | Exception]]:
    """A source that gives these tokens in turn, or fails so; and what it has left."""
    left = list(tokens)

    async def source() -> str:
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return source, left


def tokens_of(net: Net) -> list[str | None]:
    """The tokens of every hello and refresh so far."""
    return [each.token for s in net.sockets for each in s.peer.received if isinstance(each, Hello | AuthRefresh)]


async def test_a_source_that_cannot_be_reached_is_asked_again() -> None:
    net = Net()
    source, left = source_of(OSError("away"), "t1", tidewire.Unreachable("away"), OSError("away"), "t2")
    entering = asyncio.create_task(net.connect(token=source).__aenter__())
    await idle()
    await net.clock.turn(1)
    client = await entering
    net.socket.say(AuthExpiring(expires_at=1))
    await idle()
    assert tokens_of(net) == ["t1"]
    await net.clock.turn(11)
    assert (tokens_of(net), left, client.token) == (["t1", "t2"], [], "t2")
    await client.close()


async def test_a_source_that_is_broken_ends_the_client_and_is_heard_of() -> None:
    net = Net()
    source, _ = source_of("t1", KeyError("a bug"))
    client = await net.connect(token=source).__aenter__()
    net.socket.say(AuthExpiring(expires_at=1))
    await idle()
    with pytest.raises(KeyError, match="a bug"):
        await client.__aexit__(None, None, None)


async def test_closing_does_not_wait_for_a_source() -> None:
    net = Net()
    source, _ = source_of("t1", OSError("away"))
    async with net.connect(token=source):
        net.socket.say(AuthExpiring(expires_at=1))
        await idle()
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


@pytest.mark.parametrize("code", ["token_expired", "unauthenticated"])
async def test_a_token_that_was_refused_is_replaced_once_and_answers_go_on(code: str) -> None:
    net = Net()
    source, _ = source_of("t1", "t2", "t3", "t4")
    async with net.connect(token=source) as client:
        answer = await client.send("chat_1", "Hello")
        net.say("One ")
        for _ in range(2):  # each time it was let in between
            net.socket.say(Error(error=refused(code), fatal=True))
            net.socket.die(4401)
            await idle()
            assert client.state == "ready"
        net.say("two")
        net.finish()
        assert (await answer.finished()).text == "One two"
    assert [token for token in tokens_of(net) if token] == ["t1", "t2", "t3"]


async def test_a_fresh_token_that_is_refused_as_well_stops_the_client() -> None:
    net = Net()
    source, left = source_of("t1", "t2", "t3", "t4")
    client = await net.connect(token=source).__aenter__()
    net.down = 4401
    net.socket.die(4401)
    await idle()
    with pytest.raises(tidewire.ConnectionStopped, match="4401"):
        await client.__aexit__(None, None, None)
    assert left == ["t3", "t4"]
