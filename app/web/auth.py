"""`/v1/auth/…`: guests, registering, signing in and out, who am I, and tickets."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.throttle import Throttle
from app.commands.accounts import Accounts, Newcomer
from app.commands.identity import Identity
from app.commands.signing_out import SigningOut
from app.store.sessions import Session
from app.web.errors import refused
from app.web.gate import Gate
from app.web.json import json_body, json_form, json_response
from protocol.errors import Refusal
from protocol.frames.objects import WireObject


class RegisterForm(WireObject, frozen=True, kw_only=True):
    """The body of `POST /v1/auth/register`."""

    email: str
    password: str
    name: str | None = None
    invite: str | None = None


class LoginForm(WireObject, frozen=True, kw_only=True):
    """The body of `POST /v1/auth/login`."""

    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Rates:
    """How often one address may come, an hour."""

    guests: int
    registrations: int
    logins: int


class Auth:
    """How one comes in and goes out.

    Args:
        gate: lets requests in.
        identity: makes guests, sessions and tickets.
        accounts: registers people and checks their passwords.
        signing_out: ends sessions.
        guests: whether guests are let in.
        rates: how many new guests, registrations and sign-ins from one address.
    """

    def __init__(
        self,
        gate: Gate,
        identity: Identity,
        accounts: Accounts,
        signing_out: SigningOut,
        *,
        guests: bool,
        rates: Rates,
    ) -> None:
        self._gate = gate
        self._identity = identity
        self._accounts = accounts
        self._signing_out = signing_out
        self._takes_guests = guests
        self._guests = Throttle(rates.guests, rates.guests, "Too many new guests from this address.")
        self._registrations = Throttle(
            rates.registrations, rates.registrations, "Too many new accounts from this address."
        )
        self._logins = Throttle(rates.logins, rates.logins, "Too many sign-ins from this address.")

    def routes(self) -> Sequence[Route]:
        """The routes served here."""
        return (
            Route("/v1/auth/guest", self.guest, methods=["POST"]),
            Route("/v1/auth/register", self.register, methods=["POST"]),
            Route("/v1/auth/login", self.login, methods=["POST"]),
            Route("/v1/auth/logout", self.logout, methods=["POST"]),
            Route("/v1/auth/session", self.session, methods=["GET"]),
            Route("/v1/auth/ticket", self.ticket, methods=["POST"]),
        )

    def retire(self, now: float) -> None:
        """Forget addresses that did nothing for a while; `now` in monotonic seconds."""
        for throttle in (self._guests, self._registrations, self._logins):
            throttle.retire(now)

    async def guest(self, request: Request) -> Response:
        """Make a guest and sign them in."""
        self._gate.check_origin(request)
        await json_body(request)
        if not self._takes_guests:
            raise Refusal("permission_denied", "This server takes no guests; sign in with an account.")
        self._gate.check_rate(request, self._guests)
        return self._gate.signed_in(request, await self._identity.guest(self._gate.device(request)))

    async def register(self, request: Request) -> Response:
        """Make an account; of a guest, with everything they have."""
        self._gate.check_origin(request)
        form = await json_form(request, RegisterForm)
        self._gate.check_rate(request, self._registrations)
        session = await self._gate.found(request)
        guest = session if session is not None and session.user_kind == "guest" else None
        newcomer = Newcomer(form.email, form.password, form.name, form.invite, self._gate.device(request))
        granted = await self._accounts.register(newcomer, guest)
        await self._leave(request, session)
        return self._gate.signed_in(request, granted)

    async def login(self, request: Request) -> Response:
        """Sign in with an email and a password."""
        self._gate.check_origin(request)
        form = await json_form(request, LoginForm)
        self._gate.check_rate(request, self._logins)
        granted = await self._accounts.login(form.email, form.password, device=self._gate.device(request))
        await self._leave(request, await self._gate.found(request))
        return self._gate.signed_in(request, granted)

    async def logout(self, request: Request) -> Response:
        """End the session that is proved; a cookie that proves none goes all the same."""
        self._gate.check_origin(request)
        try:
            await self._signing_out.logout(await self._gate.session(request))
            response = json_response({})
        except Refusal as refusal:
            response = refused(refusal)
        self._gate.clear_cookie(request, response)
        return response

    async def session(self, request: Request) -> Response:
        """Say who is signed in; nothing to a visitor who asks whether they are."""
        if request.query_params.get("optional") == "true" and self._gate.proof(request) is None:
            return Response(status_code=204)
        found = await self._gate.session(request)
        session = await self._identity.prolonged(found)
        user = await self._accounts.user(session)
        answer = {
            "userId": session.user_id,
            "email": user.email,
            "name": user.name,
            "guest": session.user_kind == "guest",
            "expiresAt": session.expires_at,
        }
        response = json_response({name: value for name, value in answer.items() if value is not None})
        self._gate.keep_cookie(request, response, session, found)
        return response

    async def ticket(self, request: Request) -> Response:
        """Give a one-time ticket, which a page that has only a cookie can put into a frame."""
        self._gate.check_origin(request)
        found = await self._gate.session(request)
        session = await self._identity.prolonged(found)
        ticket, expires_at = await self._identity.ticket(session)
        response = json_response({"ticket": ticket, "expiresAt": expires_at})
        self._gate.keep_cookie(request, response, session, found)
        return response

    async def _leave(self, request: Request, session: Session | None) -> None:
        """End the session whose cookie is being replaced; nobody else has its token."""
        proof = self._gate.proof(request)
        if session is not None and session.session_id is not None and proof is not None and proof.method == "cookie":
            await self._signing_out.logout(session)
