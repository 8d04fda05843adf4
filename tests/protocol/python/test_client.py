"""What an application sees of the SDK, without a network."""

import asyncio
from typing import Any

import pytest
import tidewire

from protocol.frames.client import AuthRefresh, ClientPong, Hello
from protocol.frames.server import AuthExpiring, Error, EventsReset, Goodbye, ServerPing
from protocol.parts.coalesce import coalesce
from tests.protocol.client.peer import refused
from tests.protocol.python.harness import Net, idle


async def test_send_text_and_finished() -> None:
    net = Net()
    async with net.connect() as client:
        answer = await client.send("chat_1", "Hello", model="demo", options={"tokens": 2})
        assert (answer.chat_id, answer.stream_id, answer.message_id) == ("chat_1", "str_1", "msg_str_1")
        text = answer.text()
        net.say("Good ")
        assert await anext(text) == "Good "
        net.say("day.")
        net.finish()
        assert [piece async for piece in text] == ["day."]
        done = await answer.finished()
        assert (done.status, done.finish_reason, done.text) == ("completed", "stop", "Good day.")
        assert done.message == net.world.logs["str_1"].message()
    assert net.socket.close_code == 1000


async def test_chunks_come_whole_for_every_reader_at_every_pace() -> None:
    net = Net()
    async with net.connect() as client:
        answer = await client.send("chat_1", "Hello")
        early = answer.chunks()
        got = [await anext(early)]
        for number in range(500):
            net.say(f"{number} ")
            if number % 7 == 0:
                got.append(await anext(early))
        net.finish()
        got += [chunk async for chunk in early]
        late = [chunk async for chunk in answer.chunks()]
    raw = net.world.logs["str_1"].chunks
    assert late == coalesce(raw)
    assert "".join(c["delta"] for c in got if c["type"] == "text-delta") == "".join(f"{n} " for n in range(500))
    assert [c["type"] for c in got if c["type"] != "text-delta"] == [
        c["type"] for c in raw if c["type"] != "text-delta"
    ]


async def test_g28_slow_reader_costs_the_text_not_a_queue() -> None:
    net = Net()
    async with net.connect() as client:
        answer = await client.send("chat_1", "Hello")
        text = answer.text()
        for number in range(5_000):
            net.say(f"{number} ")
        assert len(answer._log) < 200
        assert await anext(text) == "".join(f"{n} " for n in range(5_000))


async def test_g05_answer_goes_on_exactly_over_lost_sockets() -> None:
    net = Net()
    async with net.connect() as client:
        answer = await client.send("chat_1", "Hello")
        for number in range(20):
            net.say(f"{number} ")
            net.socket.die()
            net.world.logs["str_1"].say("unseen ")
            await net.clock.turn(25)
        net.finish()
        assert (await answer.finished()).text == "".join(f"{n} unseen " for n in range(20))
    assert len(net.sockets) == 21


async def test_send_is_repeated_when_its_answer_was_lost() -> None:
    net = Net()
    async with net.connect() as client:
        net.socket.mute = True
        sending = asyncio.create_task(client.send("chat_1", "Hello"))
        await idle()
        net.socket.die()
        await net.clock.turn(1)
        answer = await sending
        net.finish()
        assert (await answer.finished()).status == "completed"
    assert len(net.world.effects) == 1


async def test_stop_keeps_what_there_is() -> None:
    net = Net()
    async with net.connect() as client:
        answer = await client.send("chat_1", "Hello")
        net.say("half ")
        assert await answer.stop() == "stopped"
        done = await answer.finished()
        assert (done.status, done.text) == ("stopped", "half ")


async def test_follow_a_stream_of_somebody_else() -> None:
    net = Net()
    net.world.log("str_9", "chat_9").say("already ")
    async with net.connect() as client:
        answer = client.follow("str_9")
        assert client.follow("str_9") is answer
        await idle()
        assert answer.chat_id == "chat_9"
        net.finish(stream="str_9")
        assert (await answer.finished()).text == "already "


async def test_answer_to_a_question_sent_as_a_plain_command_is_followed_from_its_start() -> None:
    net = Net()
    async with net.connect() as client:
        question = {"id": "q1", "role": "user", "parts": [{"type": "text", "text": "Hello"}]}
        result = await client.command("message.send", chatId="chat_1", message=question)
        net.say("Good ")
        await idle()
        answer = client.follow(result["streamId"])
        net.say("day.")
        net.finish()
        assert (await answer.finished()).text == "Good day."


async def test_follow_from_the_middle_reads_the_message_from_the_history() -> None:
    net = Net()
    log = net.world.log("str_9", "chat_9")
    log.say("one ", "two ")
    net.world.chat("chat_9")
    async with net.connect() as client:
        answer = client.follow("str_9", after=4)
        text = answer.text()
        assert await anext(text) == "two "
        log.chunks.append({"type": "message-metadata", "messageMetadata": {"status": "completed"}})
        net.finish(stream="str_9")
        assert (await answer.finished()).text == "one two "


async def test_g11_lost_stream_is_found_in_the_history() -> None:
    net = Net()
    log = net.world.log("str_9", "chat_9")
    log.say("one ")
    net.world.chat("chat_9")
    async with net.connect() as client:
        answer = client.follow("str_9")
        await idle()
        net.socket.die()
        log.chunks.append({"type": "message-metadata", "messageMetadata": {"status": "interrupted"}})
        log.finish()
        net.world.logs = {"str_gone": log}
        await net.clock.turn(1)
        done = await answer.finished()
        assert (done.status, done.text) == ("interrupted", "one ")
        with pytest.raises(tidewire.StreamLost):
            [piece async for piece in answer.text()]


async def test_stream_that_never_was_is_lost() -> None:
    net = Net()
    async with net.connect() as client:
        answer = client.follow("str_none")
        with pytest.raises(tidewire.StreamLost, match="not_found"):
            await answer.finished()


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


async def test_dashboard_is_live_and_events_are_told_after_it() -> None:
    net = Net()
    net.world.chat("c1", title="one")
    async with net.connect() as client:
        assert [chat.title for chat in client.dashboard.chats] == ["one"]
        events = client.events()
        waiting = asyncio.ensure_future(anext(events))
        await idle()
        net.world.chat("c2", title="two")
        net.pump()
        event = await waiting
        assert isinstance(event, tidewire.Event)
        assert [chat.title for chat in client.dashboard.chats] == ["two", "one"]
        await events.aclose()


async def test_reader_of_events_that_stands_still_is_told_that_it_missed_some() -> None:
    net = Net()
    async with net.connect() as client:
        events = client.events()
        waiting = asyncio.ensure_future(anext(events))
        await idle()
        for number in range(300):
            net.world.chat("c1", title=f"{number} " + "x" * 5_000)
        net.pump()
        reset = await waiting
        assert isinstance(reset, tidewire.Reset)
        assert reset.reason == "slow_consumer"
        assert client.dashboard.chats[0].title.startswith("299 ")
        await events.aclose()


async def test_events_reset_refreshes_the_dashboard() -> None:
    net = Net()
    async with net.connect() as client:
        net.world.chat("c1")
        net.socket.peer.offset = 1
        net.socket.say(EventsReset(epoch="e1", offset=1, reason="slow_consumer"))
        await idle()
        assert [chat.chat_id for chat in client.dashboard.chats] == ["c1"]


async def test_more_chats_reads_the_next_page() -> None:
    net = Net()
    net.world.page = 2
    for number in range(5):
        net.world.chat(f"c{number}")
    async with net.connect() as client:
        assert len(client.dashboard.chats) == 2
        assert await client.more_chats()
        assert not await client.more_chats()
        assert [chat.chat_id for chat in client.dashboard.chats] == ["c4", "c3", "c2", "c1", "c0"]


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


async def test_unfollowed_answer_ends_here_and_runs_on_there() -> None:
    net = Net()
    async with net.connect() as client:
        answer = await client.send("chat_1", "Hello")
        client.unfollow(answer)
        with pytest.raises(tidewire.ClientClosed):
            await answer.finished()
        await idle()
        assert net.socket.peer.cursors == {}
        assert net.world.logs["str_1"].status == "streaming"


async def test_cancelled_send_is_carried_out_and_does_no_harm() -> None:
    net = Net()
    async with net.connect() as client:
        sending = asyncio.create_task(client.send("chat_1", "Hello"))
        await asyncio.sleep(0)
        sending.cancel()
        await idle()
        assert len(net.world.effects) == 1
        net.finish()
        assert client.state == "ready"


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
