"""The log of a whole conversation, in both forms: it tells what happened, and nothing that anybody wrote.

(Bad input is tried, and its log read, in test_bad_input.py.)
"""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.fake_anthropic import FakeAnthropic, answer, long_answer, status
from tests.system.server import ServerProcess
from tests.wire import Tab, guest, opened, post, question

pytestmark = pytest.mark.slow

# None of these may be in a log.
ASKED, ANSWERED, TITLED, NAMED = "what-i-asked", "what-it-said", "what-it-is-called", "how-i-call-it"
KEY, METRICS_TOKEN, EMAIL, PASSWORD = "sk-ant-the-key", "the-metrics-token", "ada@example.org", "correct horse battery"


async def conversation(server: ServerProcess, provider: FakeAnthropic) -> dict[str, str]:
    """Everything people do, and a few things that go wrong; the ids that the log may tell."""
    async with opened(server.url) as tab:
        user_id = tab.frames[0]["userId"]
        first = await tab.ask("c", ASKED)
        await tab.ended(first["streamId"])
        await tab.event("chat.updated", chatId="c")
        await tab.command("chat.update", chatId="c", title=NAMED)
        await tab.command("project.create", projectId="p", title=NAMED, instructions=ASKED)
        await tab.command("dashboard.get", query=ASKED)
        provider.script(status(400, "invalid_request_error", ANSWERED))
        failed = await tab.ask("c", ASKED, projectId="p")
        assert (await tab.ended(failed["streamId"]))["status"] == "failed"
        provider.script(long_answer(5_000, 100))
        stopped = await tab.ask("c", ASKED)
        await tab.reached(stopped["streamId"], 10)
        await tab.ask("c", ASKED, ifActive="queue")
        await tab.command("stream.stop", streamId=stopped["streamId"])
        await tab.ended(stopped["streamId"])
        await tab.refused("message.edit", chatId="c", messageId=ASKED, message=question(ASKED))
        await tab.refused("message.send", chatId="c", message=question(ASKED) | {"parts": [{"type": ASKED}]})
        ticket = await asyncio.to_thread(post, server.url, "/v1/auth/ticket", authorization=f"Bearer {tab.token}")
        async with Tab(server.url, ticket["ticket"]) as second:
            await second.hello()
        async with Tab(server.url, f"{tab.token}x") as stranger:
            await stranger.send({"type": "hello", "id": "h", "clientId": "t", "token": f"{tab.token}x"})
            await stranger.closed()
        provider.script(long_answer(5_000, 100))
        killed = await tab.ask("d", ASKED)
        await tab.reached(killed["streamId"], 10)
        server.kill()
    server.start()
    return {"user": user_id, "failed": failed["streamId"], "killed": killed["streamId"], "token": str(tab.token)}


@pytest.mark.parametrize("form", ["text", "json"])
async def test_the_log_tells_what_happened_and_nothing_that_anybody_wrote(tmp_path: Path, form: str) -> None:
    async with FakeAnthropic(answer(ANSWERED)) as provider:
        provider.title = answer(TITLED)
        settings = {
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": provider.url,
            "METRICS_TOKEN": METRICS_TOKEN,
            "LOG_LEVEL": "debug",
            "LOG_FORMAT": form,
        }
        with ServerProcess(tmp_path / "data", **settings) as server:
            ids = await conversation(server, provider)
            await asyncio.to_thread(accounts, server.url)
            log = server.log
    for secret in (
        ASKED,
        ANSWERED,
        TITLED,
        NAMED,
        KEY,
        METRICS_TOKEN,
        EMAIL,
        PASSWORD,
        ids["token"][4:20],
    ):
        assert secret not in log
    for secret in ("tws_", "twt_", "Traceback", "Authorization", "Cookie"):
        assert secret.lower() not in log.lower()
    if form == "json":
        lines = [json.loads(line) for line in log.splitlines()]
        assert all(line.keys() >= {"time", "level", "logger", "message"} for line in lines)
        check([line for line in lines if line["logger"] == "tidewire.streams"], ids)
    else:
        [failed] = [line for line in log.splitlines() if "the model failed" in line]
        assert failed.endswith(f"[user={ids['user']} chat=c stream={ids['failed']} code=model_refused]")


def check(lines: list[Any], ids: dict[str, str]) -> None:
    """What programs find of an answer that failed, and of one whose server was killed."""
    [failed] = [line for line in lines if "the model failed" in line["message"]]
    about = {name: failed[name] for name in ("level", "user", "chat", "stream", "code")}
    assert about == {
        "level": "warning",
        "user": ids["user"],
        "chat": "c",
        "stream": ids["failed"],
        "code": "model_refused",
    }
    assert failed["node"].startswith("node_")
    assert any("left unfinished" in line["message"] for line in lines)


def accounts(url: str) -> None:
    """Register, and sign in with a wrong and a right password."""
    body = {"email": EMAIL, "password": PASSWORD}
    post(url, "/v1/auth/register", body)
    with contextlib.suppress(OSError):
        post(url, "/v1/auth/login", body | {"password": PASSWORD + "?"})
    post(url, "/v1/auth/login", body)
    guest(url)
