"""Bar: after a stop on another node, the provider's HTTP connection is closed within 500 ms (p99 of 100 stops).

    python -m tests.load.remote_stop

As `tests.load.stop`, on two nodes: the answer runs on the one where it was asked for, two tabs on each read it, and one
of those on the other node stops it. What is stored must be what every one of them was shown.
"""

import asyncio
import sys
from contextlib import AsyncExitStack

from tests.fake_anthropic import FakeAnthropic, long_answer
from tests.load.figures import parser
from tests.load.nodes import two_nodes
from tests.load.stop import settings_for, stop_once, told
from tests.wire import guest, opened


async def main(stops: int, *, timing: bool) -> int:
    """Run all stops, one after the other, and report."""
    async with FakeAnthropic(long_answer(5_000, 200)) as provider:
        with two_nodes(**settings_for(provider)) as nodes:
            token = guest(nodes.a.url)
            async with AsyncExitStack() as stack:
                places = (nodes.a, nodes.a, nodes.b, nodes.b)
                tabs = [await stack.enter_async_context(opened(place.url, token)) for place in places]
                done = [await stop_once(tabs, provider, number) for number in range(stops)]
    return told("stops from another node while tokens flow", done, within=500, timing=timing)


if __name__ == "__main__":
    options = parser(__doc__, stops=100)
    options.add_argument("--any-speed", action="store_true", help="only exactness decides, as on a busy machine")
    given = options.parse_args()
    sys.exit(asyncio.run(main(given.stops, timing=not given.any_speed)))
