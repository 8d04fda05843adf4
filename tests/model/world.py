"""A server, one user, two devices of three tabs each, and a story that is played on them."""

import asyncio
import contextlib
import signal
import time
import traceback
from collections import Counter
from collections.abc import Coroutine, Sequence
from itertools import count
from typing import Any

import tidewire

from tests.model.actions import TABLE
from tests.model.page import Page
from tests.model.story import Step, Story
from tests.model.transcript import Transcript, brief
from tests.model.truth import AT_ONCE, differences
from tests.model.witness import Witness
from tests.system.server import ServerProcess
from tests.wire import devices, upload

# Small enough that a story meets them; the rates are not what is tried here.
SETTINGS = {
    "LIMIT_GENERATIONS_AT_ONCE": str(AT_ONCE),
    "LIMIT_EVENT_LOG_EVENTS": "60",
    "LIMIT_GENERATIONS_PER_MINUTE": "100000",
    "LIMIT_COMMANDS_PER_SECOND": "100000",
    "LIMIT_COMMAND_BURST": "100000",
    "LIMIT_CONNECTIONS_PER_USER": "200",
    "LIMIT_STREAMS_PER_CONNECTION": "1000",
    "DRAIN_SECONDS": "3",
}
# Longer than a hidden tab waits for what it is sent.
QUIET = 0.4
# No frame for so long, and still not the same everywhere: it will not become so by itself.
STUCK = 3.0
# With several nodes, the others end what a dead one was writing (guarantee 18).
SEALED_WITHIN = 12.0
# Nothing a story starts is under way longer than this.
PATIENCE = 30.0
# What no command of a story may be answered with.
OUR_MISTAKES = frozenset({"internal", "timeout", "invalid_frame", "unknown_type", "frame_too_large", "quota_exceeded"})


class Counterexample(Exception):  # noqa: N818 - it is what is looked for
    """Something that must not happen did; the message is what, and the story so far."""


class World:
    """One run.

    Args:
        servers: shared with other runs, each of which has a user of its own. The phone's tabs are on the first, the
            desk's on the last.
    """

    def __init__(self, servers: Sequence[ServerProcess]) -> None:
        self.servers = servers
        self.transcript = Transcript()
        self.witness = Witness(self.transcript)
        self.pages: list[Page] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []  # commands that may be sent again
        self.numbers = count(1)
        self.asked: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()  # of commands
        self.late = 0  # how often a second look was needed
        self.restarting = asyncio.Lock()
        self._urls = {"phone": servers[0].url, "desk": servers[-1].url}
        self._tokens = devices(servers[0].url)
        _, stored = upload(servers[0].url, self._tokens["desk"], b"Some text.", "text/plain", "some.txt")
        self.file = {"type": "file", "url": stored["url"]}  # a part of questions
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._moved_at = time.monotonic()
        self._has_moved = asyncio.Event()

    async def play(self, story: Story) -> None:
        """Play a story, and compare all tabs where it says so and at its end.

        Raises:
            Counterexample: something is not as it must be.
        """
        try:
            names = [f"{device}/{number}" for device in self._tokens for number in (1, 2, 3)]
            self.pages += await asyncio.gather(*[self.new_page(name) for name in names])
            for number, step in enumerate(story.steps):
                await self._step(number, step)
                if number in story.checks:
                    await self.check()
            await self.check()
        except Counterexample:
            raise
        except Exception as failure:
            raise self._counterexample("".join(traceback.format_exception(failure))) from failure
        finally:
            await self._leave()

    async def new_page(self, name: str) -> Page:
        """A tab that has just been opened."""
        device = name.partition("/")[0]
        page = Page(
            name,
            self._urls[device],
            self._tokens[device],
            self.witness,
            capabilities=("tools", "status") if device == "phone" else ("tools",),
            on_frame=self._moved,
            spawn=self.spawn,
        )
        await page.open()
        return page

    async def _step(self, number: int, step: Step) -> None:
        page = self.pages[step.tab]
        is_empty = page.thread is None or page.thread.state == "missing"
        if is_empty and page.client.dashboard.chats and step.target % 4:
            page.show(page.client.dashboard.chats[0].chat_id)
        said = await TABLE[step.action](self, page, step)
        if said:
            self.transcript.add(f"#{number} {page.name} {step.action} {said}")
        await asyncio.sleep(step.pause)
        self._judge()

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run something beside the story; its failure is a counterexample."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failure = self._failure or failure

    def command(self, page: Page, kind: str, *, repeatable: bool = True, **fields: Any) -> str:
        """Send a command from a tab without waiting for its answer; return words for the transcript."""
        fields = {name: value for name, value in fields.items() if value is not None}
        fields.setdefault("id", f"c{next(self.numbers)}")
        if repeatable:
            self.sent.append((kind, fields))
        self.spawn(self._command(page, kind, fields))
        return f"{kind} {brief(fields, 200)}"

    async def _command(self, page: Page, kind: str, fields: dict[str, Any]) -> None:
        asked = f"{kind} {fields['id']} of {page.name}"
        self.asked[asked] += 1
        try:
            result = await page.client.command(kind, **fields)
        except tidewire.CommandRefused as refusal:
            self.outcomes[f"{kind} {refusal.error.code}"] += 1
            self.transcript.add(f"    {fields['id']} refused {refusal.error.code}: {refusal.error.message}")
            if refusal.error.code in OUR_MISTAKES:
                self.witness.violate(f"{kind} was refused with {refusal.error.code}")
        except tidewire.ClientClosed:
            self.transcript.add(f"    {fields['id']} lost with its tab")
        else:
            self.outcomes[f"{kind} ack"] += 1
            self.transcript.add(f"    {fields['id']} ack {brief(result)}")
        self.asked[asked] -= 1

    async def refresh(self, number: int) -> None:
        """Close a tab and open it anew, on the chat it showed; whatever it knew is forgotten."""
        old = self.pages[number]
        self.pages[number] = await self.new_page(old.name)
        self.pages[number].is_visible = old.is_visible
        if old.thread is not None:
            self.pages[number].show(old.thread.chat_id)
        await old.close()

    def _moved(self) -> None:
        self._moved_at = time.monotonic()
        self._has_moved.set()

    async def restart(self, which: int, how: signal.Signals) -> None:
        """Kill a server, or let it drain, and start it again."""
        server = self.servers[which % len(self.servers)]
        async with self.restarting:
            await asyncio.to_thread(server.kill if how == signal.SIGKILL else server.terminate)
            self.transcript.add(f"    the server of {server.url} is down")
            await asyncio.to_thread(server.start)
            self.transcript.add("    and is up again")

    # Looking

    async def settle(self) -> None:
        """Wait until every command is answered and no frame has moved for 400 ms."""
        deadline = time.monotonic() + PATIENCE
        while not self._is_quiet():
            self._judge()
            if time.monotonic() > deadline:
                raise self._counterexample(f"it does not come to rest: {self._restless()}")
            await asyncio.sleep(QUIET / 8)
        self._judge()

    def _is_quiet(self) -> bool:
        return time.monotonic() - self._moved_at >= QUIET and not self._restless()

    def _restless(self) -> list[str]:
        found = [f"{asked} is not answered" for asked in +self.asked]
        found += [f"{page.name} is {page.state}" for page in self.pages if page.state != "settled"]
        return [*found, "the server is down"] if self.restarting.locked() else found

    async def check(self) -> None:
        """Compare every tab with the truth, once everything is quiet."""
        deadline = time.monotonic() + PATIENCE
        while True:
            await self.settle()
            moved_at = self._moved_at
            found = await differences(self._urls["desk"], self._tokens["desk"], self.pages, self.witness)
            self._judge()
            if not found:
                self.transcript.add("checked")
                return
            self.late += 1
            self.transcript.add(f"not yet: {found}")
            if not await self._moves(moved_at) or time.monotonic() > deadline:
                raise self._counterexample("\n".join(found))

    async def _moves(self, since: float) -> bool:
        """Wait for a frame; say whether one came."""
        self._has_moved.clear()
        if self._moved_at == since:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._has_moved.wait(), STUCK if len(self.servers) == 1 else SEALED_WITHIN)
        return self._moved_at != since

    def _judge(self) -> None:
        """Raise what was seen."""
        if self.witness.violations:
            raise self._counterexample("\n".join(self.witness.violations))
        if self._failure is not None:
            failure = self._failure
            raise self._counterexample("".join(traceback.format_exception(failure))) from failure

    def _counterexample(self, what: str) -> Counterexample:
        return Counterexample(f"{self.transcript}\n\n{self.transcript.short(what)}")

    async def _leave(self) -> None:
        await asyncio.gather(*[page.close() for page in self.pages], return_exceptions=True)
        async with self.restarting:
            pass  # the next run wants its servers
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
