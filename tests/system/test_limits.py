"""Limits as settings of a real server: what is beyond one is refused in words, and what is within it goes on.

`tests/protocol/test_limits.py` says where each limit has its test.
"""

import asyncio
import contextlib
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.server import ServerProcess
from tests.wire import Frame, Tab, guest, opened, question

HELD = {"fault": "hang", "faultAfter": 3, "pace": 0}
SHORT = {"tokens": 3, "pace": 0}


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server on which everything is small but rates."""
    small = {
        "LIMIT_FRAME_BYTES": "4000",
        "LIMIT_HELLO_BYTES": "1000",
        "LIMIT_OUTBOUND_BYTES": "2000",
        "LIMIT_STREAMS_PER_CONNECTION": "4",
        "LIMIT_STREAM_LOG_BYTES": "20000",
        "LIMIT_EVENT_LOG_EVENTS": "5",
        "LIMIT_GENERATIONS_AT_ONCE": "1000",
        "LIMIT_GENERATIONS_PER_MINUTE": "1000",
    }
    with ServerProcess(tmp_path_factory.mktemp("tight") / "data", **small) as server:
        yield server


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that takes little at a time."""
    rates = {
        "LIMIT_COMMANDS_PER_SECOND": "4",
        "LIMIT_COMMAND_BURST": "6",
        "LIMIT_COMMANDS_IN_FLIGHT": "3",
        "LIMIT_GENERATIONS_PER_MINUTE": "3",
    }
    with ServerProcess(tmp_path_factory.mktemp("slow") / "data", **rates) as server:
        yield server


def padded(frame: Frame, size: int) -> str:
    """A frame of exactly so many bytes."""
    empty = json.dumps(frame | {"padding": ""})
    return json.dumps(frame | {"padding": "x" * (size - len(empty))})


async def answers(tab: Tab, *frames: Frame) -> list[Any]:
    """Send frames as fast as can be; return what each is answered."""
    for number, frame in enumerate(frames):
        await tab.send({"id": f"at_once_{number}"} | frame)
    return [await tab.answer(f"at_once_{number}") for number in range(len(frames))]


def send(chat_id: str, **fields: Any) -> Frame:
    return {"type": "message.send", "chatId": chat_id, "message": question()} | fields


async def test_limit_frame_bytes(tight: ServerProcess) -> None:
    async with opened(tight.url) as tab:
        await tab.send(padded({"type": "ping", "id": "p"}, 4_000))
        await tab.until(lambda got: got["type"] == "pong")
        await tab.send(padded({"type": "ping", "id": "p"}, 4_001))
        assert await tab.closed() == 1009


async def test_limit_hello_bytes(tight: ServerProcess) -> None:
    hello = {"type": "hello", "id": "h", "clientId": "tab", "token": guest(tight.url)}
    async with Tab(tight.url) as tab:
        await tab.send(padded(hello, 1_001))
        assert await tab.closed() == 1009
    async with Tab(tight.url) as tab:
        await tab.send(padded(hello, 1_000))
        await tab.until(lambda got: got["type"] == "welcome")


async def test_limit_outbound_bytes(tight: ServerProcess) -> None:
    async with opened(tight.url) as tab:
        stream_id = (await tab.ask("c", options={"tokens": 2_000, "pace": 0}))["streamId"]
        await tab.ended(stream_id)
        seen = len(tab.frames)
        await tab.follow(stream_id)
        await tab.until(lambda got: got["type"] == "stream.end", since=seen)
        sizes = [
            size
            for frame, size in zip(tab.frames[seen:], tab.sizes[seen:], strict=True)
            if frame["type"] == "stream.chunk"
        ]
        assert max(sizes) <= 2_000
        assert len(sizes) > 3


async def test_limit_stream_log_bytes(tight: ServerProcess) -> None:
    async with opened(tight.url) as tab:
        stream_id = (await tab.ask("c", options={"tokens": 100_000, "pace": 0}))["streamId"]
        end = await tab.ended(stream_id)
        assert (end["status"], end["finishReason"]) == ("completed", "length")
        assert 15_000 < len(tab.streams[stream_id].text) < 20_500


async def test_limit_streams_per_connection(tight: ServerProcess) -> None:
    async with opened(tight.url) as tab, opened(tight.url, tab.token) as other:
        followed = [await tab.ask(f"c{number}", options=HELD) for number in range(4)]
        error = await tab.refused("message.send", **send("more"))
        assert (error["code"], error["retryable"]) == ("quota_exceeded", False)
        assert error["message"].endswith("leave one first.")
        elsewhere = await other.ask("elsewhere", options=HELD)
        error = await tab.refused("stream.subscribe", streamId=elsewhere["streamId"], after=0)
        assert error["code"] == "quota_exceeded"
        assert (await tab.ask("unseen", options=SHORT, subscribe=False))["status"] == "streaming"
        await tab.follow(followed[0]["streamId"])  # once more: it has its place
        await tab.command("stream.unsubscribe", streamId=followed[0]["streamId"])
        await tab.follow(elsewhere["streamId"])


async def test_limit_streams_per_connection_holds_for_sends_that_come_together(tight: ServerProcess) -> None:
    async with opened(tight.url) as tab:
        got = await answers(tab, *[send(f"c{number}", options=HELD) for number in range(12)])
        codes = Counter(answer.get("error", {}).get("code", "ok") for answer in got)
        assert codes == {"ok": 4, "quota_exceeded": 8}
        active = [answer["result"]["streamId"] for answer in got if answer["type"] == "ack"]
        for stream_id in active:
            await tab.reached(stream_id, 3)
            await tab.command("stream.stop", streamId=stream_id)
            await tab.ended(stream_id)
        for number in range(4):
            await tab.ask(f"e{number}", options=HELD)  # the refused ones keep no place


async def test_limit_event_log_events(tight: ServerProcess) -> None:
    async with opened(tight.url) as tab:
        epoch = tab.frames[0]["events"]["epoch"]
        for number in range(7):
            await tab.command("chat.create", chatId=f"c{number}")
    for offset, recovered in ((2, True), (1, False)):  # nobody is there in between, so only the database knows
        async with Tab(tight.url, tab.token) as late:
            welcome = await late.hello(events={"epoch": epoch, "offset": offset})
            assert welcome["events"] == {"epoch": epoch, "offset": 7, "recovered": recovered}
            assert ("snapshot" in welcome) is not recovered


async def test_limit_commands_per_second_and_burst(slow: ServerProcess) -> None:
    async with opened(slow.url) as tab:
        for _ in range(6):
            await tab.command("dashboard.get")
        error = await tab.refused("dashboard.get")
        assert (error["code"], error["retryable"]) == ("rate_limited", True)
        assert 0 < error["retryAfterMs"] <= 251
        await asyncio.sleep(error["retryAfterMs"] / 1000)
        await tab.command("dashboard.get")


async def test_limit_commands_in_flight(slow: ServerProcess) -> None:
    async with opened(slow.url) as tab:
        with contextlib.closing(sqlite3.connect(slow.data_dir / "tidewire.db", isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")  # nobody else writes, so that commands stay under way
            for number in range(4):
                await tab.send({"type": "chat.create", "id": f"c{number}", "chatId": f"c{number}"})
            error = (await tab.answer("c3"))["error"]
            assert (error["code"], error["retryable"]) == ("too_many_in_flight", True)
            assert error["retryAfterMs"] > 0
            database.execute("ROLLBACK")
        for number in range(3):
            assert (await tab.answer(f"c{number}"))["type"] == "ack"
        await tab.command("chat.create", chatId="c3")


async def test_limit_generations_per_minute(slow: ServerProcess) -> None:
    async with opened(slow.url) as tab, opened(slow.url, tab.token) as other:
        for number in range(3):
            await tab.ask(f"c{number}", options=SHORT)
        for one in (tab, other):
            error = await one.refused("message.send", **send("more"))
            assert (error["code"], error["retryable"]) == ("rate_limited", True)
            assert 0 < error["retryAfterMs"] <= 20_001
            assert error["message"] == "You can ask for 3 answers a minute. Wait a moment."


async def test_the_daily_token_budget(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", DAILY_TOKEN_BUDGET="50") as server:
        async with opened(server.url) as tab:
            spent = (await tab.ended((await tab.ask("c", options={"tokens": 100, "pace": 0}))["streamId"]))["usage"]
            error = await tab.refused("message.send", **send("more"))
            assert (error["code"], error["retryable"]) == ("quota_exceeded", False)
            assert "50 tokens" in error["message"]
            assert error["details"]["used"] == spent["inputTokens"] + spent["outputTokens"]
            until = error["details"]["renewsAt"] - time.time() * 1000
            assert error["retryAfterMs"] == pytest.approx(until, abs=10_000)
            assert [chat["chatId"] for chat in (await tab.command("dashboard.get"))["result"]["chats"]] == ["c"]
