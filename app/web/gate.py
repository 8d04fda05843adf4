"""Who calls a route: the page and address a request comes from, the session it proves, and the cookie it gets."""

from starlette.requests import Request
from starlette.responses import Response

from app.auth.admission import Admission, has_origin
from app.auth.devices import words_for
from app.auth.peer import Peer
from app.auth.throttle import Throttle
from app.auth.tokens import COOKIE, bearer_of, cookie_of
from app.clock import Clock
from app.commands.identity import Granted, Identity, Proof
from app.store.sessions import Session
from app.web.json import json_response
from protocol.errors import Refusal


class Gate:
    """Lets requests in, one rule for all routes that know people.

    Args:
        identity: checks sessions.
        admission: which origins may act with a cookie.
        clock: measures rates and cookie ages.
    """

    def __init__(self, identity: Identity, admission: Admission, clock: Clock) -> None:
        self._identity = identity
        self._admission = admission
        self._clock = clock

    def check_origin(self, request: Request) -> None:
        """Refuse what a page of another origin could make a browser send (guarantee 31)."""
        if not self._admission.admits(request.scope):
            raise Refusal("permission_denied", "This page may not act for people here; see ALLOWED_ORIGINS.")

    def check_rate(self, request: Request, throttle: Throttle) -> None:
        """Count one try of an address; on loopback they are tests and load scripts of this machine."""
        peer = self._peer(request)
        if not peer.is_loopback:
            throttle.take(peer.site, self._clock.monotonic())

    async def session(self, request: Request) -> Session:
        """Find the session a request proves: the bearer token before the cookie."""
        return await self._identity.session(self.proof(request))

    async def found(self, request: Request) -> Session | None:
        """Find the session a request proves, if it is a good one."""
        try:
            return await self.session(request)
        except Refusal:
            return None

    async def person(self, request: Request) -> Session:
        """Find the session of a person who manages their own account, which no program does with an API token."""
        session = await self.session(request)
        if session.kind == "token":
            raise Refusal("permission_denied", "An API token does not manage the account; sign in for that.")
        return session

    def proof(self, request: Request) -> Proof | None:
        """What a request proves with."""
        headers = request.scope["headers"]
        if (token := bearer_of(headers)) is not None:
            return Proof(token, "bearer")
        if (token := cookie_of(headers)) is not None:
            return Proof(token, "cookie")
        return None

    def device(self, request: Request) -> str:
        """Where a request comes from, in words."""
        return words_for(request.headers.get("user-agent", ""))

    def signed_in(self, request: Request, granted: Granted) -> Response:
        """Answer a new session, with a cookie for a page; who names no origin takes the token."""
        response = json_response({"userId": granted.user_id, "token": granted.token, "expiresAt": granted.expires_at})
        if has_origin(request.scope):
            self.set_cookie(request, response, granted.token, granted.expires_at)
        return response

    def set_cookie(self, request: Request, response: Response, token: str, expires_at: int) -> None:
        """Give a page its session; `expires_at` in Unix milliseconds."""
        response.set_cookie(
            COOKIE,
            token,
            max_age=max(0, expires_at - self._clock.now_ms()) // 1000,
            httponly=True,
            samesite="lax",
            secure=self._peer(request).scheme == "https",
            path="/",
        )

    def keep_cookie(self, request: Request, response: Response, session: Session, before: Session) -> None:
        """Let the cookie last as long as a session that was just given more time."""
        proof = self.proof(request)
        if session is not before and session.expires_at is not None and proof is not None and proof.method == "cookie":
            self.set_cookie(request, response, proof.token, session.expires_at)

    def clear_cookie(self, request: Request, response: Response) -> None:
        """Take the cookie from a page that acted with one."""
        if cookie_of(request.scope["headers"]) is not None:
            response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")

    def _peer(self, request: Request) -> Peer:
        return self._admission.peer(request.scope)
