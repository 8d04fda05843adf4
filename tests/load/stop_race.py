"""Bar: 500 stops within 50 ms of the finish: one end each, the same in every tab, in the events and in the store.

    python -m tests.load.stop_race

Each user has three tabs on two devices. One tab asks for an answer that takes a known time; another, or the same, or
two at once, stop it just before or after it would finish: by its stream, its chat or its command. Either may win; but
nobody may see one win and another the other.
"""

import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from tests.load.figures import parser, report
from tests.system.server import ServerProcess
from tests.wire import Frame, Tab, devices

USERS = 5
TOKENS, PACE = 20, 200
NEAR = 0.05
SETTINGS = {
    "LIMIT_GENERATIONS_PER_MINUTE": "100000",
    "LIMIT_COMMANDS_PER_SECOND": "1000",
    "LIMIT_STREAMS_PER_CONNECTION": "1000",
}


class Races:
    """The stops of one user, one after the other.

    Attributes:
        seen: how the answers ended, and what the stops were answered.
        wrong: sentences about what does not agree.
    """

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def run(self, url: str, count: int) -> None:
        """Open the tabs and race."""
        phone, desk = devices(url).values()
        async with AsyncExitStack() as stack:
            tabs = [await stack.enter_async_context(Tab(url, token)) for token in (phone, desk, desk)]
            for tab in tabs:
                await tab.hello()
            for number in range(count):
                await self._race(tabs, f"chat_{number}")

    async def _race(self, tabs: list[Tab], chat_id: str) -> None:
        asking = random.choice(tabs)
        asked = await asking.ask(chat_id, id=f"ask_{chat_id}", options={"tokens": TOKENS, "pace": PACE})
        stream_id = asked["streamId"]
        await asyncio.gather(*[tab.follow(stream_id) for tab in tabs if tab is not asking])
        await asking.until(lambda _: stream_id in asking.streams and bool(asking.streams[stream_id].text))
        await asyncio.sleep((TOKENS - 1) / PACE + random.uniform(-NEAR, NEAR))
        names = {"streamId": stream_id}, {"chatId": chat_id}, {"commandId": f"ask_{chat_id}"}
        stopping = random.sample(tabs, random.choice((1, 1, 2)))
        acks = await asyncio.gather(*[tab.command("stream.stop", **random.choice(names)) for tab in stopping])
        said = [ack["result"]["status"] for ack in acks]
        for tab in tabs:
            await tab.ended(stream_id)
            await tab.event("stream.ended", streamId=stream_id)
        stored = (await asking.history(chat_id))[-1]
        status = stored["metadata"]["status"]
        self.seen.update([status, *(f"stops answered {word}" for word in said)])
        self.wrong += [f"{chat_id}: {sentence}" for tab in tabs for sentence in disagreements(tab, stream_id, stored)]
        self.wrong += [
            f"{chat_id}: a stop said {word}, stored is {status}" for word in said if word not in ("stopping", status)
        ]


def disagreements(tab: Tab, stream_id: str, stored: Frame) -> Iterator[str]:
    """Say in what a tab differs from the stored message."""
    ends = [frame for frame in tab.of_type("stream.end") if frame["streamId"] == stream_id]
    told = [
        frame["data"]
        for frame in tab.of_type("event")
        if frame["name"] == "stream.ended" and frame["data"]["streamId"] == stream_id
    ]
    if len(ends) != 1 or len(told) != 1:
        yield f"{tab.client_id} saw {len(ends)} ends and {len(told)} events of them"
    for end in (*ends, *told):
        if end["status"] != stored["metadata"]["status"]:
            yield f"{tab.client_id} saw {end['status']}, stored is {stored['metadata']['status']}"
    for name in ("finishReason", "usage", "error"):
        if ends[0].get(name) != stored["metadata"].get(name):
            yield f"{tab.client_id} saw {name} {ends[0].get(name)}, stored is {stored['metadata'].get(name)}"
    if (mine := tab.streams[stream_id].fold.message())["parts"] != stored["parts"]:
        yield f"{tab.client_id} was shown {mine['parts']}, stored is {stored['parts']}"
    if told[0]["chat"].get("activeStreamId") is not None or told[0]["chat"].get("lastStatus") != ends[0]["status"]:
        yield f"{tab.client_id} has the chat as {told[0]['chat']}"


async def main(stops: int) -> int:
    """Run all races and report."""
    races = [Races() for _ in range(USERS)]
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder) / "data", **SETTINGS) as server:
        shares = [stops // USERS + (number < stops % USERS) for number in range(USERS)]
        await asyncio.gather(*[each.run(server.url, share) for each, share in zip(races, shares, strict=True)])
    seen = sum((each.seen for each in races), Counter[str]())
    wrong = [sentence for each in races for sentence in each.wrong]
    rows: dict[str, object] = {name: seen[name] for name in sorted(seen)}
    both = seen["stopped"] > 0 and seen["completed"] > 0
    return report(
        f"{stops} stops within {NEAR * 1000:.0f} ms of the finish, in three tabs on two devices",
        rows | {"did not agree": wrong or 0, "both happened": both},
        reached=not wrong and both and seen["stopped"] + seen["completed"] == stops,
    )


if __name__ == "__main__":
    given = parser(__doc__, stops=500).parse_args()
    sys.exit(asyncio.run(main(given.stops)))
