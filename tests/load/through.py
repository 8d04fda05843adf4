"""A user with a tab on each of two nodes, who lives on while something that both need is broken."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

from tests.load.nodes import Nodes, said_hello
from tests.load.timed import TimedTab
from tests.wire import Frame, Refused, guest, opened, text_of

PACE = 50
READ_ON_EACH = 2
"""Answers of one user on each node that run all the time."""
PAUSE = 0.5
LATE = 1.0
"""Who is told later than this, in seconds, is behind: less than any round takes that finds what was lost."""
# Reading on another node may be refused while nobody can read the journal: the client comes back.
MAY_BE_REFUSED = {"stream.subscribe": "unavailable"}


class Through:
    """One user, through one fault.

    Args:
        tabs: one on each node.

    Attributes:
        took: how long commands took to be answered, in seconds, by type.
        wrong: what must not happen, in sentences.
    """

    def __init__(self, tabs: list[TimedTab]) -> None:
        self.tabs = tabs
        self.took: dict[str, list[float]] = defaultdict(list)
        self.wrong: list[str] = []
        self._read: dict[str, tuple[str, TimedTab]] = {}  # streams that are read on both nodes: chat, asking tab
        self._stopped: list[tuple[str, str]] = []  # answers that were stopped on the way: chat, stream
        # An event says when it was committed by the wall clock.
        self._wall = time.time() - time.monotonic()

    @classmethod
    async def begin(cls, nodes: Nodes) -> "Through":
        """A new guest whose answers run on both nodes, and are read by both tabs."""
        token = guest(nodes.a.url)
        tabs = [TimedTab(node.url, token) for node in (nodes.a, nodes.b)]
        user = cls(tabs)
        await asyncio.gather(*map(said_hello, tabs))
        for number in range(READ_ON_EACH):
            for asking, reading in (tabs, tabs[::-1]):
                await user._ask(f"read_{number}_{asking.client_id}", asking, reading)
        for stream_id in user._read:
            for tab in tabs:
                await tab.reached(stream_id, PACE // 2)
        return user

    async def _ask(self, chat_id: str, asking: TimedTab, reading: TimedTab) -> None:
        stream_id = (await asking.ask(chat_id, options={"tokens": 20_000, "pace": PACE}))["streamId"]
        await reading.follow(stream_id)
        self._read[stream_id] = (chat_id, asking)

    # While something is broken

    async def live(self, over: asyncio.Event) -> None:
        """Do from both tabs what people do, until it is over."""
        first, second = self.tabs
        await asyncio.gather(self._live(first, second, over), self._live(second, first, over))

    async def _live(self, here: TimedTab, there: TimedTab, over: asyncio.Event) -> None:
        number = 0
        while not over.is_set():
            number += 1
            await self._round(f"chat_{number}_{here.client_id}", here, there)
            await asyncio.sleep(PAUSE)

    async def _round(self, chat_id: str, here: TimedTab, there: TimedTab) -> None:
        """Make a chat, name it, ask there, read the answer on the other node, stop it from there; and open a tab."""
        await self._command(here, "chat.create", chatId=chat_id)
        await self._command(there, "chat.update", chatId=chat_id, title="The tide")
        question = {"id": f"q_{chat_id}", "role": "user", "parts": [{"type": "text", "text": "How?"}]}
        sent = await self._command(
            here, "message.send", chatId=chat_id, message=question, options={"tokens": 5_000, "pace": PACE}
        )
        if sent is not None:
            stream_id = sent["result"]["streamId"]
            self._stopped.append((chat_id, stream_id))
            await self._command(there, "stream.subscribe", streamId=stream_id, after=0)
            await self._command(there, "stream.stop", streamId=stream_id)
        await self._timed("hello", self._greeted(here))

    async def _greeted(self, tab: TimedTab) -> None:
        async with opened(tab.url, tab.token):
            pass

    async def _command(self, tab: TimedTab, kind: str, **fields: Any) -> Frame | None:
        answer: Frame | None = await self._timed(kind, tab.command(kind, **fields))
        return answer

    async def _timed(self, kind: str, work: Awaitable[Any]) -> Any:
        began = time.monotonic()
        try:
            return await work
        except Refused as refusal:
            if MAY_BE_REFUSED.get(kind) != refusal.code:
                self.wrong.append(f"{kind} was refused: {refusal}")
        except (TimeoutError, OSError) as problem:
            self.wrong.append(f"{kind} was not answered: {problem!r}")
        finally:
            self.took[kind].append(time.monotonic() - began)
        return None

    # When it is whole again

    async def end(self) -> None:
        """Stop what is read, from the node where it is only read, and wait until both tabs have every end."""
        for stream_id, (_, asking) in self._read.items():
            reading = self.tabs[self.tabs[0] is asking]
            await reading.command("stream.stop", streamId=stream_id)
        for stream_id in self._read:
            for tab in self.tabs:
                with suppress(TimeoutError):
                    await tab.ended(stream_id)
                if tab.streams[stream_id].end is None:
                    self.wrong.append(f"{stream_id}: a tab was never told its end")
        for _, stream_id in self._stopped:
            await self.tabs[0].event("stream.ended", streamId=stream_id)

    def waited(self) -> tuple[float, float]:
        """For how many seconds a reader on the answer's own node waited for words, at the worst, and when it was."""
        return max(asking.waited(stream_id, PACE) for stream_id, (_, asking) in self._read.items())

    def told_late(self) -> list[tuple[float, str]]:
        """What a tab was told late: when, in monotonic seconds, and what."""
        late = []
        for stream_id, (_, asking) in self._read.items():
            reading = self.tabs[self.tabs[0] is asking]
            for came, by in _late(asking.heads[stream_id], reading.heads[stream_id]):
                late.append((came, f"words, by {by:.1f} s"))
        for tab in self.tabs:
            for frame in tab.of_type("event"):
                came = tab.told[frame["offset"]]
                by = came - (frame["time"] / 1000 - self._wall)
                if by > LATE:
                    late.append((came, f"{frame['name']}, by {by:.1f} s"))
        return late

    async def check(self) -> None:
        """Compare what both tabs have with each other and with what is stored."""
        for chat_id, stream_id in self._stopped:
            status = (await self._stored(chat_id))["metadata"]["status"]
            if status != "stopped":
                self.wrong.append(f"{stream_id} is {status} though it was stopped")
        for stream_id, (chat_id, _) in self._read.items():
            await self._compare(stream_id, text_of(await self._stored(chat_id)))
        fresh = await self.tabs[0].snapshot()
        for tab in self.tabs:
            self.wrong += tab.wrong
            if (tab.dashboard().chats, tab.dashboard().projects) != (fresh.chats, fresh.projects):
                self.wrong.append("a tab does not show the sidebar that a new one shows")

    async def _compare(self, stream_id: str, stored: str) -> None:
        for tab in self.tabs:
            if tab.streams[stream_id].text != stored:
                self.wrong.append(f"{stream_id}: a tab does not have what is stored")
            async with opened(tab.url, tab.token) as late:
                await late.follow(stream_id)
                await late.ended(stream_id)
                if late.streams[stream_id].text != stored:
                    self.wrong.append(f"{stream_id}: a tab that came late does not have what is stored")

    async def _stored(self, chat_id: str) -> Frame:
        return (await self.tabs[0].history(chat_id))[-1]

    async def leave(self) -> None:
        """Close both tabs."""
        await asyncio.gather(*(tab.socket.close() for tab in self.tabs))


def _late(told: list[tuple[float, int]], heard: list[tuple[float, int]]) -> list[tuple[float, float]]:
    """When a reader got what it should have had long before, and how long, in seconds.

    Args:
        told: when readers on the answer's own node were at which seq.
        heard: the same of a reader on another node.
    """
    found, at = [], 0
    for came, seq in heard:
        # What was new in this frame begins behind the one before, so the oldest of it counts.
        by = came - told[at][0]
        if by > LATE:
            found.append((came, by))
        while at < len(told) - 1 and told[at][1] <= seq:
            at += 1
    return found
