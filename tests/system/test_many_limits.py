"""What one user may have they have on all nodes together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.system.server import ServerProcess
from tests.wire import Tab, guest, opened, question

pytestmark = pytest.mark.slow

SHORT = {"tokens": 3, "pace": 0}
Pair = tuple[ServerProcess, ServerProcess]


@pytest.fixture
def pair(new_postgres_database: Callable[[], str], new_redis_url: Callable[[], str], tmp_path: Path) -> Iterator[Pair]:
    """Two nodes: a user may ask four times a minute, have two answers at once, three sockets and 100 tokens a day."""
    settings = {
        "DATABASE_URL": new_postgres_database(),
        "REDIS_URL": new_redis_url(),
        "LIMIT_GENERATIONS_PER_MINUTE": "4",
        "LIMIT_GENERATIONS_AT_ONCE": "2",
        "LIMIT_CONNECTIONS_PER_USER": "3",
        "DAILY_TOKEN_BUDGET": "100",
    }
    with (
        ServerProcess(tmp_path / "a", NODE_NAME="a", **settings) as a,
        ServerProcess(tmp_path / "b", NODE_NAME="b", **settings) as b,
    ):
        yield a, b


@asynccontextmanager
async def tabs(pair: Pair) -> AsyncIterator[tuple[Tab, Tab]]:
    """A tab of one user on each node."""
    token = guest(pair[0].url)
    async with opened(pair[0].url, token) as a, opened(pair[1].url, token) as b:
        yield a, b


async def test_so_many_answers_a_minute_and_at_once_on_all_nodes_together(pair: Pair) -> None:
    async with tabs(pair) as (a, b):
        statuses = [
            (await tab.ask(f"c{number}", options={"tokens": 1_000, "pace": 0.1}))["status"]
            for number, tab in enumerate((a, b, a, b))
        ]
        assert statuses == ["streaming", "streaming", "queued", "queued"]
        for tab in (a, b):
            error = await tab.refused("message.send", chatId="more", message=question(), options=SHORT)
            assert error["code"] == "rate_limited"
            assert 0 < error["retryAfterMs"] <= 15_000


async def test_what_was_spent_on_one_node_is_spent_on_the_other(pair: Pair) -> None:
    async with tabs(pair) as (a, b):
        await a.ended((await a.ask("c", options={"tokens": 200, "pace": 0}))["streamId"])
        error = await b.refused("message.send", chatId="more", message=question(), options=SHORT)
        assert error["code"] == "quota_exceeded"


async def test_so_many_sockets_on_all_nodes_together(pair: Pair) -> None:
    async with tabs(pair) as (a, b), opened(pair[0].url, a.token) as third:
        for server in pair:
            async with Tab(server.url, a.token) as newest:
                await newest.send({"type": "hello", "id": "h", "clientId": "newest", "token": a.token})
                assert await newest.fatal() == ("connection_limit", 4409)
        for tab in (a, b, third):
            await tab.settled()
        await third.cut()
        assert await admitted(pair[1].url, b.token) == "b"


async def admitted(url: str, token: str | None) -> str:
    """Say hello until there is room; the name of the node that had it."""
    async with asyncio.timeout(10):
        while True:
            async with Tab(url, token) as tab:
                with suppress(ConnectionError):
                    return str((await tab.hello())["node"])[0]
