"""What uploads at the same time make of each other, on both databases."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.clock import Clock
from app.commands.uploads import Uploads, in_words
from app.ids import Mint
from app.store import files, users
from app.store.engine import Database
from app.store.files import PIECE_BYTES, StoredFile
from app.store.migrations import migrate
from protocol.errors import Refusal
from protocol.limits import Limits

# In so many pieces that uploads which look before they leap leap together.
SIZE = 8 * PIECE_BYTES


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, database_url)
    database = Database(database_url)
    await database.connect()
    await users.create_user(database, "a", kind="guest", epoch="e", now=1)
    yield database
    await database.close()


async def taken(store: Database, *bodies: bytes) -> list[StoredFile | str]:
    """What becomes of uploads that come together: a file, or the code of the refusal."""
    uploads = Uploads(store, Mint(), Clock(), Limits(user_file_bytes=3 * SIZE // 2))

    async def one(number: int, body: bytes) -> StoredFile | str:
        try:
            return await uploads.store("a", body, "text/plain", f"{number}.txt", param=None)
        except Refusal as refusal:
            return refusal.code

    return list(await asyncio.gather(*(one(number, body) for number, body in enumerate(bodies))))


async def test_the_last_room_goes_to_one(store: Database) -> None:
    outcomes = await taken(store, *(letter * SIZE for letter in (b"x", b"y", b"z")))
    assert outcomes.count("quota_exceeded") == 2
    assert await files.total(store, "a") == SIZE


async def test_one_content_becomes_one_file(store: Database) -> None:
    outcomes = await taken(store, *[b"x" * SIZE] * 4)
    assert len({file.file_id for file in outcomes if isinstance(file, StoredFile)}) == 1
    assert not [code for code in outcomes if isinstance(code, str)]
    assert await files.total(store, "a") == SIZE


async def test_a_user_who_is_gone_uploads_nothing(store: Database) -> None:
    await users.delete(store, "a")
    assert await taken(store, b"x") == ["session_revoked"]


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (1_023, "1023 bytes"), (1_536, "1.5 KB"), (5 * 2**20, "5 MB"), (2**28, "256 MB")],
)
def test_sizes_are_said_in_words(size: int, words: str) -> None:
    assert in_words(size) == words
