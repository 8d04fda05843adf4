"""A site for every test of the routes."""

from collections.abc import AsyncIterator

import pytest

from app.store.engine import Database
from tests.app.web.site import Site
from tests.app.world import World, opened


@pytest.fixture
async def site(store: Database) -> AsyncIterator[Site]:
    async with opened(World(store)) as world:
        yield Site(world)
