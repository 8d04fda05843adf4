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
from pathlib import Path

from tests.fake_anthropic import FakeAnthropic, long_answer
from tests.load.figures import parser, percentile, report
from tests.system.server import ServerProcess
from tests.wire import Tab, guest, text_of


async def stop_once(tab: Tab, provider: FakeAnthropic, number: int) -> tuple[float, bool]:
    """Stop one answer in the middle; return the seconds it took, and whether what was shown is what is stored."""
    chat_id, before = f"chat_{number}", len(provider.requests)
    stream_id = (await tab.ask(chat_id, "Go on and on"))["streamId"]
    request = await provider.arrived(before + 1)
    await tab.until(
        lambda frame: frame["type"] == "stream.chunk" and frame["streamId"] == stream_id and frame["seq"] > 4
    )
    await asyncio.sleep(random.uniform(0, 0.1))
    sent = time.monotonic()
    await tab.command("stream.stop", streamId=stream_id)
    await asyncio.wait_for(request.closed.wait(), 10)
    assert request.closed_at is not None
    end = await tab.ended(stream_id)
    stored = (await tab.history(chat_id))[-1]
    same = end["status"] == stored["metadata"]["status"] == "stopped" and text_of(stored) == tab.streams[stream_id].text
    return request.closed_at - sent, same


async def main(stops: int, *, timing: bool) -> int:
    """Run all stops, one after the other, and report."""
    with tempfile.TemporaryDirectory() as folder:
        async with FakeAnthropic(long_answer(5_000, 200)) as provider:
            settings = {
                "ANTHROPIC_API_KEY": "test",
                "ANTHROPIC_BASE_URL": provider.url,
                "LIMIT_GENERATIONS_PER_MINUTE": "100000",
                "LIMIT_COMMANDS_PER_SECOND": "1000",
            }
            with ServerProcess(Path(folder) / "data", **settings) as server:
                async with Tab(server.url, guest(server.url)) as tab:
                    await tab.hello()
                    done = [await stop_once(tab, provider, number) for number in range(stops)]
    times = [1000 * seconds for seconds, _ in done]
    exact = sum(same for _, same in done)
    p99 = percentile(times, 99)
    return report(
        f"{stops} stops while tokens flow, until the provider's connection is closed",
        {
            "p50": f"{percentile(times, 50):.1f} ms",
            "p99": f"{p99:.1f} ms",
            "longest": f"{max(times):.1f} ms",
            "stored is what was shown": f"{exact} of {stops}",
        },
        reached=exact == stops and (p99 <= 250 or not timing),
    )


if __name__ == "__main__":
    options = parser(__doc__, stops=100)
    options.add_argument("--any-speed", action="store_true", help="only exactness decides, as on a busy machine")
    given = options.parse_args()
    sys.exit(asyncio.run(main(given.stops, timing=not given.any_speed)))
