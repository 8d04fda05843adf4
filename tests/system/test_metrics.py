"""`/metrics` of a real server says what its tabs saw."""

import asyncio
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.system.server import ServerProcess
from tests.wire import guest, opened


def _get(url: str, token: str) -> str:
    request = urllib.request.Request(f"{url}/metrics", headers={"authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


async def read(server: ServerProcess, token: str = "") -> dict[str, float]:
    """Every sample: its name, with its labels in braces."""
    text = await asyncio.to_thread(_get, server.url, token)
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_tell_the_truth_while_an_answer_streams(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        stream_id = (await tab.ask("c", options={"tokens": 400, "pace": 100}))["streamId"]
        await tab.reached(stream_id, 100)
        shown = tab.streams[stream_id].last
        seen = await read(server)
        assert seen["tidewire_sockets_open"] == seen["tidewire_users_present"] == 1
        assert (seen["tidewire_streams{streaming}"], seen["tidewire_subscriptions"]) == (1, 1)
        assert shown <= seen["tidewire_chunks_shown_total"] < shown + 200
        assert seen["tidewire_first_token_seconds_count"] == 1
        assert seen["tidewire_resume_frames_count"] == 0, "it was there from the start"

        async with opened(server.url, tab.token) as other:
            await other.follow(stream_id)
            await other.reached(stream_id, shown)
            assert (await read(server))["tidewire_resume_frames_count"] == 1
        await tab.refused("chat.get", chatId="nothing")
        await tab.command("auth.refresh", token=tab.token)
        await tab.command("stream.stop", streamId=stream_id)
        end = await tab.ended(stream_id)
        seen = await read(server)
        assert seen["tidewire_chunks_shown_total"] == end["seq"]
        assert seen["tidewire_streams_ended_total{stopped}"] == 1
        assert seen["tidewire_stop_seconds_count"] == 1
        assert seen["tidewire_stop_seconds_sum"] == pytest.approx(end["stopLatencyMs"] / 1000)
        assert seen["tidewire_tokens_total{output}"] == end["usage"]["outputTokens"]
        await tab.ended((await tab.ask("other", "12*7", options={"tool": ["calculate", "made_up"]}))["streamId"])
        called = await read(server)
        assert (
            called["tidewire_tool_calls_total{ok}{calculate}"]
            == called["tidewire_tool_calls_total{error}{unknown}"]
            == 1
        )
        assert seen["tidewire_commands_total{ok}{stream.stop}"] == 1
        assert seen["tidewire_commands_total{ok}{auth.refresh}"] == 1
        assert seen["tidewire_errors_total{not_found}"] == seen["tidewire_commands_total{not_found}{chat.get}"] == 1
        await tab.settled()
        sent = (await read(server))["tidewire_sent_bytes_total"]
        assert sent >= sum(tab.sizes) + sum(other.sizes)
        assert sent <= sum(tab.sizes) + sum(other.sizes) + 10 * (len(tab.sizes) + len(other.sizes))
    async with opened(server.url):
        seen = await read(server)
        assert seen["tidewire_sockets_accepted_total"] == 3
        assert (seen["tidewire_sockets_closed_total{1000}"], seen["tidewire_sockets_open"]) == (2, 1)


async def test_a_tab_that_answers_no_pings_is_seen_to_be_slow(server: ServerProcess) -> None:
    async with opened(server.url, answers_pings=False) as tab:
        await tab.ask("c", options={"tokens": 30_000, "pace": 0})
        async with asyncio.timeout(20):
            while (await read(server))["tidewire_sockets_slow{window}"] != 1:  # noqa: ASYNC110 - the server sets no event
                await asyncio.sleep(0.05)


def test_who_is_elsewhere_needs_the_token(tmp_path: Path) -> None:
    elsewhere = {"METRICS_NETWORKS": "192.0.2.0/24", "METRICS_TOKEN": "open sesame"}
    with ServerProcess(tmp_path / "data", **elsewhere) as server:
        for token, status in (("", 403), ("open says me", 401), (guest(server.url), 401)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                _get(server.url, token)
            assert refused.value.code == status
            refused.value.close()
        assert "tidewire_sockets_open 0.0" in _get(server.url, "open sesame")
        assert "sesame" not in server.log
