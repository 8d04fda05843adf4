"""Users whom an identity provider vouches for: there at first sight, and signed in for as long as their token says."""

import asyncio
from typing import Any

import pytest

from app.auth.provider import Provider
from app.commands.identity import Identity, Proof
from app.store import users
from app.store.sessions import Session
from protocol.errors import Refusal
from tests.app.auth.keyring import AUDIENCE, ISSUER, document, ec_key
from tests.app.world import World
from tests.virtual import NOON

KEY = ec_key()


@pytest.fixture
def identity(world: World) -> Identity:
    provider = Provider(ISSUER, AUDIENCE, lambda: document(KEY), world.clock)
    return Identity(world.store, world.mint, world.clock, world.seen.note, session_days=30, provider=provider)


async def session(identity: Identity, **claims: Any) -> Session:
    return await identity.session(Proof(KEY.sign(**claims), "bearer"))


async def refusal(identity: Identity, proof: Proof) -> str:
    with pytest.raises(Refusal) as refused:
        await identity.session(proof)
    return refused.value.code


async def test_a_subject_is_one_user_from_first_sight_on(world: World, identity: Identity) -> None:
    first = await session(identity, email="ada@example.org", name="Ada")
    assert first == Session(None, first.user_id, "account", (NOON + 600) * 1000)
    again = await asyncio.gather(*(session(identity) for _ in range(5)))
    assert {each.user_id for each in again} == {first.user_id}
    assert (await session(identity, sub="bob")).user_id != first.user_id
    together = await asyncio.gather(*(session(identity, sub="eve") for _ in range(5)))
    assert len({each.user_id for each in together}) == 1
    assert len(await users.everybody(world.store, guests=True)) == 3


async def test_what_the_provider_says_now_is_shown(world: World, identity: Identity) -> None:
    for email, name in (("ada@example.org", "Ada"), ("ada@example.com", None)):
        found = await session(identity, email=email, name=name)
        user = await users.get(world.store, found.user_id)
        assert user is not None
        assert (user.email, user.name, user.issuer, user.subject) == (email, name, ISSUER, "ada")


async def test_nothing_is_stored_of_the_sign_in(world: World, identity: Identity) -> None:
    found = await session(identity)
    assert await world.store.fetch_all("SELECT * FROM sessions") == []
    assert await identity.prolonged(found) is found
    world.pass_ms(600_000)
    with pytest.raises(Refusal) as refused:
        await session(identity)
    assert refused.value.code == "token_expired"


async def test_a_ticket_stands_for_it_and_ends_with_it(world: World, identity: Identity) -> None:
    found = await session(identity, exp=NOON + 30)
    for wait, code in ((0, None), (31_000, "token_expired")):
        ticket, _ = await identity.ticket(found)
        world.pass_ms(wait)
        if code is None:
            assert await identity.session(Proof(ticket, "ticket")) == found
        else:
            assert await refusal(identity, Proof(ticket, "ticket")) == code


async def test_a_disabled_user_is_refused(world: World, identity: Identity) -> None:
    found = await session(identity)
    ticket, _ = await identity.ticket(found)
    await users.disable(world.store, found.user_id, disabled=True)
    assert await refusal(identity, Proof(KEY.sign(), "bearer")) == "account_disabled"
    assert await refusal(identity, Proof(ticket, "ticket")) == "account_disabled"


async def test_it_is_signed_out_where_it_came_from(world: World, identity: Identity) -> None:
    with pytest.raises(Refusal) as refused:
        await world.signing_out.logout(await session(identity))
    assert refused.value.code == "permission_denied"


async def test_its_email_is_nobodys_way_in(world: World, identity: Identity) -> None:
    """The provider's word about an email makes nobody the owner of an account that has it."""
    vouched = await session(identity, email="ada@example.org")
    with pytest.raises(Refusal):
        await world.accounts.login("ada@example.org", "", device="x")
    guest = await world.granted()
    assert guest.user_id != vouched.user_id


@pytest.mark.parametrize("method", ["cookie", "ticket"])
async def test_a_token_is_good_in_a_header_or_a_frame_only(identity: Identity, method: str) -> None:
    assert await refusal(identity, Proof(KEY.sign(), method)) == "unauthenticated"  # type: ignore[arg-type]


async def test_a_server_without_a_provider_knows_no_tokens_of_one(world: World) -> None:
    assert await refusal(world.identity, Proof(KEY.sign(), "bearer")) == "unauthenticated"
