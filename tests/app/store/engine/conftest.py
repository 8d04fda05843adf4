"""An open database of each dialect."""

from collections.abc import AsyncIterator

import pytest

from app.store.engine import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database with one table, `notes`; every slot must be free again when the test ends."""
    database = Database(database_url, pool_size=3)
    await database.connect()
    await database.execute(
        "CREATE TABLE notes (user_id TEXT NOT NULL, id BIGINT NOT NULL, body TEXT, PRIMARY KEY (user_id, id))"
    )
    free = database.free_connections
    yield database
    assert database.free_connections == free
    await database.close()
