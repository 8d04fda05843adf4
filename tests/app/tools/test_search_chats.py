"""The tool that searches a person's other chats, on both databases."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.store import chats, messages, users
from app.store.engine import Database
from app.store.migrations import migrate
from app.tools.interface import Scope, ToolError
from app.tools.search_chats import EXCERPT, MOST_PLACES, Search, excerpt, search_chats

DAY = 24 * 3_600_000


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    """A store with two users; each has spoken of tides, `u` in two chats."""
    migrate(database_url)
    database = Database(database_url)
    await database.connect()
    for user_id in ("u", "v"):
        await users.create_user(database, user_id, kind="guest", epoch="e", now=0)
    yield database
    await database.close()


async def add(
    store: Database, chat_id: str, *texts: str, user_id: str = "u", title: str = "A chat", day: int = 1
) -> None:
    await chats.create(store, user_id, chat_id, title=title, project_id=None, now=day * DAY)
    for n, text in enumerate(texts):
        parts = [{"type": "text", "text": text}, {"type": "reasoning", "text": "hidden tide"}]
        await messages.insert_question(
            store, user_id, chat_id, f"{chat_id}_{n}", parent_id=None, parts=parts, metadata={}, now=day * DAY + n
        )  # fmt: skip


async def found(store: Database, query: str, *, chat_id: str = "here") -> list[dict[str, Any]]:
    tool = search_chats(store)
    assert tool.run is not None
    output = await tool.run(Search(query=query), Scope("u", chat_id))
    chats_found: list[dict[str, Any]] = output["chats"]
    return chats_found


async def test_it_finds_what_was_said_elsewhere_newest_chat_first(store: Database) -> None:
    await add(store, "old", "When is high tide?", title="Sea", day=1)
    await add(store, "new", "Low", "The tide is low", title="Tide tables", day=2)
    await add(store, "here", "And the tide here?", day=3)
    await add(store, "foreign", "My tide", user_id="v", day=4)
    assert await found(store, "tide") == [
        {
            "title": "Tide tables",
            "lastAsked": "1970-01-03",
            "excerpts": [{"by": "person", "text": "The tide is low"}],
        },
        {"title": "Sea", "lastAsked": "1970-01-02", "excerpts": [{"by": "person", "text": "When is high tide?"}]},
    ]
    assert await found(store, "tide", chat_id="old") != await found(store, "tide", chat_id="new")


async def test_it_finds_nothing_and_is_not_confused(store: Database) -> None:
    await add(store, "old", "When is high tide?")
    assert await found(store, 'whale "OR" owner : *') == []
    with pytest.raises(ToolError, match="no words"):
        await found(store, "?!")


async def test_a_deleted_chat_is_not_found(store: Database) -> None:
    await add(store, "old", "When is high tide?", title="Tide")
    await chats.delete(store, "u", "old", now=1)
    assert await found(store, "tide") == []


async def test_it_shows_only_so_many_places(store: Database) -> None:
    await add(store, "old", *(f"tide {n}" for n in range(MOST_PLACES + 5)))
    [chat] = await found(store, "tide")
    assert len(chat["excerpts"]) == MOST_PLACES


def test_an_excerpt_stands_around_the_first_word() -> None:
    text = "a " * 400 + "the TIDE " + "z " * 400
    cut = excerpt(text, ["tide"])
    assert "TIDE" in cut
    assert cut[0] == cut[-1] == "…"
    assert len(cut) <= EXCERPT + 2
    assert excerpt("short  text", ["tide"]) == "short text"
    assert excerpt(text, ["nowhere"]).startswith("a a")
    assert excerpt("b " * 400 + "tide", ["tide"]).endswith("tide")
