"""Admin commands in a process of their own, beside a server that runs, on both databases."""

import asyncio
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.fake_anthropic import FakeAnthropic, long_answer
from tests.system.server import ServerProcess
from tests.wire import opened, text_of

pytestmark = pytest.mark.slow


def usage_of(url: str, token: str) -> Any:
    request = urllib.request.Request(f"{url}/v1/usage", headers={"authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


async def test_a_stop_from_another_process_ends_the_answer_and_the_providers_work(
    database_url: str, tmp_path: Path
) -> None:
    async with FakeAnthropic(long_answer(5_000, 100)) as provider:
        settings = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": provider.url, "DATABASE_URL": database_url}
        with ServerProcess(tmp_path / "data", **settings) as server:
            async with opened(server.url) as tab:
                stream_id = (await tab.ask("c"))["streamId"]
                request = await provider.arrived(1)
                await tab.reached(stream_id, 20)
                waiting = await tab.ask("c", "Next", ifActive="queue")

                status, listed = await server.admin("streams")
                assert status == 0
                assert [line.split()[0] for line in listed.splitlines()] == ["stream", stream_id, waiting["streamId"]]

                assert await server.admin("streams", "stop", stream_id) == (0, f"{stream_id} stopped\n")
                await asyncio.wait_for(request.closed.wait(), 5)
                end = await tab.ended(stream_id)
                assert end["status"] == "stopped"
                assert text_of((await tab.history("c"))[-1]) == tab.streams[stream_id].text
                chat = (await tab.event("stream.ended", streamId=stream_id))["data"]["chat"]
                assert (chat["queuePaused"], len(chat["queue"])) == (True, 1)

                await server.admin("streams", "stop", waiting["streamId"])
                assert (await tab.ended(waiting["streamId"]))["status"] == "stopped"
                assert len(provider.requests) == 1

                cost = end["usage"]
                assert cost["estimated"] is True
                assert cost["inputTokens"] == 16
                assert cost["outputTokens"] > 5
                [day] = (await asyncio.to_thread(usage_of, server.url, str(tab.token)))["days"]
                assert (day["inputTokens"], day["outputTokens"]) == (16, cost["outputTokens"])
                status, listed = await server.admin("usage")
                assert status == 0
                assert listed.splitlines()[-1].split() == [
                    "all", "1", "1", "16", str(cost["outputTokens"]), str(16 + cost["outputTokens"]),
                ]  # fmt: skip


async def test_an_answer_whose_server_was_killed_is_paid_for(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        stream_id = (await tab.ask("c", options={"tokens": 5_000, "pace": 100}))["streamId"]
        await tab.reached(stream_id, 50)
        server.kill()
    status, printed = await server.admin("streams", "stop", "--all")
    assert status == 1
    assert f"{stream_id}: the stop is written down" in printed
    server.start()
    assert (await server.admin("streams"))[1].splitlines()[1:] == []
    async with opened(server.url, tab.token) as tab:
        answer = (await tab.history("c"))[-1]
    assert answer["metadata"]["status"] == "interrupted"
    guessed = -(-len(text_of(answer)) // 4)
    assert answer["metadata"]["usage"] == {"inputTokens": 0, "outputTokens": guessed, "estimated": True}
    [day] = (await asyncio.to_thread(usage_of, server.url, str(tab.token)))["days"]
    assert (day["outputTokens"], day["estimatedAnswers"]) == (guessed, 1)
