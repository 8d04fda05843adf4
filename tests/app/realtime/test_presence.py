"""What is asked about a user on all nodes: three nodes of one bus over one store."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import NamedTuple

import pytest

from app.backplane.local_broker import Bus, LocalBroker
from app.listener import NodeListener
from app.realtime.hub import Hub
from app.realtime.presence import Presences
from tests.app.fakes import Tab
from tests.app.world import World


class Place(NamedTuple):
    """One node: its hub, and how it asks the others."""

    hub: Hub
    presences: Presences


@pytest.fixture
async def places(world: World) -> AsyncIterator[list[Place]]:
    bus, found = Bus(), []
    async with AsyncExitStack() as stack:
        for name in "abc":
            broker = LocalBroker(name, bus)
            hub = Hub(world.store, broker)
            await broker.open(NodeListener(hub, world.registry, world.supervisor, world.ticker, world.asking))
            stack.push_async_callback(broker.close)
            found.append(Place(hub, Presences(hub, broker)))
        yield found


async def join(world: World, places: list[Place], *counts: int) -> str:
    """A user with so many sockets on each node."""
    user_id = (await world.granted()).user_id
    for place, count in zip(places, counts, strict=True):
        for _ in range(count):
            await place.hub.join(user_id, Tab(shows="watched"))
    return user_id


async def test_a_user_has_so_many_sockets_on_all_nodes_together(world: World, places: list[Place]) -> None:
    user_id = await join(world, places, 3, 2, 0)
    await join(world, places, 5, 5, 5)
    for place in places[:2]:
        assert await place.presences.has_room(user_id, 5)
        assert not await place.presences.has_room(user_id, 4)
    assert not await places[0].presences.has_room(user_id, 2)


async def test_whoever_has_few_here_is_let_in_unasked(world: World, places: list[Place]) -> None:
    user_id = await join(world, places, 8, 2, 3)
    assert await places[1].presences.has_room(user_id, 8)
    assert not await places[2].presences.has_room(user_id, 8)


async def test_g30_sockets_that_move_off_a_node_that_drains_do_not_count_twice(
    world: World, places: list[Place]
) -> None:
    user_id = await join(world, places, 3, 2, 1)
    assert not await places[0].presences.has_room(user_id, 3)
    world.supervisor.draining = True  # that of all three
    assert await places[0].presences.has_room(user_id, 3)


async def test_g26_who_looks_is_known_wherever_they_look(world: World, places: list[Place]) -> None:
    user_id = await join(world, places, 0, 1, 0)
    for place in places:
        assert await place.presences.is_watched(user_id, "watched") is True
        assert await place.presences.is_watched(user_id, "other") is False
