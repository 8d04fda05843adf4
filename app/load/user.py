"""One user: asks in several chats at once from the first tab, while every tab watches."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import tidewire

from app.load.arguments import LoadOptions
from app.load.tab import Tab, digest
from app.load.tally import Tally

_PATIENCE = 30.0
_PAGE = 200


class User:
    """A guest with its tabs.

    Args:
        opening: how many sockets may be opening at once, of all users together.
    """

    def __init__(
        self, options: LoadOptions, tally: Tally, opening: asyncio.Semaphore, wall_us: Callable[[], int]
    ) -> None:
        self._options, self._tally, self._opening, self._wall_us = options, tally, opening, wall_us
        self.tabs: list[Tab] = []
        self._chats: list[str] = []
        self._sent: list[str] = []  # message ids of the answers asked for

    async def open(self, stack: AsyncExitStack) -> None:
        """Become a guest and open the tabs; the stack closes them."""
        async with self._opening:
            token = self._options.token or (await tidewire.guest_session(self._options.url)).token
        await asyncio.gather(*[self._open_tab(stack, token) for _ in range(self._options.tabs)])

    async def _open_tab(self, stack: AsyncExitStack, token: str) -> None:
        tab = Tab(self._options.url, token, self._tally, self._wall_us)
        async with self._opening:
            await stack.enter_async_context(tab.client)
        self.tabs.append(tab)
        self._tally.sockets += 1

    async def ask(self, until: float) -> None:
        """Keep the wanted number of answers going until this monotonic time, then stop what still runs."""
        await asyncio.gather(*[self._chat(until) for _ in range(self._options.streams)])

    async def _chat(self, until: float) -> None:
        tab = self.tabs[0]
        chat_id = tab.client.new_id()
        while time.monotonic() < until:
            asked = time.monotonic()
            answer = await self._send(chat_id, until)
            if answer is None:
                continue
            if chat_id not in self._chats:
                self._chats.append(chat_id)
            tab.watch(answer)
            await self._finish(answer, until)
            first = tab.first_text.pop(answer.stream_id, None)
            if first is not None:
                self._tally.first_token.add(int((first - asked) * 1e6))

    async def _send(self, chat_id: str, until: float) -> tidewire.Answer | None:
        """Ask once; None when the server wants us to wait, which was done."""
        try:
            answer = await self.tabs[0].client.send(
                chat_id, "How fast is the tide?", model="demo", options=self._options.model_options
            )
        except tidewire.CommandRefused as refusal:
            await self._wait(refusal.error, until)
            return None
        self._tally.streams += 1
        if answer.message_id is not None:
            self._sent.append(answer.message_id)
        return answer

    async def _wait(self, error: tidewire.ErrorObject, until: float) -> None:
        if error.retry_after_ms is None:
            self._tally.errors[error.code] += 1
            seconds = 1.0
        else:
            self._tally.waits += 1
            seconds = error.retry_after_ms / 1000
        await asyncio.sleep(max(0.0, min(seconds, until - time.monotonic())))

    async def _finish(self, answer: tidewire.Answer, until: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                done = await answer.finished()
        except TimeoutError:
            await answer.stop()
            async with asyncio.timeout(_PATIENCE):
                done = await answer.finished()
        if done.status not in ("completed", "stopped"):
            self._tally.unfinished += 1

    async def check(self) -> None:
        """Compare what every tab was shown with what the server stored."""
        await asyncio.gather(*[tab.settled(_PATIENCE) for tab in self.tabs])
        stored: dict[str, str] = {}
        for chat_id in self._chats:
            stored |= await self._stored(chat_id)
        for message_id in self._sent:
            for tab in self.tabs:
                self._tally.checked += 1
                if tab.shown.get(message_id) is None or tab.shown[message_id] != stored.get(message_id):
                    self._tally.mismatches += 1

    async def _stored(self, chat_id: str) -> dict[str, str]:
        found: dict[str, str] = {}
        before: str | None = None
        while True:
            page = await self.tabs[0].client.chat(chat_id, before=before, limit=_PAGE)
            found |= {each["id"]: digest(each["parts"]) for each in page.messages if each["role"] == "assistant"}
            before = page.next_cursor
            if before is None:
                return found
