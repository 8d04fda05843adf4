"""Bar: an answer of 2,000 tokens, refreshed at 200 random points, is the same every time, caught up in three frames.

    python -m tests.load.refresh

Ten answers stream at 200 tokens a second; each is refreshed at 20 random moments. Half of the refreshes forget
everything (a page that was reloaded reads the log from 0), half go on from the position they had (a socket that was
lost). Every tab follows to the end, and its text is compared with the stored message, byte for byte.
"""

import asyncio
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.load.figures import parser, report
from tests.system.server import ServerProcess
from tests.wire import Tab, guest, text_of


@dataclass
class Refresh:
    """One refresh: how many data frames brought it up to date, and whether its text is the stored one."""

    frames: int
    exact: bool = False


async def answer(url: str, tokens: int, pace: int, refreshes: int) -> list[Refresh]:
    """Stream one answer and refresh it at random moments."""
    token = guest(url)
    async with Tab(url, token) as origin:
        await origin.hello()
        asked = await origin.ask("chat", "Tell me a lot", options={"tokens": tokens, "pace": pace})
        stream_id = asked["streamId"]
        moments = [random.uniform(0, tokens / pace * 0.98) for _ in range(refreshes)]
        tabs = [
            asyncio.create_task(refresh(url, token, stream_id, moment, forget=n % 2 == 0))
            for n, moment in enumerate(moments)
        ]
        await origin.until(lambda frame: frame["type"] == "stream.end", within=tokens / pace * 5 + 30)
        stored = text_of((await origin.history("chat"))[-1])
        done = await asyncio.gather(*tabs)
    for seen, text in done:
        seen.exact = text == stored
    return [seen for seen, _ in done]


async def refresh(url: str, token: str, stream_id: str, moment: float, *, forget: bool) -> tuple[Refresh, str]:
    """Open a tab, lose it at a moment, open it again, and follow to the end."""
    async with Tab(url, token) as before:
        await before.hello()
        await before.follow(stream_id)
        await asyncio.sleep(moment)
        await before.cut()
    async with Tab(url, token) as after:
        if forget:
            await after.hello()
            head = (await after.follow(stream_id))["seq"]
        else:
            known = before.streams[stream_id]
            after.streams[stream_id] = known
            known.frames = []
            welcome = await after.hello(streams=[{"streamId": stream_id, "after": known.last}])
            head = welcome["streams"][0]["seq"]
        await after.until(lambda frame: frame["type"] == "stream.end", within=120)
        followed = after.streams[stream_id]
        caught_up = next((n for n, frame in enumerate(followed.frames, 1) if frame["seq"] >= head), 0)
        return Refresh(caught_up), followed.text


async def main(answers: int, refreshes: int, tokens: int, pace: int) -> int:
    """Run all answers at once and report."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ServerProcess(Path(folder) / "data", LIMIT_CONNECTIONS_PER_USER="1000") as server,
    ):
        runs = await asyncio.gather(*(answer(server.url, tokens, pace, refreshes) for _ in range(answers)))
    done = [seen for run in runs for seen in run]
    exact = sum(seen.exact for seen in done)
    most = max(seen.frames for seen in done)
    return report(
        f"{tokens} tokens at {pace} a second, refreshed {len(done)} times",
        {"texts equal to the stored message": f"{exact} of {len(done)}", "most frames to catch up": most},
        reached=exact == len(done) and most <= 3,
    )


if __name__ == "__main__":
    given = parser(__doc__, answers=10, refreshes=20, tokens=2000, pace=200).parse_args()
    sys.exit(asyncio.run(main(given.answers, given.refreshes, given.tokens, given.pace)))
