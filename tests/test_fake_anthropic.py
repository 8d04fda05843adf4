import asyncio
import json
import sys
import urllib.error
import urllib.request

import pytest

from tests.fake_anthropic import FakeAnthropic, answer, silent

SOON = 10.0
ASKED = [{"role": "user", "content": [{"type": "text", "text": "Hello?"}]}]


async def test_as_a_program_it_prints_its_url_and_answers_with_as_many_tokens_as_asked() -> None:
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fake_anthropic", "--pace", "0", "--tokens", "40"), stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    try:
        url = (await asyncio.wait_for(program.stdout.readline(), SOON)).decode().strip()
        body = await asyncio.to_thread(post, url, max_tokens=1000)
        assert body.count("text_delta") == 40
        assert '"stop_reason": "end_turn"' in body
        assert '"stop_reason": "max_tokens"' in await asyncio.to_thread(post, url, max_tokens=7)
    finally:
        program.terminate()
        await program.wait()


async def test_it_records_requests_in_order_and_titles_apart() -> None:
    async with FakeAnthropic(answer("later")) as server:
        server.script(answer("first"))
        bodies = [
            await asyncio.to_thread(post, server.url, max_tokens=9, **more)
            for more in ({"system": "Name this chat: …"}, {"n": 1}, {"n": 2})
        ]
        assert ["A short title" in bodies[0], "first" in bodies[1], "later" in bodies[2]] == [True, True, True]
        assert [request.body["n"] for request in server.requests] == [1, 2]
        assert len(server.titles) == 1
        for request in (*server.requests, *server.titles):
            await asyncio.wait_for(request.closed.wait(), SOON)
            assert request.completed
            assert request.closed_at is not None
            assert request.closed_at >= request.received_at


async def test_leaving_it_ends_what_still_hangs() -> None:
    async with FakeAnthropic(silent()) as server:
        reader, writer = await asyncio.open_connection(*server.url.removeprefix("http://").split(":"))
        body = json.dumps({"messages": ASKED}).encode()
        writer.write(b"POST /v1/messages HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        request = await server.arrived(1)
    assert request.closed.is_set()
    assert not request.completed
    assert await asyncio.wait_for(reader.read(), SOON) == b""
    writer.close()


def post(url: str, **body: object) -> str:
    sent = urllib.request.Request(
        f"{url}/v1/messages", json.dumps({"messages": ASKED} | body).encode(), {"connection": "close"}
    )
    with urllib.request.urlopen(sent, timeout=SOON) as response:
        return str(response.read().decode())


async def test_what_the_api_refuses_is_refused_and_uses_up_no_script() -> None:
    async with FakeAnthropic() as server:
        server.script(answer("scripted"))
        with pytest.raises(urllib.error.HTTPError) as refused:
            await asyncio.to_thread(post, server.url, messages=[])
        assert refused.value.code == 400
        refused.value.close()
        assert server.refused == ["messages: at least one message is required"]
        assert "scripted" in await asyncio.to_thread(post, server.url, max_tokens=9)
