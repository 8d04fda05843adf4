"""`GET /v1/usage`: what one's answers cost, day by day."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.clock import Clock
from app.store import usage
from app.store.queries import Queries
from app.store.usage import Spent
from app.streams.quota import DAY_MS, Quota, day_of
from app.web.gate import Gate
from app.web.json import json_response
from protocol.errors import Refusal

MOST_DAYS = 366


class Usage:
    """The route that tells people what they spent.

    Args:
        gate: knows who asks.
        database: where it is summed.
        clock: says which day it is.
        quota: how much they may spend a day.
    """

    def __init__(self, gate: Gate, database: Queries, clock: Clock, quota: Quota) -> None:
        self._gate = gate
        self._database = database
        self._clock = clock
        self._quota = quota

    def routes(self) -> Sequence[Route]:
        """The routes served here."""
        return (Route("/v1/usage", self.read, methods=["GET"]),)

    async def read(self, request: Request) -> Response:
        """Answer the sums of the last days (UTC) on which something was answered, the oldest first."""
        user_id = (await self._gate.session(request)).user_id
        now = self._clock.now_ms()
        since = day_of(now - (_days(request) - 1) * DAY_MS)
        spent = await usage.by_day(self._database, user_id, since=since)
        today = dict(spent).get(day_of(now))
        answer: dict[str, Any] = {"days": [_row(day, sums) for day, sums in spent]}
        if self._quota.daily_tokens:
            answer["budget"] = self._quota.details(0 if today is None else today.tokens, now)
        return json_response(answer)


def _days(request: Request) -> int:
    given = request.query_params.get("days", "30")
    days = int(given) if given.isascii() and given.isdigit() and len(given) < 5 else 0
    if not 1 <= days <= MOST_DAYS:
        raise Refusal("invalid_argument", f"`days` must be a whole number from 1 to {MOST_DAYS}.", param="$.days")
    return days


def _row(day: str, sums: Spent) -> dict[str, Any]:
    return {
        "day": day,
        "answers": sums.answers,
        "estimatedAnswers": sums.estimated_answers,
        "inputTokens": sums.input_tokens,
        "outputTokens": sums.output_tokens,
    }
