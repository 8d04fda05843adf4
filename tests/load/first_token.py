"""Bar: from a fresh clone in an empty virtual environment to the first token in 90 s, downloads included.

    python -m tests.load.first_token

Runs the README's first command on a clone, asks one question as soon as the address is printed, and takes the time.
Then it starts the installed server once more, alone: ready within 3 s.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.load.figures import parser, report
from tests.system.server import READY
from tests.wire import Tab, guest

ROOT = Path(__file__).parents[2]


def run_command() -> str:
    """The README's first command."""
    found = re.search(r"^## Run.*?```sh\n(.*?)\n```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    if found is None:
        raise LookupError("The README has no command under `## Run`.")
    return found[1]


def started(command: str, folder: Path) -> tuple["subprocess.Popen[str]", str]:
    """Run a command that ends in a server; return it with the address it prints."""
    environment = os.environ | {"DATA_DIR": str(folder / "data"), "PORT": "0", "PIP_NO_CACHE_DIR": "1"}
    process = subprocess.Popen(
        command, shell=True, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if ready := READY.search(line):
            return process, ready["url"]
    raise RuntimeError(f"{command!r} ended without printing an address.")


def stop(process: "subprocess.Popen[str]") -> None:
    """End the server and the shell around it."""
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=30)


async def first_token(url: str) -> None:
    """Ask, and wait for the first word."""
    async with Tab(url, guest(url)) as tab:
        await tab.hello()
        stream_id = (await tab.ask("chat", "What is Tidewire?"))["streamId"]
        await tab.until(lambda _: bool(tab.streams.get(stream_id) and tab.streams[stream_id].text))


def main(most_seconds: int, most_start: int) -> int:
    """Clone, install, ask; start again."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        began = time.monotonic()
        process, url = started(run_command(), folder)
        asyncio.run(first_token(url))
        whole = time.monotonic() - began
        stop(process)
        began = time.monotonic()
        process, _ = started(".venv/bin/tidewire serve", folder)
        alone = time.monotonic() - began
        stop(process)
    return report(
        "From a fresh clone in an empty virtual environment",
        {"first command to first token": f"{whole:.1f} s", "serve alone to ready": f"{alone:.2f} s"},
        reached=whole <= most_seconds and alone <= most_start,
    )


if __name__ == "__main__":
    given = parser(__doc__, seconds=90, start=3).parse_args()
    sys.exit(main(given.seconds, given.start))
