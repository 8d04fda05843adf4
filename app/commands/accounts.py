"""Accounts: registering, signing in with a password, changing it."""

from dataclasses import dataclass
from typing import Literal

from app.auth.credentials import email_of, name_of, new_password_of, password_of
from app.auth.passwords import Passwords
from app.auth.throttle import Throttle
from app.auth.tokens import hash_of
from app.clock import Clock
from app.commands.identity import Granted, Identity
from app.realtime.signed_in import SignedIn
from app.store import invites, sessions, users
from app.store.engine import Database
from app.store.errors import UniqueViolation
from app.store.queries import Queries
from app.store.sessions import Session
from app.store.users import User
from protocol.errors import Refusal

Registration = Literal["open", "invite", "off"]

# A person mistypes a few times; whoever guesses gets a try every two minutes, which is 263,000 a year.
TRIES_AT_ONCE, TRIES_PER_HOUR = 10, 30
TOO_MANY_TRIES = "Too many wrong passwords for this account. Wait a moment."


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What somebody says who registers, as it was typed.

    Args:
        invite: the code, where only those who are invited may register.
        device: where they are, in words.
    """

    email: str
    password: str
    name: str | None
    invite: str | None
    device: str


class Accounts:
    """What one can do with an email and a password.

    Args:
        database: where users are kept.
        identity: begins sessions.
        passwords: makes and checks hashes.
        signed_in: closes the sockets of the sessions that end.
        clock: measures tries.
        registration: who may register.
    """

    def __init__(
        self,
        database: Database,
        identity: Identity,
        passwords: Passwords,
        signed_in: SignedIn,
        clock: Clock,
        *,
        registration: Registration,
    ) -> None:
        self._database = database
        self._identity = identity
        self._passwords = passwords
        self._signed_in = signed_in
        self._clock = clock
        self._registration = registration
        self._tries = Throttle(TRIES_PER_HOUR, TRIES_AT_ONCE, TOO_MANY_TRIES)

    def retire(self, now: float) -> None:
        """Forget tries from a while ago; `now` in monotonic seconds."""
        self._tries.retire(now)

    async def register(self, newcomer: Newcomer, guest: Session | None) -> Granted:
        """Make an account and sign in to it.

        A guest stays the same user, so their chats are the account's. Every session the guest had ends: whoever knows
        one of them, such as somebody who lent this browser theirs on purpose, does not get into the account.

        Args:
            guest: the session of whoever registers, if they are a guest.

        Raises:
            Refusal: `permission_denied`, when no accounts are taken; `invalid_argument`, with the field.
        """
        if self._registration == "off":
            raise Refusal("permission_denied", "This server takes no new accounts.")
        email, name = email_of(newcomer.email), name_of(newcomer.name)
        password = new_password_of(newcomer.password, param="$.password")
        if await users.by_email(self._database, email) is not None:
            raise _taken()
        password_hash = await self._passwords.hash(password)
        try:
            async with self._database.transaction() as tx:
                await self._check_invite(tx, newcomer.invite)
                user_id = await self._make_account(tx, guest, email, name, password_hash)
                granted = await self._identity.begin(tx, user_id, device=newcomer.device)
        except UniqueViolation:
            raise _taken() from None
        if guest is not None:
            self._signed_in.end(guest.user_id)
        return granted

    async def login(self, email: str, password: str, *, device: str) -> Granted:
        """Sign in; an unknown email and a wrong password cannot be told apart, nor by the time it takes.

        Raises:
            Refusal: `unauthenticated`, `account_disabled` (to whoever knows the password), or `rate_limited`.
        """
        email = email_of(email)
        self._tries.take(email, self._clock.monotonic())
        user = await users.by_email(self._database, email)
        stored = None if user is None else user.password_hash
        if not await self._passwords.check(password_of(password), stored) or user is None or stored is None:
            raise _wrong()
        self._tries.forgive(email)
        if user.disabled:
            raise Refusal("account_disabled")
        now_stored = await self._up_to_date(password, stored)
        async with self._database.transaction() as tx:
            # Also locks the user: a password that is being changed has either ended this sign-in or not yet begun to.
            if not await users.set_password(tx, user.user_id, password_hash=now_stored, instead_of=stored):
                raise _wrong()
            return await self._identity.begin(tx, user.user_id, device=device)

    async def change_password(self, session: Session, current: str, new: str) -> None:
        """Replace a password, and end every other sign-in of the user; API tokens stay.

        Raises:
            Refusal: `permission_denied`, `invalid_argument` or `rate_limited`.
        """
        user = await self.confirm(session, current, param="$.current")
        if user.password_hash is None:
            raise Refusal("permission_denied", "This account has no password: its identity provider signs it in.")
        password_hash = await self._passwords.hash(new_password_of(new, param="$.new"))
        async with self._database.transaction() as tx:
            replaced = await users.set_password(
                tx, user.user_id, password_hash=password_hash, instead_of=user.password_hash
            )
            if not replaced:
                raise _not_yours("$.current")
            ended = await sessions.revoke(
                tx, user.user_id, now=self._clock.now_ms(), except_for=session.session_id, kind="login"
            )
        self._signed_in.end(user.user_id, ended)

    async def user(self, session: Session) -> User:
        """Find whose session this is.

        Raises:
            Refusal: `session_revoked`, when the user is gone.
        """
        user = await users.get(self._database, session.user_id)
        if user is None:
            raise Refusal("session_revoked")
        return user

    async def confirm(self, session: Session, password: str | None, *, param: str) -> User:
        """Make sure, by their password, that it is really the user who acts; return the user.

        Whoever has no password has proved all they can by their session.

        Raises:
            Refusal: `permission_denied` or `rate_limited`.
        """
        user = await self.user(session)
        if user.password_hash is None:
            return user
        self._tries.take(user.user_id, self._clock.monotonic())
        if not await self._passwords.check(password_of(password or ""), user.password_hash):
            raise _not_yours(param)
        self._tries.forgive(user.user_id)
        return user

    async def _check_invite(self, q: Queries, code: str | None) -> None:
        if self._registration != "invite":
            return
        if not code:
            raise Refusal("invalid_argument", "You need an invitation to register: enter its code.", param="$.invite")
        if not await invites.redeem(q, hash_of(code.strip()), now=self._clock.now_ms()):
            raise Refusal(
                "invalid_argument", "This invitation is not known, has been used, or is too old.", param="$.invite"
            )

    async def _make_account(
        self, q: Queries, guest: Session | None, email: str, name: str | None, password_hash: str
    ) -> str:
        if guest is not None and await users.make_account(
            q, guest.user_id, email=email, name=name, password_hash=password_hash
        ):
            await sessions.revoke(q, guest.user_id, now=self._clock.now_ms())
            return guest.user_id
        user_id = await self._identity.create_guest(q)
        await users.make_account(q, user_id, email=email, name=name, password_hash=password_hash)
        return user_id

    async def _up_to_date(self, password: str, stored: str) -> str:
        """Hash a password anew when its hash was made with other parameters than those of today."""
        if not self._passwords.is_outdated(stored):
            return stored
        return await self._passwords.hash(password_of(password))


def _wrong() -> Refusal:
    return Refusal("unauthenticated", "The email or the password is wrong.")


def _taken() -> Refusal:
    return Refusal("invalid_argument", "An account with this email exists already. Sign in instead.", param="$.email")


def _not_yours(param: str) -> Refusal:
    return Refusal("permission_denied", "That is not your password.", param=param)
