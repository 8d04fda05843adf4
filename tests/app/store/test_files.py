"""Files and what names them, on both databases."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from app.store import chats, files, retention, users
from app.store.engine import Database
from app.store.errors import UniqueViolation
from app.store.files import PIECE_BYTES, UNNAMED_MS, StoredFile
from app.store.migrations import migrate
from protocol.limits import Limits

NOW = 1_000_000


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    """Two users with two chats each."""
    await asyncio.to_thread(migrate, database_url)
    database = Database(database_url)
    await database.connect()
    for user_id in ("a", "b"):
        await users.create_user(database, user_id, kind="guest", epoch="e", now=1)
        for chat_id in ("c", "d"):
            await chats.create(database, user_id, chat_id, title="A chat", project_id=None, now=1)
    yield database
    await database.close()


async def stored(store: Database, user_id: str, body: bytes, file_id: str = "f", filename: str = "f.txt") -> StoredFile:
    file = StoredFile(file_id, "text/plain", filename, len(body))
    async with store.transaction() as tx:
        await files.insert(tx, user_id, file, hashlib.sha256(body).hexdigest(), body, now=NOW)
    return file


async def asked(store: Database, chat_id: str, message_id: str, *file_ids: str, now: int = NOW) -> None:
    """The user `a` asks a question that names files."""
    async with store.transaction() as tx:
        assert (await files.keep(tx, "a", file_ids, now=now)).keys() == set(file_ids)
        await files.name(tx, "a", chat_id, message_id, file_ids)


async def read(store: Database, user_id: str, file: StoredFile) -> bytes:
    return b"".join([piece async for piece in files.pieces(store, user_id, file)])


async def is_there(store: Database, file_id: str, *, now: int) -> bool:
    """Whether the user `a` has a file, and whether a sweep leaves it."""
    found = await files.find(store, "a", file_id, now=now) is not None
    await retention.sweep(store, Limits(), now=now + 1)
    left = await store.fetch_one("SELECT file_id FROM files WHERE user_id = 'a' AND file_id = :id", {"id": file_id})
    bytes_left = await store.fetch_one("SELECT 1 AS one FROM file_pieces WHERE user_id = 'a' AND file_id = :id LIMIT 1",
                                       {"id": file_id})  # fmt: skip
    assert found == (left is not None) == (bytes_left is not None)
    return found


@pytest.mark.parametrize("size", [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 7])
async def test_a_file_comes_back_byte_by_byte_in_small_pieces(store: Database, size: int) -> None:
    body = bytes(range(251)) * (size // 251 + 1)
    file = await stored(store, "a", body[:size])
    assert await files.find(store, "a", "f", now=NOW) == file
    assert await read(store, "a", file) == body[:size]
    pieces = [len(piece) async for piece in files.pieces(store, "a", file)]
    assert max(pieces) <= PIECE_BYTES
    assert len(pieces) == -(-size // PIECE_BYTES)


async def test_what_is_anothers_is_not_there(store: Database) -> None:
    file = await stored(store, "a", b"mine")
    assert await files.find(store, "b", "f", now=NOW) is None
    assert await files.find_content(store, "b", hashlib.sha256(b"mine").hexdigest()) is None
    with pytest.raises(LookupError):
        await read(store, "b", file)
    async with store.transaction() as tx:
        assert await files.keep(tx, "b", ["f"], now=NOW) == {}
    assert await files.total(store, "b") == 0


async def test_the_same_bytes_of_another_user_and_the_same_id_are_another_file(store: Database) -> None:
    mine, theirs = await stored(store, "a", b"same"), await stored(store, "b", b"same", filename="theirs.txt")
    assert await files.find(store, "a", "f", now=NOW) == mine
    assert await files.find(store, "b", "f", now=NOW) == theirs


async def test_what_is_given_again_has_its_last_name_and_a_new_day(store: Database) -> None:
    await stored(store, "a", b"x")
    renamed = StoredFile("f", "text/markdown", "later.md", 1)
    await files.give_again(store, "a", renamed, now=NOW + UNNAMED_MS - 1)
    assert await files.find_content(store, "a", hashlib.sha256(b"x").hexdigest()) == renamed
    assert await is_there(store, "f", now=NOW + 2 * UNNAMED_MS - 2)
    assert not await is_there(store, "f", now=NOW + 2 * UNNAMED_MS - 1)


async def test_sizes_add_up(store: Database) -> None:
    await stored(store, "a", b"xx")
    await stored(store, "a", b"yyy", "g")
    assert await files.total(store, "a") == 5


async def test_a_file_that_no_question_names_goes_after_a_day(store: Database) -> None:
    await stored(store, "a", b"x")
    assert await is_there(store, "f", now=NOW + UNNAMED_MS - 1)
    assert not await is_there(store, "f", now=NOW + UNNAMED_MS)


async def test_a_file_whose_time_is_over_cannot_be_named_any_more(store: Database) -> None:
    await stored(store, "a", b"x")
    async with store.transaction() as tx:
        assert await files.keep(tx, "a", ["f", "nothing"], now=NOW + UNNAMED_MS) == {}
        assert (await files.keep(tx, "a", ["f", "nothing"], now=NOW)).keys() == {"f"}


async def test_a_file_that_a_question_names_stays(store: Database) -> None:
    await stored(store, "a", b"x")
    await asked(store, "c", "q", "f")
    assert await is_there(store, "f", now=NOW + 1_000 * UNNAMED_MS)
    await files.give_again(store, "a", StoredFile("f", "text/plain", "again.txt", 1), now=NOW)
    assert await is_there(store, "f", now=NOW + 1_000 * UNNAMED_MS)


async def test_a_deleted_chat_takes_the_files_that_it_alone_names(store: Database) -> None:
    for file_id in ("alone", "shared", "sibling"):
        await stored(store, "a", file_id.encode(), file_id)
    await asked(store, "c", "q1", "alone", "shared", "sibling")
    await asked(store, "c", "q2", "sibling")  # another version of the question
    await asked(store, "d", "q3", "shared")
    await chats.delete(store, "a", "c", now=NOW + 5)
    there = [await is_there(store, file_id, now=NOW + 5) for file_id in ("alone", "shared", "sibling")]
    assert there == [False, True, False]
    await chats.delete(store, "a", "d", now=NOW + 7)
    assert not await is_there(store, "shared", now=NOW + 7)


async def test_a_question_that_is_withdrawn_gives_its_files_another_day(store: Database) -> None:
    await stored(store, "a", b"x")
    await stored(store, "a", b"y", "g")
    await asked(store, "c", "q1", "f", "g")
    await asked(store, "c", "q2", "g")
    later = NOW + 5 * UNNAMED_MS
    await files.release_question(store, "a", "q1", now=later)
    assert await is_there(store, "f", now=later + UNNAMED_MS - 1)
    assert not await is_there(store, "f", now=later + UNNAMED_MS)
    assert await is_there(store, "g", now=later + UNNAMED_MS)
    await files.release_question(store, "a", "q2", now=later)
    assert not await is_there(store, "g", now=later + UNNAMED_MS)


async def test_a_user_leaves_with_their_files(store: Database) -> None:
    for number in range(3):
        await stored(store, "a", b"x" * (number + 1), f"f{number}")
    theirs = await stored(store, "b", b"x")
    await asked(store, "c", "q", "f0")
    assert await files.discard(store, "a", limit=2)
    assert await files.discard(store, "a", limit=2)
    assert not await files.discard(store, "a", limit=2)
    await users.delete(store, "a")
    assert await files.find(store, "b", "f", now=NOW) == theirs
    await users.delete(store, "b")
    for table in ("files", "file_pieces", "file_uses"):
        assert await store.fetch_all(f"SELECT * FROM {table}") == []


async def test_two_uploads_of_one_content_make_one_file(store: Database) -> None:
    """The unique index holds even where somebody forgets the lock."""
    await stored(store, "a", b"x")
    with pytest.raises(UniqueViolation):
        await stored(store, "a", b"x", "g")
    assert await files.total(store, "a") == 1
