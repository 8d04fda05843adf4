from typing import Literal

import pytest

from app.commands.identity import DAY_MS, TICKET_MS, Proof
from protocol.errors import Refusal
from tests.app.world import World


async def refusal(world: World, proof: Proof | None) -> str:
    with pytest.raises(Refusal) as refused:
        await world.identity.session(proof)
    return refused.value.code


async def test_a_guest_is_known_by_their_token(world: World) -> None:
    granted = await world.granted()
    session = await world.identity.session(Proof(granted.token, "bearer"))
    assert (session.user_id, session.user_kind) == (granted.user_id, "guest")
    assert session.expires_at == granted.expires_at == world.clock.now_ms() + 30 * DAY_MS


async def test_g33_no_token_is_stored(world: World) -> None:
    granted = await world.granted()
    ticket, _ = await world.identity.ticket(await world.identity.session(Proof(granted.token, "bearer")))
    for table in ("users", "sessions", "tickets"):
        stored = str(await world.store.fetch_all(f"SELECT * FROM {table}"))
        assert granted.token not in stored
        assert ticket not in stored


async def test_nobody_is_let_in_without_a_good_token(world: World) -> None:
    assert await refusal(world, None) == "unauthenticated"
    assert await refusal(world, Proof("tws_guess", "bearer")) == "unauthenticated"
    assert await refusal(world, Proof("twt_guess", "ticket")) == "unauthenticated"


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE sessions SET revoked_at = 1", "session_revoked"),
        ("UPDATE users SET disabled_at = 1", "account_disabled"),
        ("DELETE FROM sessions", "unauthenticated"),
    ],
)
async def test_a_session_can_be_taken_back(world: World, statement: str, code: str) -> None:
    granted = await world.granted()
    await world.store.execute(statement)
    assert await refusal(world, Proof(granted.token, "cookie")) == code


async def test_a_session_expires(world: World) -> None:
    proof = Proof((await world.granted()).token, "bearer")
    world.pass_ms(30 * DAY_MS - 1)
    await world.identity.session(proof)
    world.pass_ms(1)
    assert await refusal(world, proof) == "token_expired"


async def test_a_ticket_stands_for_its_session_once(world: World) -> None:
    granted = await world.granted()
    session = await world.identity.session(Proof(granted.token, "bearer"))
    ticket, expires_at = await world.identity.ticket(session)
    assert expires_at == world.clock.now_ms() + TICKET_MS
    assert await world.identity.session(Proof(ticket, "ticket")) == session
    assert await refusal(world, Proof(ticket, "ticket")) == "unauthenticated"


@pytest.mark.parametrize("method", ["bearer", "cookie"])
async def test_a_ticket_is_no_token_of_a_session(world: World, method: Literal["bearer", "cookie"]) -> None:
    session = await world.identity.session(Proof((await world.granted()).token, "bearer"))
    ticket, _ = await world.identity.ticket(session)
    assert await refusal(world, Proof(ticket, method)) == "unauthenticated"
    assert await world.identity.session(Proof(ticket, "ticket")) == session, "and it was not used up"


async def test_a_ticket_lasts_a_minute(world: World) -> None:
    session = await world.identity.session(Proof((await world.granted()).token, "bearer"))
    ticket, _ = await world.identity.ticket(session)
    world.pass_ms(TICKET_MS)
    assert await refusal(world, Proof(ticket, "ticket")) == "unauthenticated"
