"""What a killed server may not lose (guarantees 3, 12, 15, 18, 19b, 21), and how one goes in good order (30)."""

import asyncio
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.system.server import ServerProcess
from tests.wire import Followed, Frame, Tab, guest, opened, question, text_of

LONG = {"tokens": 2_000, "pace": 300, "thinking": 10}
SHORT = {"tokens": 20, "pace": 1_000}
HANGING = {"fault": "hang", "faultAfter": 10, "pace": 0}


def send(number: int, **options: Any) -> Frame:
    """A send, whole, so that it can be sent again."""
    message = question(f"Question {number}") | {"id": f"q_{number}"}
    return {"id": f"send_{number}", "chatId": f"chat_{number}", "message": message, "options": options}


async def killed(server: ServerProcess, *tabs: Tab) -> None:
    """Kill the server and start it again; the tabs notice."""
    server.kill()
    for tab in tabs:
        await tab.closed()
    server.start()


async def resumed(tab: Tab, *streams: tuple[str, Followed]) -> Frame:
    """Say hello with what another tab knew."""
    for stream_id, known in streams:
        tab.streams[stream_id] = known
    positions = [{"streamId": stream_id, "after": known.last} for stream_id, known in streams]
    return await tab.hello(streams=positions)


def assert_begins_with(whole: list[Frame], shown: list[Frame]) -> None:
    """Every part that was shown is there, at least as long."""
    for late, early in zip(whole, shown, strict=False):
        assert late["type"] == early["type"]
        assert str(late.get("text", "")).startswith(str(early.get("text", "")))
    assert len(whole) >= len(shown)


async def test_g03_a_repeat_after_a_sigkill_starts_nothing_new(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        asked = [await tab.command("message.send", **send(n, **LONG)) for n in range(2)]
        await tab.reached(asked[0]["result"]["streamId"], 10)
        stop = await tab.command("stream.stop", id="stop_1", commandId="send_1")
        await tab.ended(asked[1]["result"]["streamId"])
        await tab.send({"type": "message.send"} | send(2, **LONG))  # and its ack is lost with the server
        await killed(server, tab)
    async with opened(server.url, tab.token) as again:
        for number, first in enumerate(asked):
            assert await again.command("message.send", **send(number, **LONG)) == first | {"duplicate": True}
            stream_id = first["result"]["streamId"]
            assert (await again.ended(stream_id))["status"] == ("interrupted", "stopped")[number]
            assert again.streams[stream_id].frames[0]["prev"] == 0
            assert again.streams[stream_id].fold.message() == (await again.history(f"chat_{number}"))[-1]
        repeated = await again.command("stream.stop", id="stop_1", commandId="send_1")
        assert repeated["result"] == stop["result"]
        assert repeated["duplicate"] is True
        assert (await again.refused("message.send", **send(0, **SHORT)))["code"] == "idempotency_conflict"
        lost = (await again.command("message.send", **send(2, **LONG)))["result"]
        await again.command("stream.stop", streamId=lost["streamId"])
        await again.ended(lost["streamId"])
        for number in range(3):
            assert [message["role"] for message in await again.history(f"chat_{number}")] == ["user", "assistant"]


async def test_g12_the_log_and_the_end_of_a_finished_answer_are_there_after_a_sigkill(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        asked = [
            await tab.ask("chat_1", options=SHORT | {"thinking": 5, "tool": True}),
            await tab.ask("chat_2", options=SHORT | {"fault": "midway"}),
        ]
        ends = [await tab.ended(result["streamId"]) for result in asked]
        waiting = await tab.ask("chat_1", options=HANGING)
        queued = await tab.ask("chat_1", options=SHORT, ifActive="queue")
        await tab.command("stream.stop", streamId=queued["streamId"])
        withdrawn = await tab.ended(queued["streamId"])
        await tab.reached(waiting["streamId"], 2)
        await killed(server, tab)
    async with opened(server.url, tab.token, folds=False) as again:
        for end in [*ends, withdrawn]:
            for after in {0, end["seq"] // 3, end["seq"]}:
                since = len(again.frames)
                ack = await again.command("stream.subscribe", streamId=end["streamId"], after=after)
                assert (ack["result"]["status"], ack["result"]["seq"]) == (end["status"], end["seq"])
                last = await again.until(lambda got: got["type"] == "stream.end", since=since)
                assert last == end
                chunks = [frame for frame in again.frames[since:] if frame["type"] == "stream.chunk"]
                assert [frame["prev"] for frame in chunks] == ([after] if after < end["seq"] else [])
            error = await again.refused("stream.subscribe", streamId=end["streamId"], after=end["seq"] + 1)
            assert error["code"] == "position_invalid"
    for end, result in zip(ends, asked, strict=True):
        async with Tab(server.url, tab.token) as resuming:
            await resuming.hello()
            await resuming.follow(result["streamId"])
            await resuming.ended(result["streamId"])
            assert resuming.streams[result["streamId"]].fold.message() == tab.streams[result["streamId"]].fold.message()
            assert end["messageId"] == resuming.streams[result["streamId"]].fold.message_id


@pytest.mark.parametrize("shown", [0, 2, 40])
async def test_g19b_what_was_shown_survives_a_sigkill_in_the_middle(server: ServerProcess, shown: int) -> None:
    async with opened(server.url) as tab:
        stream_id = (await tab.ask("chat", options=LONG | {"tool": True}))["streamId"]
        if shown:
            await tab.reached(stream_id, shown)
        await killed(server, tab)
    known = tab.streams.get(stream_id, Followed(0))
    parts = known.fold.parts
    async with Tab(server.url, tab.token) as again:
        welcome = await resumed(again, (stream_id, known))
        assert welcome["activeStreams"] == []
        assert welcome["streams"][0]["status"] == "interrupted"
        (chat,) = welcome["snapshot"]["chats"]
        assert "activeStreamId" not in chat
        assert chat["lastStatus"] == "interrupted"
        end = await again.ended(stream_id)
        assert (end["status"], end["error"]["code"], end["error"]["retryable"]) == ("interrupted", "interrupted", True)
        assert end["seq"] == again.streams[stream_id].last >= shown
        stored = (await again.history("chat"))[-1]
        assert known.fold.parts == stored["parts"]
        assert_begins_with(stored["parts"], parts)
        if end["seq"]:  # a kill before the first chunk leaves a log of none
            assert known.fold.message() == stored
            assert known.fold.last == {"type": "error", "errorText": end["error"]["message"]}
            assert not known.fold.open
        assert (stored["metadata"]["status"], stored["metadata"]["error"]) == ("interrupted", end["error"])
        await again.ended((await again.ask("chat", options=SHORT))["streamId"])  # and the chat can go on
        assert [message["role"] for message in await again.history("chat")] == ["user", "assistant"] * 2


async def test_g19b_a_server_killed_twice_seals_once(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        stream_id = (await tab.ask("chat", options=LONG))["streamId"]
        await tab.reached(stream_id, 20)
        await killed(server, tab)
        await killed(server)
    async with Tab(server.url, tab.token) as again:
        known = tab.streams[stream_id]
        await resumed(again, (stream_id, known))
        await again.ended(stream_id)
        assert known.fold.message() == (await again.history("chat"))[-1]
        epoch = tab.frames[0]["events"]["epoch"]
        await again.command("events.resume", epoch=epoch, offset=0)
        await again.event("stream.ended", streamId=stream_id, status="interrupted")
        await again.settled()
        assert len([event for event in again.of_type("event") if event["name"] == "stream.ended"]) == 1


async def test_g21_events_of_the_time_before_and_of_the_seal_follow_after_a_sigkill(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        await tab.ended((await tab.ask("chat_1", options=SHORT))["streamId"])
        titled = await tab.event("chat.updated", chatId="chat_1")
        running = await tab.ask("chat_2", options=LONG)
        await tab.reached(running["streamId"], 5)
        await killed(server, tab)
    told, epoch = tab.of_type("event"), tab.frames[0]["events"]["epoch"]
    async with Tab(server.url, tab.token) as again:
        welcome = await again.hello(events={"epoch": epoch, "offset": titled["offset"] - 2})
        assert welcome["events"]["recovered"] is True
        ended = await again.event("stream.ended", streamId=running["streamId"], status="interrupted")
        assert "sourceClientId" not in ended
        last = await again.event("chat.unseen", messageId=running["messageId"])
        offsets = [event["offset"] for event in again.of_type("event")]
        assert offsets == list(range(titled["offset"] - 1, last["offset"] + 1))
        assert again.of_type("event")[:-2] == told[titled["offset"] - 2 :]


async def test_a_waiting_question_and_an_early_stop_survive_a_sigkill(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        running = await tab.ask("chat", "First", options=LONG)
        waiting = await tab.ask("chat", "Second", options=SHORT, ifActive="queue")
        await tab.command("stream.stop", commandId="send_1")
        await tab.reached(running["streamId"], 5)
        await killed(server, tab)
    async with opened(server.url, tab.token) as again:
        assert (await again.follow(waiting["streamId"]))["status"] == "queued"
        await again.command("queue.update", chatId="chat", paused=False)  # an interruption holds what waits
        assert (await again.ended(waiting["streamId"]))["status"] == "completed"
        texts = [text_of(message) for message in await again.history("chat") if message["role"] == "user"]
        assert texts == ["First", "Second"]
        stopped = (await again.command("message.send", **send(1, **LONG)))["result"]  # guarantee 15
        assert (await again.ended(stopped["streamId"]))["status"] == "stopped"


async def test_a_stop_whose_effect_the_kill_prevented_ends_the_stream(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        stream_id = (await tab.ask("chat", options=LONG))["streamId"]
        await tab.reached(stream_id, 5)
        await tab.send({"type": "stream.stop", "id": "stop_1", "streamId": stream_id})
        await killed(server, tab)
    async with Tab(server.url, tab.token) as again:
        known = tab.streams[stream_id]
        await resumed(again, (stream_id, known))
        end = known.end or await again.ended(stream_id)
        assert end["status"] in ("stopped", "interrupted")
        assert known.fold.message() == (await again.history("chat"))[-1]


# Guarantee 30


def readiness(url: str) -> int:
    """The status of /readyz; 0 when nobody listens."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=10) as response:
            status: int = response.status
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    except OSError:
        status = 0
    return status


async def drains(server: ServerProcess) -> None:
    """Wait until the server has noticed the signal."""
    while await asyncio.to_thread(readiness, server.url) == 200:
        pass


async def ends_with_goodbye(tab: Tab) -> None:
    assert await tab.closed() == 1012
    goodbye = tab.of_type("goodbye")
    assert [frame["reason"] for frame in goodbye] == ["draining"]
    low, high = goodbye[0]["reconnectAfterMs"]
    assert 0 <= low <= high
    assert goodbye[0]["closeAfterMs"] >= 0


async def test_g30_a_drain_lets_answers_end_and_then_says_goodbye(server: ServerProcess) -> None:
    async with opened(server.url) as tab, opened(server.url) as idle:
        asked = await tab.ask("chat", options={"tokens": 300, "pace": 300})
        stream_id = asked["streamId"]
        await tab.reached(stream_id, 20)
        server.signal(signal.SIGTERM)
        await drains(server)
        assert await asyncio.to_thread(readiness, server.url) == 503
        async with Tab(server.url, tab.token) as late:
            assert await late.fatal() == ("draining", 1012)
            assert late.frames[-1]["error"]["retryable"] is True
        error = await tab.refused("message.send", **send(1, **SHORT))
        assert (error["code"], error["retryable"]) == ("draining", True)
        assert (await tab.command("chat.get", chatId="chat"))["result"]["activeStream"]["streamId"] == stream_id
        end = await tab.ended(stream_id)
        assert end["status"] == "completed"
        await asyncio.gather(ends_with_goodbye(tab), ends_with_goodbye(idle))
        kinds = [frame["type"] for frame in tab.frames]
        assert kinds.index("goodbye") > kinds.index("stream.end")
        assert await asyncio.to_thread(server.wait) == 0
    server.start()
    async with opened(server.url, tab.token) as again:
        await again.follow(stream_id)
        assert await again.ended(stream_id) == end
        assert again.streams[stream_id].fold.message() == (await again.history("chat"))[-1]


async def test_g30_a_stop_works_while_draining(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        stream_id = (await tab.ask("chat", options=HANGING))["streamId"]
        await tab.reached(stream_id, 5)
        server.signal(signal.SIGTERM)
        await drains(server)
        await tab.command("stream.stop", streamId=stream_id)
        assert (await tab.ended(stream_id))["status"] == "stopped"
        await ends_with_goodbye(tab)
    assert await asyncio.to_thread(server.wait) == 0


@pytest.mark.parametrize(
    "ask_to_go",
    [
        pytest.param(lambda server: server.signal(signal.SIGTERM), id="the drain deadline"),
        pytest.param(lambda server: server.signal(signal.SIGINT), id="SIGINT"),
    ],
)
async def test_g30_what_does_not_end_in_time_is_sealed_and_told(
    tmp_path: Path, ask_to_go: Callable[[ServerProcess], None]
) -> None:
    with ServerProcess(tmp_path / "data", DRAIN_SECONDS="2") as server:
        async with opened(server.url) as tab:
            stream_id = (await tab.ask("chat", options=HANGING))["streamId"]
            waiting = await tab.ask("chat", options=SHORT, ifActive="queue")
            await tab.reached(stream_id, 5)
            ask_to_go(server)
            end = await tab.ended(stream_id)
            assert (end["status"], end["error"]["code"]) == ("interrupted", "interrupted")
            await ends_with_goodbye(tab)
            assert await asyncio.to_thread(server.wait) == 0
        server.start()
        async with opened(server.url, tab.token) as again:
            await again.follow(stream_id)
            assert await again.ended(stream_id) == end
            assert (await again.follow(waiting["streamId"]))["status"] == "queued"  # over the restart, and held by it
            await again.command("queue.update", chatId="chat", paused=False)
            assert (await again.ended(waiting["streamId"]))["status"] == "completed"
            history = await again.history("chat")
            assert history[1] == tab.streams[stream_id].fold.message()
            assert [message["metadata"].get("status") for message in history] == [
                None,
                "interrupted",
                None,
                "completed",
            ]


async def test_g30_a_second_signal_exits_at_once_and_the_next_start_seals(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        stream_id = (await tab.ask("chat", options=LONG | {"pace": 30}))["streamId"]
        await tab.reached(stream_id, 10)
        server.signal(signal.SIGTERM)
        await drains(server)
        server.signal(signal.SIGTERM)
        await tab.closed()
        await asyncio.to_thread(server.wait)
    server.start()
    async with Tab(server.url, tab.token) as again:
        known = tab.streams[stream_id]
        await resumed(again, (stream_id, known))
        end = known.end or await again.ended(stream_id)
        assert end["status"] == "interrupted"
        assert known.fold.message() == (await again.history("chat"))[-1]


async def test_g30_a_server_without_answers_goes_at_once(server: ServerProcess) -> None:
    async with Tab(server.url, guest(server.url)) as tab:
        await tab.hello()
        server.signal(signal.SIGTERM)
        await ends_with_goodbye(tab)
        assert not tab.of_type("error")
    assert await asyncio.to_thread(server.wait) == 0
    assert "Traceback" not in server.log
