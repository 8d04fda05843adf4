"""`/v1/auth/…` for whoever is signed in: the password."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.commands.accounts import Accounts
from app.web.gate import Gate
from app.web.json import json_form, json_response
from protocol.frames.objects import WireObject


class PasswordForm(WireObject, frozen=True, kw_only=True):
    """The body of `POST /v1/auth/password`."""

    current: str
    new: str


class Account:
    """What people do with their own account.

    Args:
        gate: lets requests in.
        accounts: changes passwords.
    """

    def __init__(self, gate: Gate, accounts: Accounts) -> None:
        self._gate = gate
        self._accounts = accounts

    def routes(self) -> Sequence[Route]:
        """The routes served here."""
        return (Route("/v1/auth/password", self.password, methods=["POST"]),)

    async def password(self, request: Request) -> Response:
        """Change the password, and end the user's other sessions."""
        self._gate.check_origin(request)
        form = await json_form(request, PasswordForm)
        await self._accounts.change_password(await self._gate.person(request), form.current, form.new)
        return json_response({})
