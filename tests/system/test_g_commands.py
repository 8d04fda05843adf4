"""Guarantees 3, 4 and 25: a command has one effect, in its order, and is answered before what follows."""

import asyncio
from typing import Any

import pytest

from tests.system.server import ServerProcess
from tests.wire import Frame, Refused, Tab, opened, question

SHORT = {"tokens": 20, "pace": 500}


def send(command_id: str = "send_1", **fields: Any) -> Frame:
    """A send, whole, so that it can be sent again."""
    return {
        "type": "message.send",
        "id": command_id,
        "chatId": "chat",
        "message": {"id": "q_1", "role": "user", "parts": [{"type": "text", "text": "Hello?"}]},
        "options": SHORT,
    } | fields


async def sent(tab: Tab, frame: Frame) -> Frame:
    """Send a frame and return its ack."""
    return await tab.command(**{"kind" if name == "type" else name: value for name, value in frame.items()})


async def assert_one_generation(tab: Tab, chat_id: str = "chat") -> None:
    history = await tab.history(chat_id)
    assert [message["role"] for message in history] == ["user", "assistant"]
    assert history[1]["metadata"]["versions"]["ids"] == [history[1]["id"]]


async def test_g03_a_send_repeated_on_the_same_socket_starts_one_answer(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        first = await sent(tab, send())
        again = await sent(tab, send())
        assert "duplicate" not in first
        assert again == first | {"duplicate": True}
        await tab.ended(first["result"]["streamId"])
        late = await sent(tab, send())
        assert late == again
        await assert_one_generation(tab)


async def test_g03_a_repeat_subscribes_this_socket_from_0(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        first = await sent(tab, send())
        stream_id = first["result"]["streamId"]
        await tab.reached(stream_id, 5)
        again = await sent(other, send())
        assert again == first | {"duplicate": True}
        await other.ended(stream_id)
        chunks = [frame for frame in other.frames if frame["type"] in ("ack", "stream.chunk")]
        assert chunks[0] is again
        assert chunks[1]["prev"] == 0
        assert other.streams[stream_id].fold.parts == (await tab.history("chat"))[-1]["parts"]


async def test_g03_a_repeat_with_subscribe_false_follows_nothing(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        first = await sent(tab, send(subscribe=False))
        assert (await sent(other, send(subscribe=False)))["duplicate"] is True
        await tab.event("stream.ended", streamId=first["result"]["streamId"])
        await asyncio.gather(tab.settled(), other.settled())
        assert not tab.of_type("stream.chunk") + other.of_type("stream.chunk")


async def test_g03_sends_of_one_id_in_the_same_moment_start_one_answer(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        acks = await asyncio.gather(*(sent(one, send()) for one in (tab, other, tab, other)))
        assert len({ack["result"]["streamId"] for ack in acks}) == 1
        await tab.ended(acks[0]["result"]["streamId"])
        answers = [frame for one in (tab, other) for frame in one.of_type("ack") if frame["id"] == "send_1"]
        assert sum("duplicate" not in ack for ack in answers) == 1
        await assert_one_generation(tab)


async def test_g03_a_send_whose_ack_was_lost_is_sent_again(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        for number in range(8):
            frame = send(f"send_{number}", chatId=f"chat_{number}", message=question())
            async with opened(shared_server.url, tab.token) as lost:
                await lost.send(frame)
                await lost.cut()
            stream_id = (await sent(tab, frame))["result"]["streamId"]
            await tab.ended(stream_id)
            await assert_one_generation(tab, f"chat_{number}")


@pytest.mark.parametrize(
    "change",
    [
        {"chatId": "another"},
        {"message": {"id": "q_2", "role": "user", "parts": [{"type": "text", "text": "Hello?"}]}},
        {"message": {"id": "q_1", "role": "user", "parts": [{"type": "text", "text": "Hello!"}]}},
        {"options": {"tokens": 21, "pace": 500}},
        {"options": None},
        {"ifActive": "queue"},
        {"subscribe": False},
        {"model": "demo"},
    ],
)
async def test_g03_another_body_under_the_same_id_is_a_conflict(
    shared_server: ServerProcess, change: dict[str, Any]
) -> None:
    async with opened(shared_server.url) as tab:
        stream_id = (await sent(tab, send()))["result"]["streamId"]
        with pytest.raises(Refused) as refused:
            await sent(tab, send(**change))
        assert refused.value.code == "idempotency_conflict"
        await tab.ended(stream_id)
        assert len((await tab.command("dashboard.get"))["result"]["chats"]) == 1


async def test_g03_null_and_a_default_count_as_absent_in_body_equality(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        await sent(tab, send())
        same = send(ifActive=None, model=None, projectId=None, unknown=7)
        same["message"]["metadata"] = None
        assert (await sent(tab, same))["duplicate"] is True
        assert (await sent(tab, send(ifActive="reject", subscribe=True)))["duplicate"] is True


async def test_g03_an_error_is_not_stored(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        running = await tab.ask("chat", options={"fault": "hang"})
        with pytest.raises(Refused) as refused:
            await sent(tab, send())
        assert refused.value.code == "stream_active"
        assert refused.value.error["details"] == {"streamId": running["streamId"]}
        await tab.command("stream.stop", streamId=running["streamId"])
        await tab.ended(running["streamId"])
        ack = await sent(tab, send())
        assert "duplicate" not in ack
        await tab.ended(ack["result"]["streamId"])


async def test_g03_a_stop_repeated_has_the_same_result(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        stream_id = (await tab.ask("chat", options={"fault": "hang"}))["streamId"]
        first = await tab.command("stream.stop", id="stop_1", streamId=stream_id)
        await tab.ended(stream_id)
        again = await tab.command("stream.stop", id="stop_1", streamId=stream_id)
        assert again == first | {"duplicate": True}
        conflict = await tab.refused("stream.stop", id="stop_1", chatId="chat")
        assert conflict["code"] == "idempotency_conflict"


async def test_g03_another_users_command_of_the_same_id_is_another_command(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url) as stranger:
        first, second = await asyncio.gather(sent(tab, send()), sent(stranger, send()))
        assert "duplicate" not in first
        assert "duplicate" not in second
        assert first["result"]["streamId"] != second["result"]["streamId"]


async def test_g03_reads_and_subscriptions_just_run_again(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        before = await tab.command("dashboard.get", id="read_1")
        stream_id = (await tab.ask("chat", options=SHORT))["streamId"]
        await tab.ended(stream_id)
        after = await tab.command("dashboard.get", id="read_1")
        assert "duplicate" not in after
        assert len(after["result"]["chats"]) == len(before["result"]["chats"]) + 1


async def test_g04_commands_of_one_connection_on_one_chat_run_in_their_order(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        running = await tab.ask("chat", options={"fault": "hang"})
        sends = [
            send(f"send_{number}", message=question(str(number)), options=SHORT, ifActive="queue")
            for number in range(10)
        ]
        for frame in sends:
            await tab.send(frame)
        acks = [await tab.answer(frame["id"]) for frame in sends]
        order = [frame["id"] for frame in tab.of_type("ack")[-10:]]
        assert order == [frame["id"] for frame in sends]
        assert {ack["result"]["status"] for ack in acks} == {"queued"}
        await tab.command("stream.stop", streamId=running["streamId"])
        await tab.command("queue.update", chatId="chat", paused=False)
        for ack in acks:
            await tab.ended(ack["result"]["streamId"])
        questions = [message for message in await tab.history("chat") if message["role"] == "user"]
        assert [message["parts"][0]["text"] for message in questions[1:]] == [str(number) for number in range(10)]


async def test_g04_a_stop_and_a_read_right_behind_a_send_are_answered_whatever_the_send_does(
    roomy_server: ServerProcess,
) -> None:
    async with opened(roomy_server.url) as tab:
        for number in range(15):
            frame = send(f"send_{number}", chatId=f"chat_{number}", message=question(), options={"fault": "hang"})
            stop = {"type": "stream.stop", "id": f"stop_{number}", "commandId": f"send_{number}"}
            read = {"type": "chat.get", "id": f"read_{number}", "chatId": f"chat_{number}"}
            for one in (frame, stop, read):
                await tab.send(one)
            ack = await tab.answer(stop["id"])
            assert ack["result"]["status"] in ("stopping", "stopped")
            end = await tab.ended((await tab.answer(frame["id"]))["result"]["streamId"])
            assert end["status"] == "stopped"
            await tab.answer(read["id"])


@pytest.mark.parametrize("pace", [0, 1_000])
async def test_g25_the_ack_of_a_send_precedes_its_first_chunk(roomy_server: ServerProcess, pace: int) -> None:
    async with opened(roomy_server.url) as tab:
        for number in range(20):
            result = await tab.ask(f"chat_{number}", options={"tokens": 3, "pace": pace})
            await tab.ended(result["streamId"])
            of_stream = [frame for frame in tab.frames if stream_of(frame) == result["streamId"]]
            assert of_stream[0]["type"] == "ack"
            assert (result["status"], result["seq"]) == ("streaming", 0)
            assert next(frame for frame in of_stream if frame["type"] == "stream.chunk")["prev"] == 0


def stream_of(frame: Frame) -> str | None:
    """The stream a frame is about, events excepted."""
    stream_id: str | None = frame.get("streamId", frame.get("result", {}).get("streamId"))
    return stream_id
