"""What a change costs: the server's CPU for the same answers, from this checkout and from another.

Both servers run at once, and take turns to answer, block by block, so that whatever else the machine does hits each
alike. Cost is the server's own CPU time (user and system, from /proc), divided by the tokens its tabs were sent.

    git worktree add ../before main && python -m tests.bench.trees --base ../before
"""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from tests.system.server import ServerProcess
from tests.wire import Tab, guest

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
HERE = Path(__file__).parent.parent.parent
ROOMY = {"LIMIT_GENERATIONS_PER_MINUTE": "100000"}


def cpu(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


class Side:
    """One server with the tabs of one user."""

    def __init__(self, server: ServerProcess, tabs: list[Tab]) -> None:
        self.costs: list[float] = []
        self._server = server
        self._tabs = tabs
        self._blocks = 0

    async def block(self, streams: int, tokens: int, pace: int) -> None:
        """Let some answers stream to every tab, and note what a token cost."""
        self._blocks += 1
        began = cpu(self._server.pid)
        first, *others = self._tabs
        options = {"tokens": tokens, "pace": pace}
        asked = [await first.ask(f"c{self._blocks}_{number}", options=options) for number in range(streams)]
        for tab in others:
            for one in asked:
                await tab.follow(one["streamId"])
        await asyncio.gather(*(tab.ended(one["streamId"]) for tab in self._tabs for one in asked))
        self.costs.append((cpu(self._server.pid) - began) / (streams * tokens * len(self._tabs)) * 1e6)


async def side(server: ServerProcess, tabs: int) -> Side:
    """Open the tabs of one user."""
    token = guest(server.url)
    opened = [Tab(server.url, token, folds=False) for _ in range(tabs)]
    for tab in opened:
        await tab.__aenter__()
        await tab.hello()
    return Side(server, opened)


async def measure(here: ServerProcess, base: ServerProcess, chosen: argparse.Namespace) -> tuple[Side, Side]:
    sides = await side(here, chosen.tabs), await side(base, chosen.tabs)
    for number in range(chosen.blocks + 1):
        for one in sides if number % 2 else sides[::-1]:
            await one.block(chosen.streams, chosen.tokens, chosen.pace)
    return sides


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--base", type=Path, required=True, help="the other checkout")
    options.add_argument("--tabs", type=int, default=8)
    options.add_argument("--streams", type=int, default=4)
    options.add_argument("--tokens", type=int, default=500)
    options.add_argument("--pace", type=int, default=100, help="tokens a second")
    options.add_argument("--blocks", type=int, default=8)
    chosen = options.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        ServerProcess(Path(folder) / "here", HERE, **ROOMY) as here,
        ServerProcess(Path(folder) / "base", chosen.base, **ROOMY) as base,
    ):
        ours, theirs = asyncio.run(measure(here, base, chosen))
    pairs = list(zip(ours.costs[1:], theirs.costs[1:], strict=True))  # the first block warms up
    for name, costs in (("here", ours.costs[1:]), ("base", theirs.costs[1:])):
        sys.stdout.write(f"{name}  {median(costs):6.2f} us a token  ({min(costs):.2f} to {max(costs):.2f})\n")
    sys.stdout.write(f"ratio {median(a / b for a, b in pairs):.3f}\n")


if __name__ == "__main__":
    main()
