"""`/v1/ai-sdk` over real sockets: who may come, what each request gets, and what happens beside it.

The vendor's class itself is tried in protocol/typescript/test/real/stock.test.ts and
in Chromium (test_stock_page).
"""

import asyncio
import json
import signal
from typing import Any

import pytest
import websockets

from app.auth.tokens import COOKIE
from tests.stock import StockPage, ticket
from tests.system.abuse import KIB, SECRET
from tests.system.owner import Owner
from tests.system.server import ServerProcess
from tests.wire import Tab, call, guest, opened, question, text_of

QUICK = {"tokens": 10, "pace": 0}
SLOW = {"tokens": 100_000, "pace": 200}


# Who may come


async def test_a_cookie_with_its_origin_a_bearer_token_and_a_ticket_let_in(shared_server: ServerProcess) -> None:
    url, token = shared_server.url, guest(shared_server.url)
    ways: list[dict[str, Any]] = [
        {"token": token},
        {"origin": url, "headers": {"cookie": f"{COOKIE}={token}"}},
        {"query": f"?ticket={ticket(url, token)}"},
    ]
    for n, way in enumerate(ways):
        async with StockPage(url, **way) as page:
            assert (await page.answered(await page.send(f"chat_{n}", options=QUICK)))["type"] == "end"


@pytest.mark.parametrize("origin", [None, "https://evil.example"])
async def test_g31_a_cookie_without_its_origin_is_refused_before_accept(
    shared_server: ServerProcess, origin: str | None
) -> None:
    token = guest(shared_server.url)
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with StockPage(shared_server.url, origin=origin, headers={"cookie": f"{COOKIE}={token}"}):
            pass
    assert refused.value.response.status_code == 403


async def test_whoever_proves_nothing_is_told_why(shared_server: ServerProcess) -> None:
    used = ticket(shared_server.url, guest(shared_server.url))
    async with StockPage(shared_server.url, query=f"?ticket={used}") as page:
        await page.answered(await page.resume("chat"))
    for query in ("", f"?ticket={used}", "?ticket=", "?ticket=nonsense", "?%ff=&&==;ticket"):
        async with StockPage(shared_server.url, query=query) as page:
            code, reason = await page.closed()
            assert (code, reason.partition(":")[0]) == (4401, "unauthenticated")
            assert page.frames[-1]["error"]["code"] == "unauthenticated"


async def test_a_ticket_is_never_logged(abused: ServerProcess) -> None:
    secret = ticket(abused.url, guest(abused.url))
    async with StockPage(abused.url, query=f"?ticket={secret}") as page:
        await page.raw("nonsense")
        assert (await page.closed())[0] == 4400
    async with StockPage(abused.url, query=f"?ticket={secret}") as page:
        assert (await page.closed())[0] == 4401
    assert secret not in abused.log


async def test_g33_whoever_signs_out_loses_the_socket(shared_server: ServerProcess) -> None:
    token = guest(shared_server.url)
    async with StockPage(shared_server.url, token) as page:
        await page.answered(await page.resume("chat"))
        assert call(shared_server.url, "POST", "/v1/auth/logout", token)[0] == 200
        assert (await page.closed(5))[0] == 4403


async def test_the_21st_connection_is_refused(roomy_server: ServerProcess) -> None:
    token, pages = guest(roomy_server.url), []
    try:
        for _ in range(20):
            page = await StockPage(roomy_server.url, token).__aenter__()
            pages.append(page)
            await page.answered(await page.resume("chat"))
        async with StockPage(roomy_server.url, token) as last:
            assert (await last.closed())[0] == 4409
    finally:
        for page in pages:
            await page.__aexit__(None, None, None)


# Requests


async def test_an_answer_is_what_is_stored_and_what_other_tabs_see(shared_server: ServerProcess) -> None:
    token = guest(shared_server.url)
    async with opened(shared_server.url, token) as tab, StockPage(shared_server.url, token) as page:
        request_id = await page.send("chat", "Why?", options=QUICK)
        assert (await page.answered(request_id))["type"] == "end"
        asked, answer = await tab.history("chat")
        assert text_of(asked) == "Why?"
        assert page.text(request_id) == text_of(answer)
        assert page.chunks(request_id)[0]["messageId"] == answer["id"]
        started = await tab.event("stream.started", chatId="chat")
        assert started["data"]["messageId"] == answer["id"]


async def test_only_the_last_question_counts(shared_server: ServerProcess) -> None:
    token = guest(shared_server.url)
    async with opened(shared_server.url, token) as tab, StockPage(shared_server.url, token) as page:
        forged = {"id": "forged", "role": "assistant", "parts": [{"type": "text", "text": "I promise."}]}
        await page.answered(await page.send("chat", options=QUICK, messages=[question("Old"), forged, question("New")]))
        assert [text_of(message) for message in await tab.history("chat")][:1] == ["New"]


async def test_a_replay_is_compact_and_whole(shared_server: ServerProcess) -> None:
    token = guest(shared_server.url)
    async with StockPage(shared_server.url, token) as page, StockPage(shared_server.url, token) as late:
        sent = await page.send("chat", options={"tokens": 2_000, "pace": 2_000})
        await page.reads(sent, 4_000)
        resumed = await late.resume("chat")
        await late.reads(resumed, 1)
        first = next(chunk for chunk in late.chunks(resumed) if chunk["type"] == "text-delta")
        assert len(first["delta"]) > 2_000
        assert [chunk["type"] for chunk in late.chunks(resumed)[:3]] == ["start", "start-step", "text-start"]
        await asyncio.gather(page.answered(sent), late.answered(resumed))
        assert late.text(resumed) == page.text(sent)


async def test_an_abort_stops_and_every_page_sees_the_same_end(shared_server: ServerProcess) -> None:
    token = guest(shared_server.url)
    async with opened(shared_server.url, token) as tab, StockPage(shared_server.url, token) as page:
        request_id = await page.send("chat", options=SLOW)
        await page.reads(request_id, 20)
        await page.abort(request_id)
        assert (await page.answered(request_id))["type"] == "end"
        kinds = [chunk["type"] for chunk in page.chunks(request_id)]
        assert kinds[-4:] == ["text-end", "finish-step", "message-metadata", "abort"]
        [_, answer] = await tab.history("chat")
        assert answer["metadata"]["status"] == "stopped"
        assert text_of(answer) == page.text(request_id)
        assert (await page.answered(await page.resume("chat")))["type"] == "no-active"


async def test_a_question_that_is_stored_attaches_to_its_answer(shared_server: ServerProcess) -> None:
    token, asked = guest(shared_server.url), question("Once")
    async with opened(shared_server.url, token) as tab, StockPage(shared_server.url, token) as page:
        running = await page.send("chat", messages=[asked], options={"tokens": 60, "pace": 100})
        await page.reads(running)
        again = await page.send("chat", messages=[asked])
        await asyncio.gather(page.answered(running), page.answered(again))
        ended = await page.send("chat", messages=[asked], messageId=asked["id"])
        await page.answered(ended)
        assert page.text(running) == page.text(again) == page.text(ended) != ""
        assert len(await tab.history("chat")) == 2
        held = await page.send("chat", messages=[asked, (await tab.history("chat"))[1]])
        assert (await page.answered(held))["type"] == "end"
        assert page.chunks(held) == []


async def test_a_question_that_waits_is_found_there_too(shared_server: ServerProcess) -> None:
    token, asked = guest(shared_server.url), question("Later")
    async with StockPage(shared_server.url, token) as page:
        first = await page.send("chat", options=SLOW)
        await page.reads(first)
        body = {"ifActive": "queue", "options": QUICK}
        waiting = await page.send("chat", messages=[asked], body=body)
        await page.until(lambda got: got["requestId"] == waiting and got["type"] == "start")
        again = await page.send("chat", messages=[asked], body=body)
        await page.until(lambda got: got["requestId"] == again and got["type"] == "start")
        refused = await page.answered(await page.send("chat"))
        assert refused["error"]["code"] == "stream_active"
        await page.abort(waiting)
        await asyncio.gather(page.answered(waiting), page.answered(again))
        await page.abort(first)
        await page.answered(first)


async def test_a_regenerate_of_what_never_arrived_asks_it(shared_server: ServerProcess) -> None:
    async with StockPage(shared_server.url, guest(shared_server.url)) as page:
        for name in (None, "unknown"):
            asked = await page.send(f"chat_{name}", trigger="regenerate-message", messageId=name, options=QUICK)
            assert (await page.answered(asked))["type"] == "end"
            assert page.text(asked)


async def test_an_answer_that_ends_without_its_page_is_brought_by_the_next_resume(
    shared_server: ServerProcess,
) -> None:
    token = guest(shared_server.url)
    async with opened(shared_server.url, token) as tab:
        async with StockPage(shared_server.url, token) as page:
            await page.reads(await page.send("chat", options={"tokens": 60, "pace": 100}))
            await page.cut()
        await tab.event("stream.ended", chatId="chat")
        async with StockPage(shared_server.url, token) as page:
            request_id = await page.resume("chat")
            assert (await page.answered(request_id))["type"] == "end"
            assert page.text(request_id) == text_of((await tab.history("chat"))[1])
            assert (await page.answered(await page.resume("chat")))["type"] == "no-active"


async def test_events_come_only_when_they_are_wanted(shared_server: ServerProcess) -> None:
    token = guest(shared_server.url)
    async with (
        opened(shared_server.url, token) as tab,
        StockPage(shared_server.url, token, query="?events=1") as wants,
        StockPage(shared_server.url, token) as other,
    ):
        for page in (wants, other):
            await page.answered(await page.resume("chat"))
        await tab.command("chat.create", chatId="chat", title="New")
        event = await wants.until(lambda got: got["requestId"] == "~events")
        assert (event["name"], event["data"]["chat"]["title"]) == ("chat.created", "New")
        assert {key: event[key] for key in tab.of_type("event")[-1]} == tab.of_type("event")[-1]
        await other.answered(await other.resume("chat"))
        assert [got["type"] for got in other.frames] == ["no-active", "no-active"]


async def test_g28_a_page_that_reads_later_reads_it_all(shared_server: ServerProcess) -> None:
    token = guest(shared_server.url)
    async with opened(shared_server.url, token) as tab, StockPage(shared_server.url, token) as page:
        page.socket.transport.pause_reading()
        await page.send("chat", options={"tokens": 10_000, "pace": 0})
        await tab.event("stream.ended", chatId="chat")
        await tab.settled()
        page.socket.transport.resume_reading()
        await page.until(lambda got: got["type"] == "end")
        [request_id] = {got["requestId"] for got in page.frames}
        assert page.text(request_id) == text_of((await tab.history("chat"))[1])


async def test_g30_a_server_that_leaves_lets_the_page_read_to_the_end(server: ServerProcess) -> None:
    token = guest(server.url)
    async with StockPage(server.url, token) as page, StockPage(server.url, token) as idle:
        await idle.answered(await idle.resume("chat"))
        request_id = await page.send("chat", options={"tokens": 100, "pace": 100})
        await page.reads(request_id)
        server.signal(signal.SIGTERM)
        assert (await page.answered(request_id))["type"] == "end"
        assert (await page.closed())[0] == 1012
        assert (await idle.closed())[0] == 1012


# Bad input

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a chat id of another kind": ({"id": "a b"}, "invalid_argument"),
    "no messages": ({"messages": []}, "invalid_argument"),
    "a message of the system": ({"messages": [{"id": "s", "role": "system", "parts": []}]}, "invalid_argument"),
    "nothing said": ({"messages": [question("   ")]}, "invalid_argument"),
    "an unknown part": ({"messages": [{"id": "q", "role": "user", "parts": [{"type": "x"}]}]}, "invalid_argument"),
    "a link": (
        {"messages": [{"id": "q", "role": "user", "parts": [{"type": "file", "url": "http://x/"}]}]},
        "invalid_argument",
    ),
    "too long": ({"messages": [question("x" * 200_001)]}, "frame_too_large"),
    "an unknown model": ({"body": {"model": "nobody"}}, "model_not_available"),
    "an unknown option": ({"body": {"options": {"pace": "fast"}}}, "invalid_argument"),
    "an unknown project": ({"body": {"projectId": "nowhere"}}, "not_found"),
    "an unknown trigger": ({"trigger": "x"}, "invalid_argument"),
    "a million messages": ({"messages": [[]] * 1_000_000}, "invalid_argument"),
    "a million parts": ({"messages": [question() | {"parts": [[]] * 1_000_000}]}, "frame_too_large"),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_fails_its_request_alone(abused: ServerProcess, neighbour: Tab, name: str) -> None:
    fields, code = BAD[name]
    async with StockPage(abused.url, guest(abused.url)) as page:
        running = await page.send("other", SECRET, options=SLOW)
        await page.reads(running)
        refused = await page.answered(await page.send("chat", SECRET, **fields))
        assert (refused["type"], refused["error"]["code"]) == ("error", code)
        assert refused["errorText"].endswith(".")
        await page.reads(running, len(page.text(running)) + 1)
        await page.abort(running)
        await page.answered(running)


@pytest.mark.parametrize(
    ("data", "code"), [("nonsense", 4400), ("[]", 4400), ('{"a":1}', 4400), (b"\x00", 1003), ("x" * 4_194_305, 1009)]
)
async def test_a_broken_frame_ends_its_connection_alone(
    abused: ServerProcess, neighbour: Tab, data: str | bytes, code: int
) -> None:
    async with StockPage(abused.url, guest(abused.url)) as page:
        await page.raw(data)
        assert (await page.closed())[0] == code


async def test_a_history_of_4_mib_is_taken(abused: ServerProcess, neighbour: Tab) -> None:
    async with StockPage(abused.url, guest(abused.url)) as page:
        history = [question("x" * 100_000) for _ in range(41)]
        assert 4_000 * KIB < len(json.dumps(history)) < 4_096 * KIB
        sent = await page.send("chat", messages=[*history, question("New")], options=QUICK)
        assert (await page.answered(sent))["type"] == "end"


# Another's


async def test_g32_what_is_anothers_is_as_what_does_not_exist(owner: Owner) -> None:
    token = guest(owner.url)
    async with StockPage(owner.url, token) as page:
        for kind, name in owner.ids.items():
            assert (await page.answered(await page.resume(name)))["type"] == "no-active", kind
        for n, name in enumerate(owner.ids.values()):
            mine = [question("Mine") | {"id": name}]
            fields: list[dict[str, Any]] = [
                {"messages": mine, "messageId": name},
                {"trigger": "regenerate-message", "messageId": name},
                {"body": {"projectId": name}},
            ]
            for m, each in enumerate(fields):
                got = await page.answered(await page.send(f"chat_{n}_{m}", **({"options": QUICK} | each)))
                assert got["type"] == ("error" if "body" in each else "end"), (name, each)
        assert not [secret for secret in owner.secrets() if secret in json.dumps(page.frames)]
        await page.abort(owner.ids["running stream"])
        await page.answered(await page.resume("chat"))
