"""What running answers ask of people, on both databases."""

from collections.abc import AsyncIterator

import pytest

from app.store import chats, streams, tool_requests, users
from app.store.engine import Database
from app.store.migrations import migrate
from app.store.streams import StreamRow
from app.store.tool_requests import Asked, Request


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    """A store in which a stream of `u` runs in the chat `c`."""
    migrate(database_url)
    database = Database(database_url)
    await database.connect()
    for user_id in ("u", "v"):
        await users.create_user(database, user_id, kind="guest", epoch="e", now=0)
    await chats.create(database, "u", "c", title="A chat", project_id=None, now=0)
    row = StreamRow("s", "u", "c", "m", "cmd", None, "queued", {"text": ""}, 0)
    await streams.insert(database, row, rank=0)
    await streams.start(database, "s", node="n", request={}, now=0)
    yield database
    await database.close()


APPROVAL = Request("s", "approval", "x")
OUTPUT = Request("s", "output", "x")


async def is_asking(store: Database) -> bool | None:
    return (await chats.dashboard(store, "u", ["c"]))["c"].awaiting_approval


async def test_a_request_waits_until_it_is_answered(store: Database) -> None:
    assert await tool_requests.find(store, "u", APPROVAL) is None
    assert await is_asking(store) is None
    for request in (APPROVAL, OUTPUT):
        await tool_requests.ask(store, request, now=1)
    assert await tool_requests.find(store, "u", APPROVAL) == Asked("c", "n", "streaming", None)
    assert await tool_requests.find(store, "v", APPROVAL) is None
    assert await tool_requests.answered(store, ["s"]) == {}
    await tool_requests.answer(store, APPROVAL, {"approved": True, "reason": "é"})
    assert await tool_requests.find(store, "u", APPROVAL) == Asked(
        "c", "n", "streaming", {"approved": True, "reason": "é"}
    )
    assert await is_asking(store), "the other one still waits"
    await tool_requests.answer(store, OUTPUT, {"output": None})
    assert await is_asking(store) is None
    assert await tool_requests.answered(store, ["s", "t"]) == {
        APPROVAL: {"approved": True, "reason": "é"},
        OUTPUT: {"output": None},
    }


async def test_nothing_waits_any_more_when_its_stream_has_ended(store: Database) -> None:
    await tool_requests.ask(store, APPROVAL, now=1)
    await streams.mark_stopping(store, "s")
    assert await is_asking(store), "nobody is told before the end"
    await streams.finish(store, "s", node="n", status="stopped", seq=0, outcome={}, now=2)
    assert await is_asking(store) is None


async def test_requests_go_with_their_chat(store: Database) -> None:
    await tool_requests.ask(store, APPROVAL, now=1)
    await chats.delete(store, "u", "c", now=2)
    assert await store.fetch_all("SELECT * FROM tool_requests") == []
