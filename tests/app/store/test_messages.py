"""The tree of a chat: which branch is read, and which versions a message has."""

from typing import Any

import pytest

from app.store import messages
from app.store.engine import Database
from app.store.messages import Sibling, StoredMessage
from app.streams import history
from app.streams.history import versions
from tests.app.world import World


async def tree(world: World) -> str:
    """q1 - a1 - q2 - a2, with a1' beside a1, q2' beside q2, and q1' beside q1."""
    user_id = (await world.guest()).user_id
    await world.store.execute(
        "INSERT INTO chats (user_id, chat_id, title, title_source, version, created_at, updated_at) "
        "VALUES (:u, 'c', '', 'provisional', 1, 0, 0)",
        {"u": user_id},
    )
    places = [("q1", None), ("a1", "q1"), ("q2", "a1"), ("a2", "q2"), ("a1x", "q1"), ("q2x", "a1"), ("q1x", None)]
    for now, (name, parent) in enumerate(places):
        await put(world.store, user_id, name, parent, now=now)
    return user_id


async def put(store: Database, user_id: str, name: str, parent: str | None, *, now: int, **fields: Any) -> None:
    values = {
        "u": user_id,
        "name": name,
        "parent": parent,
        "role": "user" if name.startswith("q") else "assistant",
        "parts": '[{"type":"text","text":"x"}]',
        "metadata": "{}",
        "committed": 1,
        "now": now,
    }
    await store.execute(
        """
        INSERT INTO messages (user_id, chat_id, message_id, parent_id, role, parts, metadata, committed, created_at)
        VALUES (:u, 'c', :name, :parent, :role, :parts, :metadata, :committed, :now)
        """,
        values | fields,
    )


@pytest.mark.parametrize(
    ("leaf", "path"),
    [
        ("a2", ["q1", "a1", "q2", "a2"]),
        ("q2x", ["q1", "a1", "q2x"]),
        ("a1x", ["q1", "a1x"]),
        ("q1x", ["q1x"]),
        ("none", []),
    ],
)
async def test_a_branch_is_a_message_and_its_ancestors(world: World, leaf: str, path: list[str]) -> None:
    user_id = await tree(world)
    for limit in range(1, 6):
        branch = await messages.branch(world.store, user_id, "c", leaf, limit=limit)
        assert [message.message_id for message in branch] == path[-limit:]
    assert await messages.branch(world.store, user_id, "another", leaf, limit=9) == []


async def test_versions_are_the_siblings_of_one_role_oldest_first(world: World) -> None:
    user_id = await tree(world)
    page, older = await history.page(world.store, user_id, "c", "a2", limit=10)
    known = {message.id: (message.metadata or {})["versions"] for message in page}
    assert known == {
        "q1": {"index": 0, "ids": ["q1", "q1x"]},
        "a1": {"index": 0, "ids": ["a1", "a1x"]},
        "q2": {"index": 0, "ids": ["q2", "q2x"]},
        "a2": {"index": 0, "ids": ["a2"]},
    }
    assert older is None
    page, older = await history.page(world.store, user_id, "c", "a1x", limit=1)
    assert (page[0].metadata or {})["versions"] == {"index": 1, "ids": ["a1", "a1x"]}
    assert older == "a1x"


async def test_a_try_that_failed_without_a_word_is_no_version_unless_it_is_shown(world: World) -> None:
    user_id = await tree(world)
    blank = {"parts": "[]", "metadata": '{"status":"failed"}'}
    await put(world.store, user_id, "a1f", "q1", now=10, **blank)
    await put(world.store, user_id, "a1s", "q1", now=11, parts="[]", metadata='{"status":"stopped"}')
    ids = {}
    for leaf in ("a1", "a1f", "a1s"):
        page, _ = await history.page(world.store, user_id, "c", leaf, limit=1)
        ids[leaf] = (page[0].metadata or {})["versions"]
    assert ids == {
        "a1": {"index": 0, "ids": ["a1", "a1x", "a1s"]},
        "a1f": {"index": 2, "ids": ["a1", "a1x", "a1f", "a1s"]},
        "a1s": {"index": 2, "ids": ["a1", "a1x", "a1s"]},
    }


async def test_an_answer_in_flight_is_not_on_the_page_but_in_the_place_of_one(world: World) -> None:
    user_id = await tree(world)
    await put(world.store, user_id, "a9", "q2x", now=10, committed=0)
    page, older = await history.page(world.store, user_id, "c", "a9", limit=2)
    assert ([message.id for message in page], older) == (["q2x"], "q2x")


def test_versions_of_a_message_whose_siblings_are_elsewhere() -> None:
    stored = StoredMessage("m", "p", "user", [], {}, committed=True)
    siblings = [
        Sibling("x", "other", "user", is_blank_failure=False),
        Sibling("y", "p", "assistant", is_blank_failure=False),
        Sibling("m", "p", "user", is_blank_failure=False),
    ]
    assert versions(siblings, stored) == {"index": 0, "ids": ["m"]}


async def test_g32_messages_are_their_users(world: World) -> None:
    user_id, other = await tree(world), (await world.guest()).user_id
    assert await messages.exists(world.store, user_id, "a2")
    assert not await messages.exists(world.store, other, "a2")
    assert await messages.branch(world.store, other, "c", "a2", limit=9) == []
