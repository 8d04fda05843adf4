"""`GET /v1/export`: everything one has written, as a download."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.clock import Clock
from app.commands import exporting
from app.store.queries import Queries
from app.web.gate import Gate
from protocol.errors import Refusal

_FORMATS = {"json": ("application/json", "json"), "markdown": ("text/markdown; charset=utf-8", "md")}


class Export:
    """The route by which people take along what they have.

    Args:
        gate: knows who asks.
        database: where it is read.
        clock: dates the file.
    """

    def __init__(self, gate: Gate, database: Queries, clock: Clock) -> None:
        self._gate = gate
        self._database = database
        self._clock = clock
        self._under_way: set[str] = set()

    def routes(self) -> Sequence[Route]:
        """The routes served here."""
        return (Route("/v1/export", self.download, methods=["GET"]),)

    async def download(self, request: Request) -> Response:
        """Answer a file, `?format=json` (with every branch) or `?format=markdown` (to be read).

        One at a time for each user: it is the one request that reads everything they have.
        """
        user_id = (await self._gate.session(request)).user_id
        chosen = request.query_params.get("format", "json")
        if chosen not in _FORMATS:
            raise Refusal("invalid_argument", "`format` must be json or markdown.", param="$.format")
        if user_id in self._under_way:
            sentence = "Your chats are being downloaded already. Wait for that, or give it up."
            raise Refusal("too_many_in_flight", sentence, retry_after_ms=1_000)
        media_type, suffix = _FORMATS[chosen]
        now = self._clock.now_ms()
        name = f"tidewire-{datetime.fromtimestamp(now / 1000, UTC):%Y-%m-%d}.{suffix}"
        headers = {
            "content-disposition": f'attachment; filename="{name}"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        }
        return StreamingResponse(self._written(chosen, user_id, now), media_type=media_type, headers=headers)

    async def _written(self, chosen: str, user_id: str, now: int) -> AsyncIterator[bytes]:
        self._under_way.add(user_id)
        try:
            if chosen == "json":
                pieces = exporting.as_json(self._database, user_id, now=now)
            else:
                pieces = exporting.as_markdown(self._database, user_id)
            async for piece in pieces:
                yield piece
        finally:
            self._under_way.discard(user_id)
