"""Two nodes that share PostgreSQL and Redis: any socket on any node, and nothing lost when one of them dies."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.stock import StockPage
from tests.system.server import ServerProcess
from tests.wire import Tab, guest, opened, text_of

pytestmark = pytest.mark.slow

LONG: dict[str, Any] = {"tokens": 2_000, "pace": 200}


class Pair(NamedTuple):
    """Two nodes."""

    a: ServerProcess
    b: ServerProcess


@pytest.fixture
def pair(new_postgres_database: Callable[[], str], new_redis_url: Callable[[], str], tmp_path: Path) -> Iterator[Pair]:
    shared = {"DATABASE_URL": new_postgres_database(), "REDIS_URL": new_redis_url()}
    with (
        ServerProcess(tmp_path / "a", NODE_NAME="a", **shared) as a,
        ServerProcess(tmp_path / "b", NODE_NAME="b", **shared) as b,
    ):
        yield Pair(a, b)


@asynccontextmanager
async def tabs(pair: Pair) -> AsyncIterator[tuple[Tab, Tab]]:
    """A tab of one user on each node."""
    token = guest(pair.a.url)
    async with opened(pair.a.url, token) as a, opened(pair.b.url, token) as b:
        yield a, b


async def asked(tab: Tab, chat_id: str = "c", **options: Any) -> str:
    stream_id: str = (await tab.ask(chat_id, options=options))["streamId"]
    return stream_id


async def test_g19_a_reader_on_another_node_ends_with_the_same_message(pair: Pair) -> None:
    async with tabs(pair) as (a, b):
        stream_id = await asked(a, tokens=400, pace=200)
        await b.event("stream.started", streamId=stream_id)
        await a.reached(stream_id, 50)
        await b.follow(stream_id)
        await asyncio.gather(a.ended(stream_id), b.ended(stream_id))
        (_, stored) = await b.history("c")
        assert a.streams[stream_id].text == b.streams[stream_id].text == text_of(stored)
        assert a.streams[stream_id].end == b.streams[stream_id].end
        async with opened(pair.b.url, b.token) as late:
            await late.follow(stream_id)
            await late.ended(stream_id)
            assert late.streams[stream_id].text == text_of(stored)


async def test_pages_of_the_ai_sdk_read_and_stop_across_nodes_and_survive_an_owner(pair: Pair) -> None:
    token = guest(pair.a.url)
    async with StockPage(pair.a.url, token) as a, StockPage(pair.b.url, token) as b:
        asked, resumed = await a.send("c", options=LONG), ""
        await a.reads(asked, 20)
        resumed = await b.resume("c")
        await b.reads(resumed, 20)
        await b.abort(resumed)
        await asyncio.gather(a.answered(asked), b.answered(resumed))
        assert a.text(asked) == b.text(resumed)
        assert [page.chunks(name)[-1]["type"] for page, name in ((a, asked), (b, resumed))] == ["abort", "abort"]
        asked = await a.send("c", options=LONG)
        await a.reads(asked, 20)
        resumed = await b.resume("c")
        await b.reads(resumed, 20)
        pair.a.kill()
        await b.answered(resumed)
        assert b.chunks(resumed)[-1]["type"] == "error"


async def test_g15_a_stop_on_another_node_ends_the_answer(pair: Pair) -> None:
    async with tabs(pair) as (a, b):
        stream_id = await asked(a, **LONG)
        await b.follow(stream_id)
        await b.reached(stream_id, 20)
        ack = await b.command("stream.stop", streamId=stream_id)
        assert ack["result"]["status"] == "stopping"
        end = await b.ended(stream_id)
        assert (end["status"], (await a.ended(stream_id))["status"]) == ("stopped", "stopped")
        assert text_of((await a.history("c"))[-1]) == b.streams[stream_id].text


async def test_a_tool_is_approved_and_answered_on_another_node(pair: Pair) -> None:
    async with tabs(pair) as (a, b):
        stream_id = await asked(a, tool=["search_chats", "ask_person"], pace=0)
        await b.event("stream.started", streamId=stream_id)
        await b.follow(stream_id)
        [request] = await b.asked(stream_id)
        assert (await b.command("chat.get", chatId="c"))["result"]["chat"]["awaitingApproval"] is True
        await b.command("tool.approval", streamId=stream_id, approvalId=request["approvalId"], approved=True)
        [_, question] = [part for part in b.streams[stream_id].fold.parts if part["type"].startswith("tool-")]
        names = {"streamId": stream_id, "toolCallId": question["toolCallId"]}
        await b.command("tool.output", **names, output={"choice": "This"})
        ends = await asyncio.gather(a.ended(stream_id), b.ended(stream_id))
        assert [end["status"] for end in ends] == ["completed", "completed"]
        [found, chosen] = [part for part in (await b.history("c"))[-1]["parts"] if part["type"].startswith("tool-")]
        assert (found["state"], chosen["output"]) == ("output-available", {"choice": "This"})
        assert b.streams[stream_id].fold.message() == (await b.history("c"))[-1]


async def test_g3_a_repeat_on_another_node_has_no_second_effect(pair: Pair) -> None:
    async with tabs(pair) as (a, b):
        message = {"id": "q", "role": "user", "parts": [{"type": "text", "text": "Hello?"}]}
        frame = {"chatId": "c", "message": message, "options": {"tokens": 5, "pace": 0}}
        first = await a.command("message.send", id="once", **frame)
        again = await b.command("message.send", id="once", **frame)
        assert again["duplicate"]
        assert again["result"] == first["result"]
        assert (await b.ended(first["result"]["streamId"]))["status"] == "completed"


async def test_g26_who_watches_on_another_node_has_seen_it(pair: Pair) -> None:
    async with tabs(pair) as (a, b):
        await b.send({"type": "presence.update", "visibility": "visible", "chatId": "watched"})
        await b.settled()
        for chat_id, unseen in (("watched", False), ("other", True)):
            stream_id = await asked(a, chat_id, tokens=5, pace=0)
            ended = await b.event("stream.ended", streamId=stream_id)
            if unseen:
                await b.event("chat.unseen", chatId=chat_id)
            assert ended["data"]["chat"]["unseen"] is unseen


async def test_g18_when_the_owner_is_killed_another_node_ends_what_was_shown(pair: Pair) -> None:
    async with tabs(pair) as (a, b):
        stream_id = await asked(a, **LONG)
        await b.follow(stream_id)
        await b.reached(stream_id, 100)
        pair.a.kill()
        end = await b.until(lambda got: got["type"] == "stream.end", within=15)
        assert (end["status"], end["error"]["retryable"]) == ("interrupted", True)
        stored = (await b.history("c"))[-1]
        assert text_of(stored) == b.streams[stream_id].text
        assert text_of(stored).startswith(a.streams[stream_id].text)
        again = await b.command("message.retry", chatId="c", options={"tokens": 5, "pace": 0})
        assert (await b.ended(again["result"]["streamId"]))["status"] == "completed"


async def test_g30_a_drain_loses_no_token_of_an_answer_that_is_read_elsewhere(pair: Pair) -> None:
    async with tabs(pair) as (a, b):
        stream_id = await asked(a, tokens=600, pace=200)
        await b.follow(stream_id)
        await b.reached(stream_id, 20)
        pair.a.signal(15)
        goodbye = await a.until(lambda got: got["type"] == "goodbye")
        assert goodbye["reconnectAfterMs"][1] > 0
        with pytest.raises(ConnectionRefusedError):  # a balancer leads whoever comes now to its neighbour
            await Tab(pair.a.url).__aenter__()
        end = await b.ended(stream_id)
        assert end["status"] == "completed"
        assert b.streams[stream_id].text == text_of((await b.history("c"))[-1])
    assert pair.a.wait() == 0


async def test_g32_a_chat_deleted_on_one_node_is_gone_on_the_other(pair: Pair) -> None:
    async with tabs(pair) as (a, b):
        stream_id = await asked(a, **LONG)
        await b.follow(stream_id)
        await b.reached(stream_id, 20)
        await b.command("chat.delete", chatId="c")
        assert (await b.ended(stream_id))["status"] == "stopped"
        for tab in (a, b):
            await tab.event("chat.deleted", chatId="c")
            assert (await tab.refused("stream.subscribe", streamId=stream_id, after=0))["code"] == "not_found"


async def test_workers_are_nodes(
    new_postgres_database: Callable[[], str], new_redis_url: Callable[[], str], tmp_path: Path
) -> None:
    shared = {"DATABASE_URL": new_postgres_database(), "REDIS_URL": new_redis_url(), "WORKERS": "2"}
    with ServerProcess(tmp_path / "data", **shared) as server:
        token = guest(server.url)
        nodes = set()
        for _ in range(20):
            async with Tab(server.url, token) as tab:
                nodes.add((await tab.hello())["node"])
        assert len(nodes) == 2
        async with opened(server.url, token) as tab:
            stream_id = await asked(tab, tokens=20, pace=0)
            assert (await tab.ended(stream_id))["status"] == "completed"
        assert server.terminate() == 0
