"""Bar: the owner of 50 running answers dies, or stands still for 30 s, and its readers on another node lose nothing.

    python -m tests.load.owner [--frozen]

Two nodes over a PostgreSQL and a Redis of the script's own. Every answer is read by a tab on each node. The owner is
killed (SIGKILL), or stopped and continued (SIGSTOP, SIGCONT). Checked of each answer: the reader on the other node has
its end within ten seconds; the stored text is the one that reader has, and begins with everything any tab was shown; a
retry works at once; and a node that comes back to life changes nothing any more.
"""

import asyncio
import signal
import sys
import time

from tests.load.figures import parser, percentile, report
from tests.load.nodes import said_hello, two_nodes
from tests.wire import Tab, guest, opened, text_of

ENDED_WITHIN = 10.0
# One user may have sixteen answers written at once.
OF_ONE_USER = 10


class Readers:
    """One user with some answers, and a tab on each node that reads them.

    Args:
        owner, other: a tab on each node.
    """

    def __init__(self, owner: Tab, other: Tab) -> None:
        self.owner = owner
        self.other = other
        self.streams: dict[str, str] = {}  # by chat
        self.took: list[float] = []
        self.wrong: list[str] = []

    async def ask(self, count: int) -> None:
        """Start answers on the owner and read them on the other node, too."""
        for number in range(count):
            chat_id = f"chat_{number}"
            stream_id = (await self.owner.ask(chat_id, options={"tokens": 20_000, "pace": 50}))["streamId"]
            await self.other.follow(stream_id)
            self.streams[chat_id] = stream_id
        for stream_id in self.streams.values():
            await self.other.reached(stream_id, 30)

    async def check(self, since: float) -> None:
        """Wait for every end on the other node and compare; `since` is when the owner fell silent."""
        for chat_id, stream_id in self.streams.items():
            end = await self.other.until(
                lambda got, wanted=stream_id: got["type"] == "stream.end" and got["streamId"] == wanted,  # type: ignore[misc]
                within=60,
            )
            self.took.append(time.monotonic() - since)
            stored = text_of((await self.other.history(chat_id))[-1])
            if end["status"] != "interrupted":
                self.wrong.append(f"{stream_id} ended {end['status']}")
            if self.other.streams[stream_id].text != stored:
                self.wrong.append(f"{stream_id}: stored is not what the other node's reader has")
            if not stored.startswith(self.owner.streams[stream_id].text):
                self.wrong.append(f"{stream_id}: something its own reader was shown is not stored")
        await self._retry()

    async def _retry(self) -> None:
        chat_id = next(iter(self.streams))
        again = await self.other.command("message.retry", chatId=chat_id, options={"tokens": 5, "pace": 0})
        if (await self.other.ended(again["result"]["streamId"]))["status"] != "completed":
            self.wrong.append(f"{chat_id}: the retry did not complete")

    async def unchanged(self) -> None:
        """Compare again once the former owner is back: nothing it still had may have been taken."""
        for chat_id, stream_id in list(self.streams.items())[1:]:
            stored = text_of((await self.other.history(chat_id))[-1])
            if self.other.streams[stream_id].text != stored:
                self.wrong.append(f"{stream_id} changed after its end")


async def main(streams: int, *, frozen: bool) -> int:
    """Let the owner die once and report."""
    with two_nodes() as nodes:
        a, b = nodes.a, nodes.b
        users = [guest(a.url) for _ in range(-(-streams // OF_ONE_USER))]
        readers: list[Readers] = []
        async with asyncio.TaskGroup() as opening:
            tabs = [
                (opening.create_task(said_hello(Tab(a.url, user))), opening.create_task(said_hello(Tab(b.url, user))))
                for user in users
            ]
        readers = [Readers(one.result(), two.result()) for one, two in tabs]
        await asyncio.gather(*(reader.ask(min(OF_ONE_USER, streams)) for reader in readers))
        fell_silent = time.monotonic()
        a.signal(signal.SIGSTOP if frozen else signal.SIGKILL)
        await asyncio.gather(*(reader.check(fell_silent) for reader in readers))
        if frozen:
            await asyncio.sleep(max(0.0, 30 - (time.monotonic() - fell_silent)))
            a.signal(signal.SIGCONT)
            async with opened(a.url, users[0]) as back:  # it serves again, as one of two
                await back.settled()
            await asyncio.gather(*(reader.unchanged() for reader in readers))
        for reader in readers:
            await reader.other.socket.close()
        took = [seconds for reader in readers for seconds in reader.took]
        wrong = [problem for reader in readers for problem in reader.wrong]
    return report(
        f"The owner of {len(took)} running answers {'stands still for 30 s' if frozen else 'is killed'}",
        {
            "its end on the other node": f"p50 {percentile(took, 50):.1f} s, longest {max(took):.1f} s",
            "answers with something wrong": len(wrong),
            "problems": wrong[:5] or "none",
        },
        reached=not wrong and max(took) <= ENDED_WITHIN,
    )


if __name__ == "__main__":
    options = parser(__doc__, streams=50)
    options.add_argument("--frozen", action="store_true", help="the owner stands still for 30 s instead of dying")
    given = options.parse_args()
    sys.exit(asyncio.run(main(given.streams, frozen=given.frozen)))
