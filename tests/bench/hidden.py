"""What a hidden tab costs: the bytes and frames a token of a visible tab, a hidden one, and one that wants the status.

Three tabs of one user follow the same answers, so that each sees the same tokens; bytes are those of the text frames,
pings included. The bar is 25 bytes a token for a hidden tab at 4 answers of 100 tokens a second.

    python -m tests.bench.hidden
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.system.server import ServerProcess
from tests.wire import Tab, guest

BAR = 25.0
# How each tab says hello, and what it says of its screen.
TABS = {"visible": ([], "visible"), "hidden": ([], "hidden"), "status": (["status"], "hidden")}


async def measure(url: str, streams: int, tokens: int, pace: int) -> dict[str, tuple[float, float]]:
    """Let the answers stream; return bytes and frames a token, by kind of tab."""
    token = guest(url)
    tabs = {name: Tab(url, token) for name in TABS}
    for name, (capabilities, visibility) in TABS.items():
        await tabs[name].__aenter__()
        await tabs[name].hello(capabilities=capabilities)
        await tabs[name].shows(None, visibility)
    before = {name: len(tab.sizes) for name, tab in tabs.items()}
    first, *others = tabs.values()
    asked = await asyncio.gather(
        *(
            first.ask(f"c{number}", options={"tokens": tokens, "pace": pace, "seed": number})
            for number in range(streams)
        )
    )
    await asyncio.gather(*(tab.follow(one["streamId"]) for tab in others for one in asked))
    ends = await asyncio.gather(*(tab.ended(one["streamId"]) for tab in tabs.values() for one in asked))
    assert all(end["status"] == "completed" for end in ends)
    texts = {tuple(tab.streams[one["streamId"]].text for one in asked) for tab in tabs.values()}
    assert len(texts) == 1, "every tab has the same words"
    whole = streams * tokens
    found = {}
    for name, tab in tabs.items():
        sizes = tab.sizes[before[name] :]
        found[name] = sum(sizes) / whole, len(sizes) / whole
        await tab.__aexit__(None, None, None)
    return found


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--streams", type=int, default=4)
    options.add_argument("--tokens", type=int, default=1_000)
    options.add_argument("--pace", type=int, default=100, help="tokens a second")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder) / "data") as server:
        found = asyncio.run(measure(server.url, chosen.streams, chosen.tokens, chosen.pace))
    for name, (size, frames) in found.items():
        sys.stdout.write(f"{name:8} {size:6.1f} bytes and {frames:.3f} frames a token\n")
    return 0 if found["hidden"][0] <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
