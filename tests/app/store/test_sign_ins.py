"""Users, sessions, tickets and invitations, on both databases."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.store import chats, invites, sessions, users
from app.store.engine import Database
from app.store.errors import UniqueViolation
from app.store.migrations import migrate
from app.store.sessions import KNOWN_MS, Session

NOW = 1_000


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    """A store with two users, `u` and `v`, who have three sessions each: `u1`, `u2`, and the API token `u3`."""
    await asyncio.to_thread(migrate, database_url)
    database = Database(database_url)
    await database.connect()
    for user_id in ("u", "v"):
        await users.create_user(database, user_id, kind="guest", epoch="e", now=0)
        for n in (1, 2):
            await begin(database, user_id, n)
        await sessions.create(
            database,
            f"{user_id}3",
            user_id,
            token_hash=f"hash_{user_id}3",
            now=NOW,
            expires_at=None,
            kind="token",
            name="A script",
        )
    yield database
    await database.close()


async def begin(store: Database, user_id: str, n: int) -> None:
    token_hash = f"hash_{user_id}{n}"
    await sessions.create(store, f"{user_id}{n}", user_id, token_hash=token_hash, now=NOW, expires_at=NOW + 10)


async def found(store: Database, session_id: str) -> Session:
    session = (await sessions.by_tokens(store, [f"hash_{session_id}"])).get(f"hash_{session_id}")
    assert session is not None
    return session


async def revoked(store: Database) -> set[str]:
    names = [f"{user}{n}" for user in "uv" for n in (1, 2, 3)]
    return {name for name in names if (await found(store, name)).revoked}


async def test_a_session_is_found_by_its_token(store: Database) -> None:
    assert await found(store, "u1") == Session("u1", "u", "guest", NOW + 10, seen_at=NOW)
    assert await found(store, "u3") == Session("u3", "u", "guest", None, kind="token")
    assert await sessions.by_tokens(store, ["hash"]) == {}


@pytest.mark.parametrize(
    ("which", "ended"),
    [
        ({}, {"u1", "u2", "u3"}),
        ({"session_id": "u2"}, {"u2"}),
        ({"session_id": "v2"}, set()),
        ({"except_for": "u2"}, {"u1", "u3"}),
        ({"except_for": "v2"}, {"u1", "u2", "u3"}),
        ({"kind": "login"}, {"u1", "u2"}),
        ({"kind": "login", "except_for": "u1"}, {"u2"}),
        ({"kind": "token", "session_id": "u1"}, set()),
    ],
)
async def test_sessions_of_one_user_are_ended(store: Database, which: dict[str, str], ended: set[str]) -> None:
    assert set(await sessions.revoke(store, "u", now=NOW, **which)) == ended  # type: ignore[arg-type]  # names of fields
    assert await revoked(store) == ended
    assert await sessions.revoke(store, "u", now=NOW, **which) == []  # type: ignore[arg-type]  # once only
    told = await sessions.ended_lately(store, within_ms=60_000)
    assert {(each.user_id, each.session_id, each.code) for each in told} == {
        ("u", name, "session_revoked") for name in ended
    }
    for name in ended:
        assert (await found(store, name)).expires_at == (NOW + KNOWN_MS if name == "u3" else NOW + 10)


async def test_a_session_is_prolonged_but_never_shortened_nor_revived(store: Database) -> None:
    for expires_at in (NOW + 50, NOW + 20):
        await sessions.prolong(store, "u1", expires_at=expires_at)
        assert (await found(store, "u1")).expires_at == NOW + 50
    await sessions.revoke(store, "u", now=NOW)
    await sessions.prolong(store, "u1", expires_at=NOW + 70)
    assert (await found(store, "u1")).expires_at == NOW + 50


async def test_a_ticket_stands_for_its_session_or_for_what_a_provider_vouches_for(store: Database) -> None:
    vouched = Session(None, "u", "guest", NOW + 7)
    for session in (await found(store, "u1"), await found(store, "u3"), vouched):
        await sessions.create_ticket(store, "ticket", session, expires_at=NOW + 5)
        assert await sessions.redeem_ticket(store, "ticket", now=NOW + 4) == session
        assert await sessions.redeem_ticket(store, "ticket", now=NOW + 4) is None
    await sessions.create_ticket(store, "ticket", vouched, expires_at=NOW + 5)
    assert await sessions.redeem_ticket(store, "ticket", now=NOW + 5) is None
    await sessions.create_ticket(store, "ticket", vouched, expires_at=NOW + 5)
    await store.execute("UPDATE users SET disabled_at = 1 WHERE user_id = 'u'")
    disabled = await sessions.redeem_ticket(store, "ticket", now=NOW)
    assert disabled is not None
    assert disabled.disabled


async def test_disabled_and_deleted_users_are_told_of(store: Database) -> None:
    await store.execute("UPDATE users SET disabled_at = (SELECT now_ms FROM database_clock) WHERE user_id = 'u'")
    await store.execute("INSERT INTO deleted_users VALUES ('w', (SELECT now_ms FROM database_clock))")
    await store.execute("UPDATE users SET disabled_at = 1 WHERE user_id = 'v'")
    told = await sessions.ended_lately(store, within_ms=60_000)
    assert sorted(told) == [("u", None, "account_disabled"), ("w", None, "session_revoked")]


async def test_a_guest_becomes_an_account_once(store: Database) -> None:
    assert await users.make_account(store, "u", email="a@b", name=None, password_hash="h")
    assert not await users.make_account(store, "u", email="c@d", name=None, password_hash="h")
    assert not await users.make_account(store, "nobody", email="c@d", name=None, password_hash="h")
    user = await users.by_email(store, "a@b")
    assert user is not None
    assert (user.user_id, user.kind, user.password_hash, user.disabled) == ("u", "account", "h", False)
    with pytest.raises(UniqueViolation):
        await users.make_account(store, "v", email="a@b", name=None, password_hash="h")


async def test_a_password_is_replaced_only_instead_of_the_known_one(store: Database) -> None:
    await users.make_account(store, "u", email="a@b", name=None, password_hash="h1")
    assert not await users.set_password(store, "u", password_hash="h3", instead_of="h2")
    assert await users.set_password(store, "u", password_hash="h2", instead_of="h1")
    assert await users.set_password(store, "u", password_hash="h3")
    user = await users.get(store, "u")
    assert user is not None
    assert user.password_hash == "h3"


async def test_an_email_that_a_provider_tells_is_nobodys_key(store: Database) -> None:
    await users.make_account(store, "u", email="a@b", name=None, password_hash="h")
    await store.execute("UPDATE users SET email = 'a@b', issuer = 'i', subject = 's' WHERE user_id = 'v'")
    user = await users.by_email(store, "a@b")
    assert user is not None
    assert user.user_id == "u"
    await store.execute("UPDATE users SET email = 'c@d' WHERE user_id = 'v'")
    assert await users.by_email(store, "c@d") is None


async def test_an_invitation_is_good_once_and_for_its_time(store: Database) -> None:
    await invites.create(store, "code", expires_at=NOW + 1)
    assert await invites.redeem(store, "code", now=NOW)
    assert not await invites.redeem(store, "code", now=NOW)
    await invites.create(store, "code", expires_at=NOW)
    assert not await invites.redeem(store, "code", now=NOW)


async def test_the_sign_ins_of_a_user_are_listed_without_those_that_ended(store: Database) -> None:
    await store.execute("UPDATE sessions SET device = 'A phone', created_at = created_at + 1 WHERE session_id = 'u2'")
    listed = await sessions.of_user(store, "u", kind="login", now=NOW)
    assert [row.session_id for row in listed] == ["u2", "u1"]
    assert listed[0] == ("u2", None, "A phone", NOW + 1, NOW, NOW + 10)
    assert await sessions.of_user(store, "u", kind="token", now=NOW) == [("u3", "A script", None, NOW, None, None)]
    assert await sessions.of_user(store, "u", kind="login", now=NOW + 10) == []
    await sessions.revoke(store, "u", now=NOW, session_id="u1")
    assert [row.session_id for row in await sessions.of_user(store, "u", kind="login", now=NOW)] == ["u2"]


async def test_sessions_in_use_are_noted_coarsely(store: Database) -> None:
    await sessions.note_seen(store, ["u1", "u3", "nobody"], now=NOW + 5)
    assert [(await found(store, name)).seen_at for name in ("u1", "u2", "u3")] == [NOW, NOW, NOW + 5]
    await sessions.note_seen(store, ["u1", "u3"], now=NOW + sessions.SEEN_TO_MS + 1)
    assert [(await found(store, name)).seen_at for name in ("u1", "u2", "u3")] == [
        NOW + sessions.SEEN_TO_MS + 1,
        NOW,
        NOW + 5,
    ]


async def test_users_are_found_by_id_and_by_email_and_listed(store: Database) -> None:
    await users.make_account(store, "u", email="a@b", name="Ada", password_hash="h")
    await store.execute(
        "UPDATE users SET kind = 'account', email = 'a@b', issuer = 'i', subject = 's', created_at = 5"
        " WHERE user_id = 'v'"
    )
    await users.create_user(store, "w", kind="guest", epoch="e", now=9)
    assert [user.user_id for user in await users.called(store, "A@b")] == ["u", "v"]
    assert [user.user_id for user in await users.called(store, "w")] == ["w"]
    assert await users.called(store, "nobody") == []
    assert [user.user_id for user in await users.everybody(store, guests=False)] == ["u", "v"]
    assert [user.user_id for user in await users.everybody(store, guests=True)] == ["u", "v", "w"]


async def test_a_user_is_locked_out_and_let_in_again(store: Database) -> None:
    for disabled in (True, False):
        await users.disable(store, "u", disabled=disabled)
        assert (await found(store, "u1")).disabled is disabled
        told = await sessions.ended_lately(store, within_ms=60_000)
        assert told == ([("u", None, "account_disabled")] if disabled else [])


async def test_a_subject_of_a_provider_is_one_user_however_many_ask_at_once(store: Database) -> None:
    async def vouch(user_id: str, *, name: str | None = "Ada") -> users.User:
        return await users.vouch(store, user_id, issuer="i", subject="s", epoch="e", now=NOW, email="a@b", name=name)

    together = await asyncio.gather(*(vouch(f"new{n}") for n in range(5)))
    [user_id] = {user.user_id for user in together}
    assert user_id in {f"new{n}" for n in range(5)}
    names = [("i", "s"), ("i", "another"), ("another", "s")]
    assert await users.by_subjects(store, names) == {("i", "s"): together[0]}
    changed = await vouch("new9", name=None)
    assert (changed.user_id, changed.kind, changed.email, changed.name) == (user_id, "account", "a@b", None)


async def test_a_user_goes_with_all_that_is_theirs_and_their_number_stays_a_while(store: Database) -> None:
    await chats.create(store, "u", "c1", title="t", project_id=None, now=1)
    await chats.create(store, "u", "c2", title="t", project_id=None, now=1)
    assert [await chats.discard(store, "u", limit=1) for _ in range(3)] == [True, True, False]
    await users.delete(store, "u")
    await users.delete(store, "u")
    assert await users.get(store, "u") is None
    assert await sessions.by_tokens(store, ["hash_u1"]) == {}
    assert (await found(store, "v1")).user_id == "v"
    assert await sessions.ended_lately(store, within_ms=60_000) == [("u", None, "session_revoked")]
