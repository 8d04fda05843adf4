"""`/v1/auth/…` for whoever is signed in: the password, the devices, the API tokens, and the end of it."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.commands.accounts import Accounts
from app.commands.api_tokens import ApiTokens
from app.commands.leaving import Leaving
from app.commands.signing_out import SigningOut
from app.store.sessions import SignIn
from app.web.gate import Gate
from app.web.json import json_form, json_response
from protocol.errors import Refusal
from protocol.frames.objects import WireObject
from protocol.ids import is_id


class PasswordForm(WireObject, frozen=True, kw_only=True):
    """The body of `POST /v1/auth/password`."""

    current: str
    new: str


class DeletionForm(WireObject, frozen=True, kw_only=True):
    """The body of `DELETE /v1/auth/account`; a user without a password leaves it out."""

    password: str | None = None


class TokenForm(WireObject, frozen=True, kw_only=True):
    """The body of `POST /v1/auth/tokens`; `expires_at` in Unix milliseconds."""

    name: str
    expires_at: int | None = None


class Account:
    """What people do with their own account.

    Args:
        gate: lets requests in.
        accounts: changes passwords.
        signing_out: lists and ends sessions.
        tokens: makes, lists and ends API tokens.
        leaving: deletes users.
    """

    def __init__(
        self, gate: Gate, accounts: Accounts, signing_out: SigningOut, tokens: ApiTokens, leaving: Leaving
    ) -> None:
        self._gate = gate
        self._accounts = accounts
        self._signing_out = signing_out
        self._tokens = tokens
        self._leaving = leaving

    def routes(self) -> Sequence[Route]:
        """The routes served here."""
        return (
            Route("/v1/auth/password", self.password, methods=["POST"]),
            Route("/v1/auth/account", self.delete, methods=["DELETE"]),
            Route("/v1/auth/sessions", self.sessions, methods=["GET"]),
            Route("/v1/auth/sessions", self.end_other_sessions, methods=["DELETE"]),
            Route("/v1/auth/sessions/{session_id}", self.end_session, methods=["DELETE"]),
            Route("/v1/auth/tokens", self.create_token, methods=["POST"]),
            Route("/v1/auth/tokens", self.tokens, methods=["GET"]),
            Route("/v1/auth/tokens/{token_id}", self.end_token, methods=["DELETE"]),
        )

    async def password(self, request: Request) -> Response:
        """Change the password, and end the user's other sessions."""
        self._gate.check_origin(request)
        form = await json_form(request, PasswordForm)
        await self._accounts.change_password(await self._gate.person(request), form.current, form.new)
        return json_response({})

    async def delete(self, request: Request) -> Response:
        """Delete the user with everything they have; whoever has a password gives it."""
        self._gate.check_origin(request)
        form = await json_form(request, DeletionForm)
        user = await self._accounts.confirm(await self._gate.person(request), form.password, param="$.password")
        await self._leaving.leave(user.user_id)
        response = json_response({})
        self._gate.clear_cookie(request, response)
        return response

    async def sessions(self, request: Request) -> Response:
        """List where the user is signed in."""
        session = await self._gate.person(request)
        rows = await self._signing_out.devices(session)
        shown = [_shown(row, "sessionId") | {"current": row.session_id == session.session_id} for row in rows]
        return json_response({"sessions": shown})

    async def end_session(self, request: Request) -> Response:
        """End one of the user's sessions."""
        self._gate.check_origin(request)
        await self._signing_out.end(await self._gate.person(request), _id_of(request, "session_id"))
        return json_response({})

    async def end_other_sessions(self, request: Request) -> Response:
        """End every session of the user but this one."""
        self._gate.check_origin(request)
        return json_response({"ended": await self._signing_out.end_others(await self._gate.person(request))})

    async def create_token(self, request: Request) -> Response:
        """Make an API token; its secret is in this answer and nowhere else."""
        self._gate.check_origin(request)
        form = await json_form(request, TokenForm)
        row, secret = await self._tokens.create(await self._gate.person(request), form.name, form.expires_at)
        return json_response(_shown(row, "tokenId") | {"token": secret})

    async def tokens(self, request: Request) -> Response:
        """List the user's API tokens, without their secrets."""
        rows = await self._tokens.all(await self._gate.person(request))
        return json_response({"tokens": [_shown(row, "tokenId") for row in rows]})

    async def end_token(self, request: Request) -> Response:
        """End an API token."""
        self._gate.check_origin(request)
        await self._tokens.end(await self._gate.person(request), _id_of(request, "token_id"))
        return json_response({})


def _id_of(request: Request, name: str) -> str:
    """An id in a path; what is none names nothing."""
    found: str = request.path_params[name]
    if not is_id(found):
        raise Refusal("not_found")
    return found


def _shown(row: SignIn, id_name: str) -> dict[str, Any]:
    shown = {
        id_name: row.session_id,
        "name": row.name,
        "device": row.device,
        "createdAt": row.created_at,
        "seenAt": row.seen_at,
        "expiresAt": row.expires_at,
    }
    return {name: value for name, value in shown.items() if value is not None}
