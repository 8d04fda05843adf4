"""API tokens: shown once, stored as hashes, and good until they end."""

from typing import Any

import pytest

from app.auth.tokens import hash_of
from app.commands.accounts import Newcomer
from app.commands.api_tokens import MOST_TOKENS
from app.commands.identity import DAY_MS, Proof
from app.store.sessions import Session
from protocol.errors import Refusal
from tests.app.world import World


async def ada(world: World, email: str = "ada@example.org") -> Session:
    newcomer = Newcomer(email, "correct horse", None, None, "x")
    granted = await world.accounts.register(newcomer, None)
    return await world.identity.session(Proof(granted.token, "bearer"))


async def refusal(what: Any) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await what
    return refused.value


async def test_a_token_is_its_owner_until_it_is_ended(world: World) -> None:
    session = await ada(world)
    token, secret = await world.tokens.create(session, " A\nscript ", None)
    assert (token.name, token.expires_at, token.seen_at) == ("A script", None, None)
    used = await world.identity.session(Proof(secret, "bearer"))
    assert (used.user_id, used.kind, used.expires_at) == (session.user_id, "token", None)
    assert await world.identity.prolonged(used) is used
    world.pass_ms(3_650 * DAY_MS)
    assert await world.tokens.all(session) == [token]
    await world.tokens.end(session, token.session_id)
    assert (await refusal(world.identity.session(Proof(secret, "bearer")))).code == "session_revoked"
    assert await world.tokens.all(session) == []
    assert (await refusal(world.tokens.end(session, token.session_id))).code == "not_found"


async def test_g33_no_secret_is_stored(world: World) -> None:
    _, secret = await world.tokens.create(await ada(world), "A script", None)
    stored = str(await world.store.fetch_all("SELECT * FROM sessions"))
    assert secret not in stored
    assert hash_of(secret) in stored


async def test_a_token_ends_when_its_owner_said(world: World) -> None:
    session = await ada(world)
    now = world.clock.now_ms()
    _, secret = await world.tokens.create(session, "A script", now + DAY_MS)
    world.pass_ms(DAY_MS)
    assert (await refusal(world.identity.session(Proof(secret, "bearer")))).code == "token_expired"
    assert await world.tokens.all(session) == []
    for late in (now, 0, -1, 2**53 - 1):
        refused = await refusal(world.tokens.create(session, "A script", late))
        assert refused.error.param == "$.expiresAt"


@pytest.mark.parametrize("name", ["", " \n", "x" * 201])
async def test_a_token_has_a_name(world: World, name: str) -> None:
    refused = await refusal(world.tokens.create(await ada(world), name, None))
    assert (refused.code, refused.error.param) == ("invalid_argument", "$.name")


async def test_tokens_are_for_accounts_and_not_without_number(world: World) -> None:
    guest = await world.identity.session(Proof((await world.granted()).token, "bearer"))
    assert (await refusal(world.tokens.create(guest, "A script", None))).code == "permission_denied"
    session = await ada(world)
    for _ in range(MOST_TOKENS):
        await world.tokens.create(session, "A script", None)
    assert (await refusal(world.tokens.create(session, "A script", None))).code == "quota_exceeded"
    assert len(await world.tokens.all(session)) == MOST_TOKENS


async def test_a_new_password_leaves_tokens_alone_and_a_token_is_no_device(world: World) -> None:
    session = await ada(world)
    _, secret = await world.tokens.create(session, "A script", None)
    await world.accounts.change_password(session, "correct horse", "another horse")
    assert await world.signing_out.end_others(session) == 0
    assert [device.session_id for device in await world.signing_out.devices(session)] == [session.session_id]
    await world.identity.session(Proof(secret, "bearer"))
