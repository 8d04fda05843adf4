"""`/healthz` says that the process lives, `/readyz` that it takes new sockets."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.web.json import json_response

Check = Callable[[], Awaitable[str | None]]


class Health:
    """The health routes.

    Args:
        is_ready: returns why new sockets are not taken, in words; None when they are.
    """

    def __init__(self, is_ready: Check) -> None:
        self._is_ready = is_ready

    def routes(self) -> Sequence[Route]:
        """The routes served here."""
        return (
            Route("/healthz", self.alive, methods=["GET"]),
            Route("/readyz", self.ready, methods=["GET"]),
        )

    async def alive(self, _request: Request) -> Response:
        """The process answers."""
        return json_response({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """New sockets are taken, or the reason why not."""
        problem = await self._is_ready()
        return json_response({"status": problem or "ready"}, 200 if problem is None else 503)
