"""Guarantees 31 and 32: who may connect from where, and what is not yours does not exist."""

import asyncio
import contextlib
import http.client
import json

import pytest
import websockets

from tests.system.server import ServerProcess
from tests.wire import Tab, guest, opened, post

COOKIE = "tidewire_session"


async def refused_with(tab: Tab) -> int:
    """The status of a handshake that is refused."""
    try:
        async with tab:
            await tab.hello()
    except websockets.InvalidStatus as refused:
        return refused.response.status_code
    return 101


@pytest.mark.parametrize(
    "origin", [None, "https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", "", "garbage"]
)
async def test_g31_a_cookie_with_a_missing_or_foreign_origin_is_refused_before_accept(
    shared_server: ServerProcess, origin: str | None
) -> None:
    token = guest(shared_server.url)
    tab = Tab(shared_server.url, origin=origin, headers={"cookie": f"{COOKIE}={token}"})
    assert await refused_with(tab) == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_g31_a_foreign_page_is_refused_with_any_proof(shared_server: ServerProcess, origin: str) -> None:
    token = guest(shared_server.url)
    assert await refused_with(Tab(shared_server.url, token, origin=origin)) == 403
    bearer = {"authorization": f"Bearer {token}"}
    assert await refused_with(Tab(shared_server.url, origin=origin, headers=bearer)) == 403


async def test_g31_a_name_that_resolves_to_this_machine_is_no_host_of_ours(shared_server: ServerProcess) -> None:
    port = shared_server.url.rpartition(":")[2]
    rebound = {"host": f"evil.example:{port}", "cookie": f"{COOKIE}={guest(shared_server.url)}"}
    status = await asyncio.to_thread(handshake, shared_server.url, rebound | {"origin": f"http://evil.example:{port}"})
    assert status == 403
    ours = {"cookie": rebound["cookie"], "origin": shared_server.url}
    assert await asyncio.to_thread(handshake, shared_server.url, ours) == 101


def handshake(url: str, headers: dict[str, str]) -> int:
    """The status of a handshake with headers that a websocket library would not send."""
    upgrade = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/v1/socket", headers=upgrade | headers)
        return connection.getresponse().status


async def test_g31_the_page_itself_connects_with_its_cookie(shared_server: ServerProcess) -> None:
    token = guest(shared_server.url)
    tab = Tab(shared_server.url, origin=shared_server.url, headers={"cookie": f"a=b; {COOKIE}={token}; c=d"})
    async with tab:
        welcome = await tab.hello()
        assert welcome["auth"]["method"] == "cookie"


async def test_a_ticket_is_good_once(shared_server: ServerProcess) -> None:
    token = guest(shared_server.url)
    ticket = post(shared_server.url, "/v1/auth/ticket", authorization=f"Bearer {token}")["ticket"]
    async with Tab(shared_server.url, ticket) as tab:
        assert (await tab.hello())["auth"]["method"] == "ticket"
    async with Tab(shared_server.url) as tab:
        await tab.send({"type": "hello", "id": "h", "clientId": "tab", "token": ticket})
        assert await tab.fatal() == ("unauthenticated", 4401)


async def test_the_token_of_the_hello_comes_before_the_header_and_the_cookie(shared_server: ServerProcess) -> None:
    tokens = [guest(shared_server.url) for _ in range(3)]
    users = []
    for token in tokens:
        async with Tab(shared_server.url, token) as tab:
            users.append((await tab.hello())["userId"])
    cookie, bearer = {"cookie": f"{COOKIE}={tokens[0]}"}, {"authorization": f"Bearer {tokens[1]}"}
    origin = shared_server.url
    for said, headers, user in (
        (tokens[2], cookie | bearer, users[2]),
        (None, cookie | bearer, users[1]),
        (None, cookie, users[0]),
    ):
        async with Tab(shared_server.url, said, origin=origin, headers=headers) as tab:
            assert (await tab.hello())["userId"] == user


async def test_g32_a_hello_with_anothers_positions_learns_nothing(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as owner:
        running = await owner.ask("chat", "A secret", options={"fault": "hang", "faultAfter": 5})
        position = {"epoch": owner.frames[0]["events"]["epoch"], "offset": 1}
        async with Tab(shared_server.url, guest(shared_server.url)) as stranger:
            streams = [{"streamId": name, "after": 0} for name in (running["streamId"], "str_nothing")]
            welcome = await stranger.hello(streams=streams, events=position)
            mine, none = [dict(answer) for answer in welcome["streams"]]
            assert mine.pop("streamId") != none.pop("streamId")
            assert mine == none
            assert mine["error"]["code"] == "not_found"
            assert welcome["activeStreams"] == []
            assert welcome["snapshot"]["chats"] == []
            assert welcome["events"]["recovered"] is False
            assert welcome["events"]["epoch"] != position["epoch"]
            await stranger.settled()
            assert not stranger.of_type("stream.chunk") + stranger.of_type("event")
        await owner.command("stream.stop", streamId=running["streamId"])


async def test_g32_two_users_may_use_the_same_ids(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as one, opened(shared_server.url) as two:
        for tab, text in ((one, "Mine"), (two, "Yours")):
            message = {"id": "question", "role": "user", "parts": [{"type": "text", "text": text}]}
            result = await tab.ask("chat", id="send", message=message, options={"tokens": 3, "pace": 0})
            await tab.ended(result["streamId"])
        for tab, text in ((one, "Mine"), (two, "Yours")):
            said, answer = await tab.history("chat")
            assert said["parts"] == [{"type": "text", "text": text}]
            assert answer["metadata"]["parentId"] == "question"
            chats = (await tab.command("dashboard.get"))["result"]["chats"]
            assert [chat["chatId"] for chat in chats] == ["chat"]
            assert text not in json.dumps((two if tab is one else one).frames)


async def test_g32_the_chat_of_a_message_counts_too(shared_server: ServerProcess) -> None:
    """One's own message, asked for in another of one's chats, is none of that chat."""
    async with opened(shared_server.url) as tab:
        first = await tab.ask("chat_1", options={"tokens": 1})
        await tab.ask("chat_2", options={"tokens": 1})
        error = await tab.refused("chat.get", chatId="chat_2", before=first["messageId"])
        assert error["param"] == "$.before"
