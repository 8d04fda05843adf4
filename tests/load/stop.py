"""Bar: after a stop, the provider's HTTP connection is closed within 250 ms (p99 of 100 stops).

    python -m tests.load.stop

The server streams from a local Messages API through the real SDK. Each stop is sent while tokens flow; the time
runs from the moment the command is handed to the socket until the provider sees its connection closed.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.fake_anthropic import FakeAnthropic, long_answer
from tests.load.figures import parser, percentile, report
from tests.system.server import ServerProcess
from tests.wire import Tab, guest, text_of


def settings_for(provider: FakeAnthropic) -> dict[str, str]:
    """What a server needs to be stopped again and again."""
    return {
        "ANTHROPIC_API_KEY": "test",
        "ANTHROPIC_BASE_URL": provider.url,
        "LIMIT_GENERATIONS_PER_MINUTE": "100000",
        "LIMIT_COMMANDS_PER_SECOND": "1000",
    }


async def stop_once(tabs: Sequence[Tab], provider: FakeAnthropic, number: int) -> tuple[float, bool]:
    """Ask in the first tab and stop in the last one, while all of them read.

    Returns:
        The seconds it took, and whether every tab was shown what is stored.
    """
    chat_id, before = f"chat_{number}", len(provider.requests)
    stream_id = (await tabs[0].ask(chat_id, "Go on and on"))["streamId"]
    request = await provider.arrived(before + 1)
    for tab in tabs[1:]:
        await tab.follow(stream_id)
    for tab in tabs:
        await tab.reached(stream_id, 5)
    await asyncio.sleep(random.uniform(0, 0.1))
    sent = time.monotonic()
    await tabs[-1].command("stream.stop", streamId=stream_id)
    await asyncio.wait_for(request.closed.wait(), 10)
    assert request.closed_at is not None
    ends = [(await tab.ended(stream_id))["status"] for tab in tabs]
    stored = (await tabs[-1].history(chat_id))[-1]
    texts = {tab.streams[stream_id].text for tab in tabs}
    same = {*ends, stored["metadata"]["status"]} == {"stopped"} and texts == {text_of(stored)}
    return request.closed_at - sent, same


def told(title: str, done: Sequence[tuple[float, bool]], *, within: int, timing: bool) -> int:
    """Report what all stops took; `within` is what 99 of 100 may take, in ms."""
    times = [1000 * seconds for seconds, _ in done]
    exact = sum(same for _, same in done)
    p99 = percentile(times, 99)
    return report(
        f"{len(done)} {title}, until the provider's connection is closed",
        {
            "p50": f"{percentile(times, 50):.1f} ms",
            "p99": f"{p99:.1f} ms",
            "longest": f"{max(times):.1f} ms",
            "stored is what was shown": f"{exact} of {len(done)}",
        },
        reached=exact == len(done) and (p99 <= within or not timing),
    )


async def main(stops: int, *, timing: bool) -> int:
    """Run all stops, one after the other, and report."""
    with tempfile.TemporaryDirectory() as folder:
        async with FakeAnthropic(long_answer(5_000, 200)) as provider:
            with ServerProcess(Path(folder) / "data", **settings_for(provider)) as server:
                async with Tab(server.url, guest(server.url)) as tab:
                    await tab.hello()
                    done = [await stop_once([tab], provider, number) for number in range(stops)]
    return told("stops while tokens flow", done, within=250, timing=timing)


if __name__ == "__main__":
    options = parser(__doc__, stops=100)
    options.add_argument("--any-speed", action="store_true", help="only exactness decides, as on a busy machine")
    given = options.parse_args()
    sys.exit(asyncio.run(main(given.stops, timing=not given.any_speed)))
