"""Bar: SIGKILL at 50 random moments of a running answer loses nothing that was shown.

    python -m tests.load.kill

Each round starts an answer, kills the server at a random moment, starts it again over the same data folder, and
checks: the stored text begins with everything the client had; the answer is `interrupted`; nothing shows as
running; and a client that resumes from its position ends with exactly the stored text.
"""

import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.load.figures import parser, report
from tests.system.server import ServerProcess
from tests.wire import Tab, guest, text_of


async def round_of(server: ServerProcess, number: int, tokens: int, pace: int) -> str | None:
    """Kill once; return what was wrong, if anything was."""
    token, chat_id = guest(server.url), f"chat_{number}"
    async with Tab(server.url, token) as tab:
        await tab.hello()
        stream_id = (await tab.ask(chat_id, options={"tokens": tokens, "pace": pace, "thinking": 20}))["streamId"]
        await asyncio.sleep(random.uniform(0, tokens / pace))
        server.kill()
        await tab.closed()
    had = tab.streams.get(stream_id)
    server.start()
    async with Tab(server.url, token) as again:
        if had is not None:
            again.streams[stream_id] = had
        after = had.last if had else 0
        shown = had.text if had else ""
        welcome = await again.hello(streams=[{"streamId": stream_id, "after": after}])
        if welcome["activeStreams"] or "activeStreamId" in welcome["snapshot"]["chats"][0]:
            return f"something shows as running: {welcome['activeStreams']}"
        end = await again.ended(stream_id)
        message = (await again.history(chat_id))[-1]
        stored, status = text_of(message), message["metadata"]["status"]
        if not stored.startswith(shown):
            return f"the client had {len(shown)} characters, stored are {len(stored)}"
        if again.streams[stream_id].text != stored:
            return "the resumed text is not the stored one"
        if status != end["status"] or status not in ("interrupted", "completed"):
            return f"the message says {status}, the stream {end['status']}"
    return None


async def main(rounds: int, tokens: int, pace: int) -> int:
    """Run all rounds and report."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder) / "data") as server:
        for number in range(rounds):
            problem = await round_of(server, number, tokens, pace)
            if problem is not None:
                wrong.append(f"round {number}: {problem}")
    return report(
        f"SIGKILL at {rounds} random moments of a running answer",
        {"rounds in which something was lost or left running": len(wrong), "problems": wrong or "none"},
        reached=not wrong,
    )


if __name__ == "__main__":
    given = parser(__doc__, rounds=50, tokens=300, pace=200).parse_args()
    sys.exit(asyncio.run(main(given.rounds, given.tokens, given.pace)))
