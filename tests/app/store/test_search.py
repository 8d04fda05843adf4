"""Search in titles and messages, on both databases: what is found, and that the index stays in step."""

from collections.abc import AsyncIterator
from itertools import count, product

import pytest

from app.store import chats, messages, retention, users
from app.store.dashboard import snapshot
from app.store.engine import Database
from app.store.migrations import load, migrate
from app.store.search import MOST_WORDS, words_of
from protocol.frames.client import DashboardGet
from protocol.limits import Limits

_numbers = count(1)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    """An empty store with two users, `u` and `v`."""
    migrate(database_url)
    database = Database(database_url)
    await database.connect()
    for user_id in ("u", "v"):
        await users.create_user(database, user_id, kind="guest", epoch="e", now=0)
    yield database
    await database.close()


async def add(store: Database, title: str, *texts: str, user_id: str = "u", project_id: str | None = None) -> str:
    """Add a chat with messages; later ones are newer. Returns its id."""
    number = next(_numbers)
    chat_id = f"c{number}"
    await chats.create(store, user_id, chat_id, title=title, project_id=project_id, now=number)
    for n, text in enumerate(texts):
        parts = [{"type": "text", "text": text}, {"type": "reasoning", "text": "hidden"}]
        await messages.insert_question(
            store,
            user_id,
            chat_id,
            f"{chat_id}_{n}",
            parent_id=None,
            parts=parts,
            metadata={},
            now=number,
        )
    return chat_id


async def found(store: Database, query: str, *, user_id: str = "u", **fields: object) -> list[str]:
    request = DashboardGet(id="get", query=query, **fields)  # type: ignore[arg-type]  # any field of the request
    return [chat.chat_id for chat in (await snapshot(store, user_id, request, [])).chats]


async def test_words_are_found_in_titles_and_messages_newest_chat_first(store: Database) -> None:
    first = await add(store, "The tide tables")
    second = await add(store, "Else", "Nothing", "High tide, twice a day")
    await add(store, "Neither")
    assert await found(store, "tide") == [second, first]
    assert await found(store, "tide twice") == [second], "all words"
    assert await found(store, "twice tables") == [], "in one place"
    assert await found(store, "hidden") == [], "what the model thought is no text"


async def test_case_and_accents_do_not_matter_and_the_beginning_of_a_word_is_enough(store: Database) -> None:
    chat_id = await add(store, "Ärger über Öl", "STRASSE Ça va, crème brûlée? Ελλάδα 日本語のテキスト “Quoted”")
    for query in ["ärger", "ARGER", "uber", "Über ol", "ueb ol"[3:], "strass", "creme brul", "ca", "日本", "quoted"]:
        assert await found(store, query) == [chat_id], query
    assert await found(store, "u\u0308ber") == [chat_id], "composed or not"
    assert await found(store, "rger") == [], "not the middle"
    assert await found(store, "Ελλάδα") == [chat_id]


WORDS = ['"', '""', '"tide', "'tide':*", "ti'de", "tide\\", "\\tide", "tide*", "tide:*", "tide:"]
AROUND = ["{}", "({}", "{})", "-{}", "^{}", "{}&", "|{}", "!{}", "%{}_", "$${}", "<{}>;", "{}\ufffd"]


async def test_punctuation_means_nothing(store: Database) -> None:
    await add(store, "Something")
    await add(store, "tide", user_id="v")
    queries = [around.format(word) for around, word in product(AROUND, WORDS)]
    assert [await found(store, query) for query in queries] == [[]] * len(queries)
    chat_id = await add(store, "The tide ti de")
    for query in queries:
        assert await found(store, query) == ([chat_id] if any(map(str.isalnum, query)) else []), query


@pytest.mark.parametrize("query", ["AND", "OR NOT", "NEAR(a b)", "owner:75", "words:x", "@v", "* OR *", "x' OR '1'='1"])
async def test_words_of_query_languages_are_words(store: Database, query: str) -> None:
    await add(store, "Something", user_id="v")
    await add(store, "Something")
    assert await found(store, query) == []


async def test_a_blank_query_is_none_and_one_without_a_word_finds_nothing(store: Database) -> None:
    chat_id = await add(store, "Any? !")
    assert await found(store, "  ") == [chat_id]
    assert await found(store, "? !") == []


async def test_a_long_query_is_answered_by_its_longest_words(store: Database) -> None:
    chat_id = await add(store, "abcdefgh " + " ".join(chr(97 + n) * (n + 2) for n in range(12)))
    assert await found(store, " ".join("xyzuvwrst") + " " + " ".join(chr(97 + n) * (n + 2) for n in range(12))) == [
        chat_id
    ]
    assert words_of("a " * 100) == '"a"*'
    assert words_of(" ".join(f"w{n}" for n in range(100))).count('"*') == MOST_WORDS


async def test_an_archived_chat_is_found_and_a_deleted_one_is_not(store: Database) -> None:
    chat_id = await add(store, "tide", "tide")
    await chats.update(store, "u", chat_id, title=None, project_id=None, pinned=None, archived=True)
    assert await found(store, "tide") == [chat_id]
    await chats.delete(store, "u", chat_id, now=1)
    assert await found(store, "tide") == []
    entries = await store.fetch_all("SELECT message_id FROM search_entries")
    assert [entry["message_id"] for entry in entries] == [""], "its id is still taken"
    await retention.sweep(store, Limits(), now=retention.TOMBSTONE_MS + 2)
    assert await store.fetch_all("SELECT * FROM search_entries") == []


async def test_the_index_follows_every_change(store: Database) -> None:
    chat_id = await add(store, "before", "question")
    assert await found(store, "question before") == []
    await chats.update(store, "u", chat_id, title="after", project_id=None, pinned=None, archived=None)
    assert (await found(store, "before"), await found(store, "after")) == ([], [chat_id])
    await messages.insert_answer(store, "u", chat_id, "answer", parent_id=f"{chat_id}_0", metadata={}, now=1)
    parts = [{"type": "text", "text": "an answer"}, {"type": "text", "text": "in two parts"}]
    await messages.commit(store, "u", "answer", parts=parts, metadata={})
    assert await found(store, "answer parts") == [chat_id]
    await messages.commit(store, "u", "answer", parts=[{"type": "text", "text": "corrected"}], metadata={})
    assert (await found(store, "parts"), await found(store, "corrected")) == ([], [chat_id])
    await store.execute("DELETE FROM users WHERE user_id = 'u'")
    assert await store.fetch_all("SELECT * FROM search_entries") == []
    if store.dialect == "sqlite":
        left = await store.fetch_all("SELECT rowid FROM search_words WHERE search_words MATCH 'owner : \"75\"'")
        assert left == [], "no word is left behind"


async def test_what_is_rolled_back_is_not_found(store: Database) -> None:
    async def fail() -> None:
        async with store.transaction() as tx:
            await chats.create(tx, "u", "c", title="tide", project_id=None, now=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await found(store, "tide") == []


async def test_g32_nobody_finds_what_others_wrote(store: Database) -> None:
    mine, theirs = await add(store, "tide"), await add(store, "tide", "tide", user_id="v")
    assert await found(store, "tide") == [mine]
    assert await found(store, "tide", user_id="v") == [theirs]


async def test_pages_and_projects_combine_with_a_query(store: Database) -> None:
    ids = [await add(store, f"tide {n}", "other", project_id="p" if n % 2 else None) for n in range(7)]
    await add(store, "Something", project_id="p")
    pages: list[str] = []
    cursor: str | None = None
    while True:
        request = DashboardGet(id="get", query="tide", limit=2, cursor=cursor)
        page = await snapshot(store, "u", request, [])
        pages += [chat.chat_id for chat in page.chats]
        if (cursor := page.next_cursor) is None:
            break
    assert pages == ids[::-1]
    assert await found(store, "tide", project_id="p") == ids[5::-2]


async def test_very_long_texts_and_words_are_stored_and_their_beginning_is_found(store: Database) -> None:
    chat_id = await add(store, "x" * 200, "w" * 3_000_000, "\ufdfa" * 100_000, "z" + " ä1 é2" * 200_000 + " late")
    assert await found(store, "x" * 60) == [chat_id]
    assert await found(store, "w" * 30) == [chat_id]
    assert await found(store, "late") == []


async def test_what_was_stored_before_there_was_a_search_is_found(database_url: str) -> None:
    migrate(database_url, [step for step in load() if step.version < 3])
    store = Database(database_url)
    await store.connect()
    await users.create_user(store, "u", kind="guest", epoch="e", now=0)
    chat_id = await add(store, "Old title", "old text")
    assert "0003_search" in migrate(database_url)
    assert await found(store, "title") == await found(store, "text") == [chat_id]
    await chats.delete(store, "u", chat_id, now=1)
    assert await found(store, "old") == []
    await store.close()
