"""Registering, signing in, and changing the password, over a real store."""

import asyncio
from typing import Any

import pytest
from argon2 import PasswordHasher

from app.auth.passwords import Passwords
from app.auth.tokens import hash_of
from app.commands.accounts import TRIES_AT_ONCE, Accounts, Newcomer, Registration
from app.commands.identity import DAY_MS, Granted, Proof
from app.commands.reply import Caller
from app.store import invites
from app.store.sessions import KNOWN_MS, Session
from protocol.errors import Refusal
from tests.app.world import World

EMAIL, PASSWORD = "ada@example.org", "correct horse"


def newcomer(**fields: Any) -> Newcomer:
    return Newcomer(**({"email": EMAIL, "password": PASSWORD, "name": "Ada", "invite": None, "device": "x"} | fields))


async def session_of(world: World, granted: Granted) -> Session:
    return await world.identity.session(Proof(granted.token, "bearer"))


async def registered(world: World, **fields: Any) -> Granted:
    return await world.accounts.register(newcomer(**fields), None)


async def refusal(what: Any) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await what
    return refused.value


async def ended_with(world: World, granted: Granted) -> str:
    """The code with which a session is refused."""
    return (await refusal(session_of(world, granted))).code


def inviting(world: World, registration: Registration) -> Accounts:
    return Accounts(
        world.store, world.identity, world.passwords, world.signed_in, world.clock, registration=registration
    )


# Registering


async def test_whoever_registers_is_signed_in_and_can_sign_in_again(world: World) -> None:
    granted = await registered(world, email=" Ada@Example.ORG ")
    session = await session_of(world, granted)
    assert (session.user_id, session.user_kind) == (granted.user_id, "account")
    user = await world.accounts.user(session)
    assert (user.email, user.name) == (EMAIL, "Ada")
    again = await world.accounts.login("ADA@example.org", PASSWORD, device="phone")
    assert again.user_id == granted.user_id
    assert again.token != granted.token
    assert (await session_of(world, granted)).user_id == granted.user_id, "the other device stays signed in"


async def test_a_guest_who_registers_keeps_the_chats(world: World) -> None:
    guest = await world.granted()
    await world.answered(Caller(guest.user_id, "tab"), "kept")
    granted = await world.accounts.register(newcomer(), await session_of(world, guest))
    assert granted.user_id == guest.user_id
    assert (await world.history(Caller(granted.user_id, "tab"), "kept"))[0]["role"] == "user"
    assert (await world.accounts.login(EMAIL, PASSWORD, device="x")).user_id == guest.user_id


async def test_every_session_the_guest_had_ends_when_they_register(world: World) -> None:
    """Whoever planted theirs in this browser has no part in the account."""
    guest = await world.granted()
    session = await session_of(world, guest)
    planted = await world.identity.begin(world.store, guest.user_id, device="x")
    ticket, _ = await world.identity.ticket(session)
    granted = await world.accounts.register(newcomer(), session)
    assert [await ended_with(world, old) for old in (guest, planted)] == ["session_revoked"] * 2
    assert (await refusal(world.identity.session(Proof(ticket, "ticket")))).code == "session_revoked"
    assert (await session_of(world, granted)).user_id == guest.user_id


async def test_an_email_has_one_account(world: World) -> None:
    await registered(world)
    guest = await world.granted()
    refused = await refusal(world.accounts.register(newcomer(email="ADA@example.org"), await session_of(world, guest)))
    assert (refused.code, refused.error.param) == ("invalid_argument", "$.email")
    assert "Sign in" in refused.error.message
    assert (await session_of(world, guest)).user_kind == "guest", "nothing else happened"


async def test_two_who_register_one_email_at_once_make_one_account(world: World) -> None:
    sessions = [await session_of(world, await world.granted()) for _ in range(2)]
    done = await asyncio.gather(
        *(world.accounts.register(newcomer(), session) for session in sessions), return_exceptions=True
    )
    made = [each for each in done if isinstance(each, Granted)]
    refused = [each for each in done if isinstance(each, Refusal)]
    assert (len(made), [each.error.param for each in refused]) == (1, ["$.email"])
    assert (await world.accounts.login(EMAIL, PASSWORD, device="x")).user_id == made[0].user_id


async def test_an_account_cannot_be_registered_over(world: World) -> None:
    first = await registered(world)
    second = await world.accounts.register(newcomer(email="other@example.org"), await session_of(world, first))
    assert second.user_id != first.user_id
    assert (await world.accounts.login(EMAIL, PASSWORD, device="x")).user_id == first.user_id


async def test_only_the_invited_register_where_that_is_so(world: World) -> None:
    accounts = inviting(world, "invite")
    now = world.clock.now_ms()
    await invites.create(world.store, hash_of("twi_good"), expires_at=now + DAY_MS)
    await invites.create(world.store, hash_of("twi_old"), expires_at=now)
    for code in (None, "", "twi_guess", "twi_old"):
        refused = await refusal(accounts.register(newcomer(invite=code), None))
        assert (refused.code, refused.error.param) == ("invalid_argument", "$.invite")
    assert (await refusal(accounts.register(newcomer(invite="twi_good", password="short"), None))).code
    await accounts.register(newcomer(invite=" twi_good "), None)
    refused = await refusal(accounts.register(newcomer(invite="twi_good", email="b@example.org"), None))
    assert refused.error.param == "$.invite", "a code is good for one"


async def test_an_invitation_is_not_used_up_by_who_fails(world: World) -> None:
    accounts = inviting(world, "invite")
    guest = await session_of(world, await world.granted())
    await invites.create(world.store, hash_of("twi_good"), expires_at=world.clock.now_ms() + DAY_MS)
    attempts = (accounts.register(newcomer(invite="twi_good"), guest) for _ in range(2))
    done = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Granted", "Refusal"]
    assert await world.store.fetch_all("SELECT * FROM invites") == []


async def test_no_new_accounts_where_they_are_off(world: World) -> None:
    assert (await refusal(inviting(world, "off").register(newcomer(), None))).code == "permission_denied"


# Signing in


async def test_an_unknown_email_and_a_wrong_password_look_the_same(world: World) -> None:
    await registered(world)
    wrong = await refusal(world.accounts.login(EMAIL, "wrong horse", device="x"))
    unknown = await refusal(world.accounts.login("nobody@example.org", "wrong horse", device="x"))
    assert wrong.error == unknown.error
    assert wrong.code == "unauthenticated"


async def test_guesses_are_limited_by_account_and_forgiven_to_who_is_right(world: World) -> None:
    await registered(world)
    for _ in range(3):
        for _ in range(TRIES_AT_ONCE - 1):
            assert (await refusal(world.accounts.login(EMAIL, "guess", device="x"))).code == "unauthenticated"
        await world.accounts.login(EMAIL, PASSWORD, device="x")
    for _ in range(TRIES_AT_ONCE):
        await refusal(world.accounts.login(EMAIL, "guess", device="x"))
    refused = await refusal(world.accounts.login(EMAIL.upper(), PASSWORD, device="x"))
    assert refused.code == "rate_limited"
    assert refused.error.retry_after_ms
    assert (await refusal(world.accounts.login("other@example.org", "guess", device="x"))).code == "unauthenticated"


async def test_a_disabled_account_is_told_so_to_its_owner_alone(world: World) -> None:
    await registered(world)
    await world.store.execute("UPDATE users SET disabled_at = 1")
    assert (await refusal(world.accounts.login(EMAIL, "guess", device="x"))).code == "unauthenticated"
    assert (await refusal(world.accounts.login(EMAIL, PASSWORD, device="x"))).code == "account_disabled"


async def test_a_hash_is_renewed_when_its_parameters_have_changed(world: World) -> None:
    await registered(world)
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    accounts = Accounts(world.store, world.identity, stronger, world.signed_in, world.clock, registration="off")
    for _ in range(2):
        await accounts.login(EMAIL, PASSWORD, device="x")
        row = await world.store.fetch_one("SELECT password_hash FROM users")
        assert row is not None
        assert "t=2" in row["password_hash"]


async def test_a_password_that_is_changed_while_it_is_checked_signs_nobody_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await session_of(world, await registered(world))
    check = world.passwords.check

    async def meanwhile(password: str, stored: str | None) -> bool:
        is_right = await check(password, stored)
        with monkeypatch.context() as patched:
            patched.setattr(world.passwords, "check", check)
            await world.accounts.change_password(session, PASSWORD, "another horse")
        return is_right

    with monkeypatch.context() as patched:
        patched.setattr(world.passwords, "check", meanwhile)
        assert (await refusal(world.accounts.login(EMAIL, PASSWORD, device="x"))).code == "unauthenticated"
    assert [device.session_id for device in await world.signing_out.devices(session)] == [session.session_id]


async def test_a_guest_signs_in_with_no_password(world: World) -> None:
    guest = await world.granted()
    await world.store.execute("UPDATE users SET email = 'guest@example.org'")
    assert (await refusal(world.accounts.login("guest@example.org", "", device="x"))).code == "unauthenticated"
    assert (await session_of(world, guest)).user_kind == "guest"


# Changing the password


async def test_a_new_password_ends_the_other_sessions(world: World) -> None:
    first, second = await registered(world), await world.accounts.login(EMAIL, PASSWORD, device="x")
    await world.accounts.change_password(await session_of(world, second), PASSWORD, "another horse")
    assert await ended_with(world, first) == "session_revoked"
    assert (await session_of(world, second)).user_id == second.user_id
    assert (await refusal(world.accounts.login(EMAIL, PASSWORD, device="x"))).code == "unauthenticated"
    await world.accounts.login(EMAIL, "another horse", device="x")


@pytest.mark.parametrize(
    ("current", "new", "code", "param"),
    [
        ("wrong horse", "another horse", "permission_denied", "$.current"),
        (PASSWORD, "short", "invalid_argument", "$.new"),
    ],
)
async def test_a_change_is_refused_by_field(world: World, current: str, new: str, code: str, param: str) -> None:
    granted = await registered(world)
    refused = await refusal(world.accounts.change_password(await session_of(world, granted), current, new))
    assert (refused.code, refused.error.param) == (code, param)
    await world.accounts.login(EMAIL, PASSWORD, device="x")


async def test_whoever_found_an_open_browser_cannot_guess_the_password_for_ever(world: World) -> None:
    session = await session_of(world, await registered(world))
    codes = [
        (await refusal(world.accounts.change_password(session, "guess", "another horse"))).code
        for _ in range(TRIES_AT_ONCE + 1)
    ]
    assert codes == ["permission_denied"] * TRIES_AT_ONCE + ["rate_limited"]


async def test_a_guest_has_no_password_to_change(world: World) -> None:
    session = await session_of(world, await world.granted())
    assert (await refusal(world.accounts.change_password(session, "", "another horse"))).code == "permission_denied"


async def test_of_two_changes_at_once_one_counts(world: World) -> None:
    session = await session_of(world, await registered(world))
    changes = (world.accounts.change_password(session, PASSWORD, f"another horse {n}") for n in range(2))
    done = await asyncio.gather(*changes, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["NoneType", "Refusal"]


# What is kept


async def test_g33_no_password_is_stored(world: World) -> None:
    await registered(world)
    stored = str(await world.store.fetch_all("SELECT * FROM users"))
    assert PASSWORD not in stored
    assert "$argon2id$" in stored


async def test_an_ended_session_is_known_for_a_week(world: World) -> None:
    granted = await registered(world)
    await world.signing_out.logout(await session_of(world, granted))
    row = await world.store.fetch_one("SELECT expires_at FROM sessions")
    assert row is not None
    assert row["expires_at"] == world.clock.now_ms() + KNOWN_MS
    world.pass_ms(KNOWN_MS + 1)
    assert await ended_with(world, granted) == "session_revoked"


# Sessions that are used


async def test_a_session_in_use_never_ends(world: World) -> None:
    granted = await registered(world)
    for _ in range(5):
        world.pass_ms(29 * DAY_MS)
        session = await world.identity.prolonged(await session_of(world, granted))
        assert session.expires_at == world.clock.now_ms() + 30 * DAY_MS
        assert (await session_of(world, granted)).expires_at == session.expires_at
    session = await session_of(world, granted)
    world.pass_ms(60_000)
    assert await world.identity.prolonged(session) is session, "and is written an hour apart at most"
