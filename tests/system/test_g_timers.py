"""Guarantee 29 and the limit of connections, with timers short enough to wait for."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.system.server import ServerProcess
from tests.wire import Tab, guest, opened


@pytest.fixture(scope="module")
def quick_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    timers = {
        "LIMIT_HELLO_TIMEOUT_MS": "300",
        "LIMIT_HEARTBEAT_INTERVAL_MS": "250",
        "LIMIT_HEARTBEAT_TIMEOUT_MS": "250",
        "LIMIT_CONNECTIONS_PER_USER": "3",
    }
    with ServerProcess(tmp_path_factory.mktemp("quick") / "data", **timers) as server:
        yield server


async def test_g01_a_socket_that_says_nothing_is_closed(quick_server: ServerProcess) -> None:
    async with Tab(quick_server.url) as tab:
        assert await tab.fatal() == ("hello_timeout", 4504)


async def test_g29_a_socket_that_does_not_answer_pings_is_closed(quick_server: ServerProcess) -> None:
    async with Tab(quick_server.url, guest(quick_server.url), answers_pings=False) as tab:
        welcome = await tab.hello()
        assert welcome["heartbeat"] == {"intervalMs": 250, "timeoutMs": 250}
        assert await tab.closed() == 4508
        assert len(tab.of_type("ping")) == 1
        assert tab.frames[-1]["error"]["code"] == "heartbeat_timeout"
        assert tab.frames[-1]["error"]["retryable"] is True


async def test_g29_a_pong_of_another_ping_is_none(quick_server: ServerProcess) -> None:
    async with Tab(quick_server.url, guest(quick_server.url), answers_pings=False) as tab:
        await tab.hello()
        await tab.until(lambda got: got["type"] == "ping")
        await tab.send({"type": "pong", "id": "another"})
        assert await tab.closed() == 4508


async def test_g29_a_socket_that_answers_is_pinged_again_and_again(quick_server: ServerProcess) -> None:
    async with opened(quick_server.url) as tab:
        await tab.until(lambda _: len(tab.of_type("ping")) >= 4)
        await tab.settled()
        assert len({frame["id"] for frame in tab.of_type("ping")}) == len(tab.of_type("ping"))


async def test_one_connection_too_many_is_refused_and_the_others_stay(quick_server: ServerProcess) -> None:
    token = guest(quick_server.url)
    async with (
        opened(quick_server.url, token) as first,
        opened(quick_server.url, token) as second,
        opened(quick_server.url, token) as third,
        Tab(quick_server.url, token) as newest,
    ):
        await newest.send({"type": "hello", "id": "h", "clientId": "tab", "token": token})
        assert await newest.fatal() == ("connection_limit", 4409)
        for tab in (first, second, third):
            await tab.settled()


async def test_connections_that_come_at_once_cannot_slip_past_the_limit(quick_server: ServerProcess) -> None:
    token = guest(quick_server.url)
    tabs = [Tab(quick_server.url, token) for _ in range(9)]
    for tab in tabs:
        await tab.__aenter__()
    try:
        await asyncio.gather(
            *(tab.send({"type": "hello", "id": "h", "clientId": "tab", "token": token}) for tab in tabs)
        )
        first = [await tab.until(lambda _: True) for tab in tabs]
        assert Counter(frame["type"] for frame in first) == {"welcome": 3, "error": 6}
    finally:
        for tab in tabs:
            await tab.__aexit__(None, None, None)
