"""`GET /metrics`, for the operator's machines only."""

import hmac
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.admission import Admission
from app.auth.peer import Network
from app.auth.tokens import bearer_of
from protocol.errors import Refusal

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics route.

    Args:
        render: reads the metrics as text.
        admission: finds out who asks, behind our own proxies.
        networks: who may ask without a token.
        token: whoever sends it may ask, too; empty means nobody.
    """

    def __init__(
        self, render: Callable[[], bytes], admission: Admission, *, networks: Sequence[Network], token: str
    ) -> None:
        self._render = render
        self._admission = admission
        self._networks = networks
        self._token = token

    def routes(self) -> Sequence[Route]:
        """The routes served here."""
        return (Route("/metrics", self.read, methods=["GET"]),)

    async def read(self, request: Request) -> Response:
        """Answer the metrics of this node at this moment."""
        if not self._admission.peer(request.scope).is_within(self._networks):
            self._check_token(request)
        return Response(self._render(), media_type=MEDIA_TYPE, headers={"cache-control": "no-store"})

    def _check_token(self, request: Request) -> None:
        given = bearer_of(request.scope["headers"])
        if given is None:
            raise Refusal("permission_denied", "Metrics are read from METRICS_NETWORKS, or with METRICS_TOKEN.")
        # In constant time, so that no answer tells how much of a guess was right.
        if not self._token or not hmac.compare_digest(given.encode(), self._token.encode()):
            raise Refusal("unauthenticated", "This is not the METRICS_TOKEN of the server.")
