"""`tidewire user`: who has an account, and what whoever runs the server may do about it.

Everything is written into the database; each node reads within a second who was signed out (guarantee 33), so a server
may run meanwhile, on this machine or another.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from getpass import getpass

from app.admin.desk import CannotHelp, Desk, run, show
from app.admin.streams import LOOK_EVERY
from app.auth.credentials import new_password_of
from app.auth.passwords import Passwords
from app.auth.tokens import INVITE_PREFIX, hash_of
from app.commands.identity import DAY_MS
from app.ids import Mint
from app.store import invites, sessions, streams, users
from app.store.streams import StreamRow
from app.store.users import User
from app.streams import leaving
from protocol.errors import Refusal

# An answer whose node died is ended by another within 10 s (guarantee 18); after that nobody is there to end it.
PATIENCE = 15.0

Deed = Callable[[Desk, argparse.Namespace, User], Awaitable[None]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `user` and its actions."""
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    listing = _add(actions, "list", "list the accounts", command)
    listing.add_argument("--guests", action="store_true", help="list the guests, too")
    for name, summary, deed in (
        ("show", "tell what is known of a user", tell),
        ("disable", "lock a user out, and close their sockets", disable),
        ("enable", "let a disabled user in again", enable),
        ("revoke", "sign a user out everywhere, API tokens included", revoke),
        ("password", "give an account a new password, and sign it out everywhere", password),
        ("delete", "delete a user with everything they have", delete),
    ):
        action = _add(actions, name, summary, _about(deed))
        action.add_argument("who", metavar="EMAIL", help="the account's email, or a user's id")
        if name == "password":
            action.add_argument("--generate", action="store_true", help="make one up and print it; do not ask")
        if name == "delete":
            action.add_argument("--yes", action="store_true", help="do not ask")
    inviting = _add(actions, "invite", "print a code with which one person may register", invite)
    inviting.add_argument("--days", type=_days, default=7, metavar="N", help="good for so long, 7 days unless said")


def command(options: argparse.Namespace) -> int:
    """List the accounts, and the guests if they are wanted."""

    async def work(desk: Desk) -> None:
        rows = await users.everybody(desk.database, guests=options.guests)
        show(
            ("user", "email", "name", "kind", "since (UTC)", "state"),
            [
                (user.user_id, user.email or "-", user.name or "-", _kind(user), _day(user.created_at), _state(user))
                for user in rows
            ],
        )

    return run(work)


def invite(options: argparse.Namespace) -> int:
    """Make a code for REGISTRATION=invite and print it."""

    async def work(desk: Desk) -> None:
        code = Mint().secret(INVITE_PREFIX)
        expires_at = desk.clock.now_ms() + options.days * DAY_MS
        await invites.create(desk.database, hash_of(code), expires_at=expires_at)
        sys.stdout.write(f"{code}\n")
        sys.stderr.write(f"Whoever has this code may register with it, once, until {_minute(expires_at)} UTC.\n")
        if desk.settings.registering != "invite":
            sys.stderr.write(f"REGISTRATION is {desk.settings.registering} here, so nobody is asked for it.\n")

    return run(work)


async def tell(desk: Desk, _options: argparse.Namespace, user: User) -> None:
    """Print what is known of a user."""
    facts = {
        "user": user.user_id,
        "email": user.email or "-",
        "name": user.name or "-",
        "kind": _kind(user),
        "since": f"{_minute(user.created_at)} UTC",
        "state": _state(user),
    }
    if user.issuer is not None:
        facts |= {"vouched for by": user.issuer, "as": user.subject or "-"}
    for name, value in facts.items():
        sys.stdout.write(f"{name:<15} {value}\n")
    now = desk.clock.now_ms()
    for device in await sessions.of_user(desk.database, user.user_id, kind="login", now=now):
        sys.stdout.write(f"{'signed in':<15} {device.device or 'Unknown device'}, last seen {_seen(device.seen_at)}\n")
    for token in await sessions.of_user(desk.database, user.user_id, kind="token", now=now):
        sys.stdout.write(f"{'API token':<15} {token.name}, last used {_seen(token.seen_at)}\n")


async def disable(desk: Desk, _options: argparse.Namespace, user: User) -> None:
    """Lock a user out; an answer that is being written is finished."""
    await users.disable(desk.database, user.user_id, disabled=True)
    sys.stdout.write(f"{_called(user)} is disabled; their sockets are closed within seconds.\n")


async def enable(desk: Desk, _options: argparse.Namespace, user: User) -> None:
    """Let a user in again, with the sessions they had."""
    await users.disable(desk.database, user.user_id, disabled=False)
    sys.stdout.write(f"{_called(user)} is enabled.\n")


async def revoke(desk: Desk, _options: argparse.Namespace, user: User) -> None:
    """End every session and API token of a user."""
    ended = await sessions.revoke(desk.database, user.user_id, now=desk.clock.now_ms())
    sys.stdout.write(f"{_called(user)} is signed out: {len(ended)} sessions and tokens have ended.\n")
    if user.issuer is not None:
        sys.stderr.write("Tokens of the identity provider are good until they expire; disable the user to end those.\n")


async def password(desk: Desk, options: argparse.Namespace, user: User) -> None:
    """Replace the password of an account whose owner has lost it, or lost it to somebody.

    Raises:
        CannotHelp: no password signs this user in, or the new one is no good.
    """
    if user.password_hash is None:
        raise CannotHelp(f"{_called(user)} does not sign in with a password.")
    asks = sys.stdin.isatty() and not options.generate
    chosen = _ask() if asks else secrets.token_urlsafe(12)
    password_hash = await Passwords().hash(chosen)
    async with desk.database.transaction() as tx:
        await users.set_password(tx, user.user_id, password_hash=password_hash)
        await sessions.revoke(tx, user.user_id, now=desk.clock.now_ms(), kind="login")
    if not asks:
        sys.stdout.write(f"{chosen}\n")
    sys.stderr.write(f"{_called(user)} has a new password and is signed out everywhere.\n")


async def delete(desk: Desk, options: argparse.Namespace, user: User) -> None:
    """Delete a user; whatever node runs their answers ends those first, as when they do it themselves.

    Raises:
        CannotHelp: whoever was asked did not confirm.
    """
    called = _called(user)
    if not options.yes and not await asyncio.to_thread(_confirms, called):
        raise CannotHelp("Nothing was deleted.")
    give_up_at = desk.clock.monotonic() + PATIENCE
    with suppress(Refusal):  # they are gone meanwhile
        while (step := await leaving.step(desk.outbox, user.user_id)) is not None:
            if step.running and desk.clock.monotonic() >= give_up_at:
                # No node has ended them, so none runs them. One that comes back finds the user gone, and stops.
                await _end(desk, step.running)
            elif step.running:
                await asyncio.sleep(LOOK_EVERY)
    sys.stdout.write(f"{called} is gone, with everything they had.\n")


def _confirms(called: str) -> bool:
    return input(f"This deletes {called} with all their chats, for good. Type {called} to go on: ").strip() == called


async def _end(desk: Desk, rows: Sequence[StreamRow]) -> None:
    now = desk.clock.now_ms()
    for row in rows:
        await streams.finish(
            desk.database, row.stream_id, node=None, status="stopped", seq=row.seq, outcome={}, now=now
        )


def _ask() -> str:
    try:
        chosen = new_password_of(getpass("New password: "), param="$")
    except Refusal as refusal:
        raise CannotHelp(str(refusal)) from None
    if getpass("Once more: ") != chosen:
        raise CannotHelp("The two are not the same.")
    return chosen


def _about(deed: Deed) -> Callable[[argparse.Namespace], int]:
    """Make a command of what is done about one user."""

    def about(options: argparse.Namespace) -> int:
        async def work(desk: Desk) -> None:
            await deed(desk, options, await _find(desk, options.who))

        return run(work)

    return about


async def _find(desk: Desk, who: str) -> User:
    found = await users.called(desk.database, who)
    if not found:
        raise CannotHelp(f"There is no user {who}; `tidewire user list` lists those who have an account.")
    if len(found) > 1:
        ids = ", ".join(f"{user.user_id} ({_kind(user)})" for user in found)
        raise CannotHelp(f"Several users have the email {who}: {ids}. Name one by its id.")
    return found[0]


def _add(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    summary: str,
    work: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    action.set_defaults(run=work)
    return action


def _called(user: User) -> str:
    return user.email or user.user_id


def _kind(user: User) -> str:
    return user.kind if user.issuer is None else "provider's"


def _state(user: User) -> str:
    return "disabled" if user.disabled else "good"


def _day(ms: int) -> str:
    return _minute(ms)[:10]


def _minute(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _seen(ms: int | None) -> str:
    return "never" if ms is None else f"{_minute(ms)} UTC"


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= 3_650):
        raise argparse.ArgumentTypeError("must be a whole number of days from 1 to 3650")
    return int(text)
