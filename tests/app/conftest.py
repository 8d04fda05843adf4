"""A real store for every test that wants one: a SQLite file, migrated once a session and copied for each test."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.store.engine import Database
from app.store.migrations import migrate
from tests.app.world import World, opened


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all migrations, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "tidewire.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
async def store(migrated: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """An open, empty store."""
    path = shutil.copy(migrated, tmp_path / "tidewire.db")
    database = Database(f"sqlite:///{path}")
    await database.connect()
    yield database
    await database.close()


@pytest.fixture
async def world(store: Database) -> AsyncIterator[World]:
    """A node that runs, with a journal in memory and a scripted model."""
    async with opened(World(store)) as world:
        yield world
