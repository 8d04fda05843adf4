"""`/v1/auth/…`: guest sessions, who am I, and tickets."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.admission import Admission, has_origin
from app.auth.peer import Peer
from app.auth.tokens import COOKIE, bearer_of, cookie_of
from app.clock import Clock
from app.commands.identity import Granted, Identity, Proof
from app.store.users import Session
from app.web.json import json_body, json_response
from protocol.errors import Refusal
from protocol.rate import TokenBucket

HOUR = 3_600


class Auth:
    """The routes under `/v1/auth`.

    Args:
        identity: makes and checks sessions.
        admission: which origins may act with a cookie.
        clock: measures rates and cookie ages.
        guests: whether guests are let in.
        guests_per_hour: how many new ones from one address.
    """

    def __init__(
        self, identity: Identity, admission: Admission, clock: Clock, *, guests: bool, guests_per_hour: int
    ) -> None:
        self._identity = identity
        self._admission = admission
        self._clock = clock
        self._guests = guests
        self._guests_per_hour = guests_per_hour
        self._rates: dict[str, TokenBucket] = {}

    def routes(self) -> Sequence[Route]:
        """The routes served here."""
        return (
            Route("/v1/auth/guest", self.guest, methods=["POST"]),
            Route("/v1/auth/session", self.session, methods=["GET"]),
            Route("/v1/auth/ticket", self.ticket, methods=["POST"]),
        )

    def retire(self, now: float) -> None:
        """Forget addresses that made no guest for a while; `now` in monotonic seconds."""
        self._rates = {address: rate for address, rate in self._rates.items() if not rate.is_full(now)}

    async def guest(self, request: Request) -> Response:
        """Make a guest and sign them in."""
        self._check_origin(request)
        await json_body(request)
        if not self._guests:
            raise Refusal("permission_denied", "This server takes no guests; sign in with an account.")
        peer = self._admission.peer(request.scope)
        self._check_rate(peer)
        granted = await self._identity.guest()
        response = json_response({"userId": granted.user_id, "token": granted.token, "expiresAt": granted.expires_at})
        if has_origin(request.scope):  # only a page has use for a cookie; who names no origin takes the token
            self._set_cookie(response, granted, peer)
        return response

    async def session(self, request: Request) -> Response:
        """Say who is signed in."""
        session = await self._session(request)
        return json_response(
            {"userId": session.user_id, "guest": session.kind == "guest", "expiresAt": session.expires_at}
        )

    async def ticket(self, request: Request) -> Response:
        """Give a one-time ticket, which a page that has only a cookie can put into a frame."""
        self._check_origin(request)
        ticket, expires_at = await self._identity.ticket(await self._session(request))
        return json_response({"ticket": ticket, "expiresAt": expires_at})

    async def _session(self, request: Request) -> Session:
        headers = request.scope["headers"]
        if (token := bearer_of(headers)) is not None:
            return await self._identity.session(Proof(token, "bearer"))
        token = cookie_of(headers)
        return await self._identity.session(None if token is None else Proof(token, "cookie"))

    def _check_origin(self, request: Request) -> None:
        """Refuse what a page of another origin could make a browser send."""
        if not self._admission.admits(request.scope):
            raise Refusal("permission_denied", "This page may not sign people in here; see ALLOWED_ORIGINS.")

    def _check_rate(self, peer: Peer) -> None:
        """Limit new guests per address; on loopback they are tests and load scripts of this machine."""
        if peer.is_loopback:
            return
        now = self._clock.monotonic()
        bucket = self._rates.setdefault(
            peer.site, TokenBucket(self._guests_per_hour / HOUR, self._guests_per_hour, now)
        )
        if wait := bucket.take(now):
            raise Refusal("rate_limited", "Too many new guests from this address.", retry_after_ms=int(wait * 1000) + 1)

    def _set_cookie(self, response: Response, granted: Granted, peer: Peer) -> None:
        response.set_cookie(
            COOKIE,
            granted.token,
            max_age=(granted.expires_at - self._clock.now_ms()) // 1000,
            httponly=True,
            samesite="lax",
            secure=peer.scheme == "https",
            path="/",
        )
