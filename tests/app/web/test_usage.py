"""`GET /v1/usage`."""

import pytest

from app.commands.reply import Caller
from app.models.interface import FinishReason, Prompt, Sink
from app.store.engine import Database
from app.streams.quota import DAY_MS
from tests.app.fakes import answer_hello
from tests.app.web.site import Answer, Site
from tests.app.world import World, opened


async def costing(prompt: Prompt, sink: Sink) -> FinishReason:
    sink.usage(10, 2)
    return await answer_hello(prompt, sink)


class Spender:
    """A user who asks over HTTP what their answers cost."""

    def __init__(self, site: Site, user_id: str, token: str) -> None:
        self.site = site
        self.user_id = user_id
        self._token = token

    async def asks(self, count: int = 1) -> None:
        for number in range(count):
            await self.site.world.answered(Caller(self.user_id, "client"), f"c{number}")

    async def usage(self, query: str = "") -> Answer:
        return await self.site.call("GET", f"/v1/usage{query}", authorization=f"Bearer {self._token}")


async def spender(site: Site) -> Spender:
    granted = await site.world.granted()
    site.world.model.script = costing
    return Spender(site, granted.user_id, granted.token)


async def test_days_are_summed_for_their_owner_alone(site: Site) -> None:
    spending, other = await spender(site), await spender(site)
    await spending.asks(2)
    site.world.pass_ms(2 * DAY_MS)
    await spending.asks()
    first = {"day": "2026-09-21", "answers": 2, "estimatedAnswers": 0, "inputTokens": 20, "outputTokens": 4}
    last = {"day": "2026-09-23", "answers": 1, "estimatedAnswers": 0, "inputTokens": 10, "outputTokens": 2}
    assert (await spending.usage()).json == {"days": [first, last]}
    assert (await spending.usage("?days=3")).json == {"days": [first, last]}
    assert (await spending.usage("?days=2")).json == {"days": [last]}
    assert (await other.usage()).json == {"days": []}
    assert (await site.call("GET", "/v1/usage")).refused == (401, "unauthenticated")


@pytest.mark.parametrize("days", ["0", "367", "-1", "1.5", "many", "²", "9" * 5_000])
async def test_a_number_of_days_is_a_number_of_days(site: Site, days: str) -> None:
    answer = await (await spender(site)).usage(f"?days={days}")
    assert answer.refused == (400, "invalid_argument")
    assert answer.json["error"]["param"] == "$.days"


async def test_a_budget_says_what_is_left_of_it(store: Database) -> None:
    async with opened(World(store, daily_tokens=100)) as world:
        spending = await spender(Site(world))
        midnight = (world.clock.now_ms() // DAY_MS + 1) * DAY_MS
        for used in (0, 12):
            assert (await spending.usage("?days=1")).json["budget"] == {
                "renewsAt": midnight,
                "used": used,
                "budget": 100,
            }
            await spending.asks()
        world.pass_ms(DAY_MS)
        assert (await spending.usage()).json["budget"]["used"] == 0
