"""Bar: 100 streams at 50 tokens a second, each to two tabs: every text exact, p99 of the added latency at most 50 ms.

    python -m tests.load.fanout

The load comes from `tidewire load` in a process of its own; its latency is measured token by token, from the moment
the model made it to the moment the client has it. The figure needs a machine with two free cores.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.load.figures import parser, report
from tests.system.server import ServerProcess


def load(server: ServerProcess, users: int, tabs: int, streams: int, seconds: int) -> dict[str, Any]:
    """Run the load tool against a server; return what it tells."""
    command = [sys.executable, "-m", "app", "load", "--url", server.url, "--pid", str(server.pid), "--json"]
    shape = {"--users": users, "--tabs": tabs, "--streams": streams, "--seconds": seconds, "--pace": 50}
    command += [str(word) for pair in shape.items() for word in pair]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=seconds + 120)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def main(users: int, tabs: int, streams: int, seconds: int, *, timing: bool) -> int:
    """Put the load on a fresh server and report."""
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder) / "data") as server:
        told = load(server, users, tabs, streams, seconds)
    exact = not (told["mismatches"] or told["errors"] or told["unfinished"])
    return report(
        f"{users * streams} streams to {tabs} tabs each, 50 tokens a second",
        told,
        reached=exact and (told["latencyMs"]["p99"] <= 50 or not timing),
    )


if __name__ == "__main__":
    options = parser(__doc__, users=50, tabs=2, streams=2, seconds=30)
    options.add_argument("--any-speed", action="store_true", help="only exactness decides, as on a busy machine")
    given = options.parse_args()
    sys.exit(main(given.users, given.tabs, given.streams, given.seconds, timing=not given.any_speed))
