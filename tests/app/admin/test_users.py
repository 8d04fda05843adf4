"""`tidewire user`: its answers, and what it refuses in a sentence."""

import argparse
import asyncio
import time
from pathlib import Path

import pytest

from app.admin import users as command
from app.auth.passwords import Passwords
from app.auth.tokens import hash_of
from app.commands.accounts import Newcomer
from app.commands.identity import DAY_MS, Proof
from app.commands.reply import Caller
from app.store import invites, users
from app.store.engine import Database
from tests.app.world import Held, World


@pytest.fixture
def admin(store: Database, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let admin commands find the database of the node under test."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'tidewire.db'}")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setattr(command, "Passwords", lambda: world.passwords)


async def run(*words: str) -> int:
    """Run a command line as another process would: in a thread with a loop of its own."""
    parser = argparse.ArgumentParser(prog="tidewire user")
    command.add_arguments(parser)
    options = parser.parse_args(words)
    return await asyncio.to_thread(options.run, options)


async def registered(world: World, email: str = "ada@example.org") -> str:
    return (await world.accounts.register(Newcomer(email, "correct horse", "Ada", None, "curl"), None)).user_id


async def test_the_list_names_accounts_and_guests_if_wanted(
    world: World, admin: None, capsys: pytest.CaptureFixture[str]
) -> None:
    account, guest = await registered(world), (await world.granted()).user_id
    assert await run("list") == 0
    listed = capsys.readouterr().out
    assert account in listed
    assert "ada@example.org" in listed
    assert guest not in listed
    assert await run("list", "--guests") == 0
    assert guest in capsys.readouterr().out


async def test_a_user_is_shown_with_their_devices_and_tokens(
    world: World, admin: None, capsys: pytest.CaptureFixture[str]
) -> None:
    world.unix = time.time()  # the command has a clock of its own
    await registered(world)
    granted = await world.accounts.login("ada@example.org", "correct horse", device="Firefox on Linux")
    session = await world.identity.session(Proof(granted.token, "bearer"))
    await world.tokens.create(session, "A script", None)
    assert await run("show", "Ada@Example.org") == 0
    shown = capsys.readouterr().out
    assert "Firefox on Linux" in shown
    assert "A script, last used never" in shown
    assert "argon2" not in shown


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "nobody@example.org"), "There is no user nobody@example.org"),
        (("password", "{guest}"), "does not sign in with a password"),
        (("disable", "twice@example.org"), "Several users have the email"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_sentence(
    world: World, admin: None, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    guest = (await world.granted()).user_id
    for n, user_id in enumerate([await registered(world, f"{n}@example.org") for n in range(2)]):
        await world.store.execute(
            "UPDATE users SET email = 'twice@example.org', issuer = :issuer, subject = 's' WHERE user_id = :user_id",
            {"user_id": user_id, "issuer": f"https://{n}.example.org"},
        )
    assert await run(*(word.format(guest=guest) for word in words)) == 1
    said = capsys.readouterr().err
    assert said.startswith("tidewire: ")
    assert sentence in said


async def test_a_new_password_is_printed_when_nobody_can_be_asked(
    world: World, admin: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await registered(world)
    assert await run("password", "ada@example.org", "--generate") == 0
    printed = capsys.readouterr()
    new = printed.out.strip()
    assert len(new) >= 16
    assert new not in printed.err
    await world.accounts.login("ada@example.org", new, device="x")


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        (["another horse", "another horse"], 0, "has a new password"),
        (["another horse", "another house"], 1, "not the same"),
        (["short"], 1, "at least 8 characters"),
    ],
)
async def test_whoever_sits_at_a_terminal_is_asked(
    world: World,
    admin: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    typed: list[str],
    status: int,
    said: str,
) -> None:
    user_id = await registered(world)
    answers = iter(typed)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(command, "getpass", lambda _prompt: next(answers))
    assert await run("password", user_id) == status
    printed = capsys.readouterr()
    assert said in printed.err
    assert "horse" not in printed.out + printed.err
    user = await users.get(world.store, user_id)
    assert user is not None
    assert await Passwords().check("another horse" if status == 0 else "correct horse", user.password_hash)


async def test_an_invitation_is_printed_and_stored_as_a_hash(
    world: World, admin: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRATION", "invite")
    assert await run("invite", "--days", "3") == 0
    printed = capsys.readouterr()
    code = printed.out.strip()
    [row] = await world.store.fetch_all("SELECT code_hash, expires_at FROM invites")
    assert row["code_hash"] == hash_of(code)
    assert "nobody is asked" not in printed.err
    assert await invites.redeem(world.store, hash_of(code), now=row["expires_at"] - 3 * DAY_MS)


@pytest.mark.parametrize(
    ("typed", "status", "left"), [("ada@example.org", 0, 0), (" ada@example.org ", 0, 0), ("yes", 1, 1), ("", 1, 1)]
)
async def test_a_user_is_deleted_when_whoever_asks_for_it_says_so_again(
    world: World,
    admin: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    status: int,
    left: int,
) -> None:
    await registered(world)
    monkeypatch.setattr("builtins.input", lambda _prompt: typed)
    assert await run("delete", "ada@example.org") == status
    assert len(await users.everybody(world.store, guests=True)) == left
    said = capsys.readouterr()
    assert ("is gone" in said.out, "Nothing was deleted" in said.err) == (not left, bool(left))


async def test_answers_that_nobody_runs_do_not_keep_a_user(
    world: World, admin: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PATIENCE", 0.0)
    user_id = await registered(world)
    world.model.script = Held()
    await world.ask(Caller(user_id, "tab"))
    assert await run("delete", user_id, "--yes") == 0
    assert await users.everybody(world.store, guests=True) == []
    assert await world.store.fetch_all("SELECT * FROM streams") == []


@pytest.mark.parametrize("days", ["0", "-1", "x", "3651", "1.5"])
def test_a_bad_number_of_days_is_refused(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser(prog="tidewire user")
    command.add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["invite", f"--days={days}"])
    assert "whole number of days" in capsys.readouterr().err
