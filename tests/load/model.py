"""Bar: 200 random stories of 40 steps, in six tabs on two devices, after which every tab shows the same truth.

    python -m tests.load.model [--nodes 2]

Hypothesis draws the stories; each is played on a real server through the SDK. At three random moments and at the end,
once no frame has moved for 400 ms, every tab is compared with one that is opened then. A story that fails is told as
what happened, and saved: `--story FILE` plays it again, `--shrink 1` looks for a shorter one.
"""

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.load.figures import parser, report
from tests.model.search import Search
from tests.model.story import Story
from tests.model.world import SETTINGS, Counterexample
from tests.redis_servers import RedisServer
from tests.servers import running_postgres
from tests.system.server import ServerProcess


@contextmanager
def serving(nodes: int) -> Iterator[list[ServerProcess]]:
    """One embedded server; or several nodes over a PostgreSQL and a Redis of their own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shared = dict(SETTINGS)
        if nodes > 1:
            shared["DATABASE_URL"] = stack.enter_context(running_postgres())
            shared["REDIS_URL"] = stack.enter_context(RedisServer()).url
        names = [f"node{number}" for number in range(nodes)]
        yield [stack.enter_context(ServerProcess(folder / name, NODE_NAME=name, **shared)) for name in names]


def main(runs: int, steps: int, seed: int, nodes: int, *, shrink: bool, story: Path | None) -> int:
    """Play, report, and keep what failed."""
    with serving(nodes) as servers:
        search, began = Search(*servers), time.monotonic()
        if story is None:
            holds = search.run(runs, steps, seed, shrink=shrink)
        else:
            holds = replay(search, Story.load(story), runs)
    if search.failure is not None:
        print(search.failure)
    if search.story is not None:
        kept = Path(tempfile.gettempdir()) / f"tidewire-story-{seed}.jsonl"
        search.story.save(kept)
        kept.with_suffix(".txt").write_text(str(search.failure))
        print(f"\nThe story is saved: --story {kept}")
    figures: dict[str, object] = dict(sorted(search.seen.items()))
    figures |= {"seconds": round(time.monotonic() - began), "seed": seed}
    return report(f"{runs} stories of {steps} steps in six tabs on {nodes} nodes", figures, reached=holds)


def replay(search: Search, story: Story, times: int) -> bool:
    """Play a saved story so many times, or until it fails."""
    for _ in range(times):
        try:
            search.play(story)
        except Counterexample as found:
            search.failure = found
            return False
    return True


if __name__ == "__main__":
    options = parser(__doc__, runs=200, steps=40, seed=random.randrange(2**32), nodes=1, shrink=0)
    options.add_argument("--story", type=Path, help="play this story instead, --runs times")
    given = options.parse_args()
    sys.exit(main(given.runs, given.steps, given.seed, given.nodes, shrink=bool(given.shrink), story=given.story))
