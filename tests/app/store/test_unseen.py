"""The mark of an unseen answer, and what must be seen to take it away, on both databases."""

from collections.abc import AsyncIterator

import pytest

from app.store import chats, messages, tree, users
from app.store.engine import Database
from app.store.migrations import migrate


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    """A store with one empty chat, `c` of `u`."""
    migrate(database_url)
    database = Database(database_url)
    await database.connect()
    await users.create_user(database, "u", kind="guest", epoch="e", now=0)
    await chats.create(database, "u", "c", title="Chat", project_id=None, now=0)
    yield database
    await database.close()


async def ask(store: Database, question_id: str, parent_id: str | None) -> None:
    await messages.insert_question(store, "u", "c", question_id, parent_id=parent_id, parts=[], metadata={}, now=0)


async def answer(store: Database, message_id: str, parent_id: str, *, is_whole: bool = True) -> None:
    await messages.insert_answer(store, "u", "c", message_id, parent_id=parent_id, metadata={}, now=0)
    if is_whole:
        await messages.commit(store, "u", message_id, parts=[], metadata={"status": "completed"})


async def test_the_newest_of_a_branch_is_its_last_whole_answer_and_what_hangs_below(store: Database) -> None:
    await ask(store, "q1", None)
    assert await tree.newest(store, "u", "c", "q1") == ["q1"]
    await answer(store, "a1", "q1")
    await ask(store, "q2", "a1")
    await answer(store, "a2", "q2")
    await answer(store, "other", "q2")
    await ask(store, "q3", "a2")
    await answer(store, "a3", "q3", is_whole=False)
    for leaf_id, found in {"a1": {"a1"}, "a2": {"a2"}, "other": {"other"}, "a3": {"a3", "q3", "a2"}}.items():
        assert set(await tree.newest(store, "u", "c", leaf_id)) == found
    assert await tree.newest(store, "v", "c", "a3") == []


async def test_a_chat_stays_unseen_until_it_is_seen(store: Database) -> None:
    async def unseen() -> bool:
        return (await chats.dashboard(store, "u", ["c"]))["c"].unseen

    assert not await chats.see(store, "u", "c")
    for is_unseen, stays in [(False, False), (True, True), (False, True)]:
        await chats.settle(store, "u", "c", "completed", unseen=is_unseen)
        assert await unseen() is stays
    assert await chats.see(store, "u", "c")
    assert not await unseen()
    assert not await chats.see(store, "u", "c")
