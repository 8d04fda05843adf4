"""What an export reads, on both databases."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store import chats, exports, files, messages, users
from app.store.engine import Database
from app.store.exports import GROUP_BYTES, PAGE_ROWS
from app.store.files import StoredFile
from app.store.migrations import migrate


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, database_url)
    database = Database(database_url)
    await database.connect()
    for user_id in ("a", "b"):
        await users.create_user(database, user_id, kind="guest", epoch="e", now=1)
        await chats.create(database, user_id, "c", title="A chat", project_id=None, now=1)
    yield database
    await database.close()


async def asked(store: Database, message_id: str, parent_id: str | None = None, *, now: int = 1) -> None:
    parts = [{"type": "text", "text": message_id}]
    await messages.insert_question(store, "a", "c", message_id, parent_id=parent_id, parts=parts, metadata={}, now=now)


async def answered(store: Database, message_id: str, parent_id: str, *, committed: bool = True, now: int = 1) -> None:
    await messages.insert_answer(store, "a", "c", message_id, parent_id=parent_id, metadata={}, now=now)
    if committed:
        await messages.commit(store, "a", message_id, parts=[{"type": "text", "text": message_id}], metadata={})


async def grown(store: Database) -> None:
    """A chat with two versions of a question, and one answer that is still being written."""
    await asked(store, "z1")
    await answered(store, "a1", "z1")
    await asked(store, "q2", "a1", now=2)
    await answered(store, "a2", "q2", now=2)
    await asked(store, "q2b", "a1", now=3)
    await answered(store, "a2b", "q2b", committed=False, now=3)


def ids(sized: list[exports.Sized]) -> list[str]:
    return [message_id for message_id, _ in sized]


async def test_a_tree_lists_parents_before_their_children_and_nothing_unfinished(store: Database) -> None:
    await grown(store)
    assert ids(await exports.tree(store, "a", "c")) == ["z1", "a1", "q2", "a2", "q2b"]
    assert await exports.tree(store, "b", "c") == []


async def test_a_branch_is_what_leads_to_a_message(store: Database) -> None:
    await grown(store)
    assert ids(await exports.branch(store, "a", "c", "a2")) == ["z1", "a1", "q2", "a2"]
    assert ids(await exports.branch(store, "a", "c", "a2b")) == ["z1", "a1", "q2b"]
    assert await exports.branch(store, "b", "c", "a2") == []


async def test_messages_come_whole_in_the_order_asked_for(store: Database) -> None:
    await grown(store)
    sized = [*await exports.tree(store, "a", "c"), ("deleted", 5)]
    read = [message async for message in exports.messages(store, "a", sized[::-1])]
    assert [message.message_id for message in read] == ["q2b", "a2", "q2", "a1", "z1"]
    assert [part["text"] for message in read for part in message.parts] == ["q2b", "a2", "q2", "a1", "z1"]
    assert [message.parent_id for message in read] == ["a1", "q2", "a1", "z1", None]
    assert [message async for message in exports.messages(store, "b", sized)] == []


async def test_every_file_is_listed_page_by_page(store: Database) -> None:
    async with store.transaction() as tx:
        for number in range(PAGE_ROWS * 2 + 1):
            file = StoredFile(f"f{number:03}", "text/plain", "f.txt", 1)
            await files.insert(tx, "a", file, f"hash {number}", b"x", now=1)
    listed = [file.file_id async for file in exports.files(store, "a", now=1)]
    assert listed == [f"f{number:03}" for number in range(PAGE_ROWS * 2 + 1)]
    assert [file async for file in exports.files(store, "a", now=1 + files.UNNAMED_MS)] == []
    assert [file async for file in exports.files(store, "b", now=1)] == []


@given(st.lists(st.integers(1, 2 * GROUP_BYTES), max_size=400))
def test_groups_are_the_whole_list_in_order_and_none_is_too_large(sizes: list[int]) -> None:
    sized = [(str(number), size) for number, size in enumerate(sizes)]
    groups = list(exports.grouped(sized))
    assert [message_id for group in groups for message_id in group] == ids(sized)
    for group in groups:
        assert 0 < len(group) <= PAGE_ROWS
        assert len(group) == 1 or sum(sizes[int(message_id)] for message_id in group) <= GROUP_BYTES
