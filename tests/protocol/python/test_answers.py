"""Answers as an application reads them through the SDK, without a network."""

import asyncio

import pytest
import tidewire

from protocol.parts.coalesce import coalesce
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
