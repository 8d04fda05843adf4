"""When a session was last in use: coarse, and never lost to a database that is away."""

import pytest

from app.commands.identity import Granted, Proof
from app.realtime.seen import Seen
from app.store.errors import StoreUnavailable
from app.store.sessions import SEEN_TO_MS, Session
from tests.app.realtime.test_signed_in import Tab
from tests.app.world import World


async def used(world: World, granted: Granted) -> Session:
    return await world.identity.session(Proof(granted.token, "bearer"))


async def seen_at(world: World, granted: Granted) -> int | None:
    return (await used(world, granted)).seen_at


async def test_a_session_that_is_checked_was_in_use(world: World) -> None:
    one, other = await world.granted(), await world.granted()
    began = world.clock.now_ms()
    world.pass_ms(SEEN_TO_MS + 1)
    await used(world, one)
    await world.seen.write()
    assert await seen_at(world, one) == world.clock.now_ms()
    assert await seen_at(world, other) == began
    noted = world.clock.now_ms()
    world.pass_ms(SEEN_TO_MS)
    await world.seen.write()
    assert await seen_at(world, one) == noted, "a quarter of an hour apart at most"


async def test_an_open_socket_is_in_use(world: World) -> None:
    granted = await world.granted()
    session = await used(world, granted)
    await world.seen.write()
    world.signed_in.enter(session, Tab())
    world.signed_in.enter(Session(None, "somebody", "account", None), Tab())
    world.pass_ms(SEEN_TO_MS + 1)
    await world.seen.write()
    assert await seen_at(world, granted) == world.clock.now_ms()


async def test_what_cannot_be_written_is_written_next_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    granted = await world.granted()
    world.pass_ms(SEEN_TO_MS + 1)
    await used(world, granted)

    async def away(*_arguments: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(world.store, "execute", away)
        with pytest.raises(StoreUnavailable):
            await world.seen.write()
    await world.seen.write()
    assert await seen_at(world, granted) == world.clock.now_ms()


async def test_many_sessions_are_written_in_few_statements(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[object] = []

    async def counted(_sql: str, values: object) -> None:
        statements.append(values)

    monkeypatch.setattr(world.store, "execute", counted)
    seen = Seen(world.store, world.signed_in, world.clock)
    for number in range(1_001):
        seen.note(Session(f"ses_{number}", "u", "guest", None))
    await seen.write()
    assert len(statements) == 3
    await seen.write()
    assert len(statements) == 3, "nothing is left"
