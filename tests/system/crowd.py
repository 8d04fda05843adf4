"""A server of somebody with very many chats, of which it tells page by page, and a reader who scrolls through all."""

import json
import time
from typing import Any

from playwright.sync_api import Page, WebSocketRoute

from tests.system.browser import Frame, ScriptedServer, dashboard_chat, snapshot

HOUR = 3_600_000
FIRST_PAGE = 50

# Scrolls by `step` pixels a frame until the end is there and nothing more comes; tells the most rows there ever were.
SCROLL = """async (step) => {
  const box = document.querySelector(".lists");
  const seen = new Set();
  let most = 0;
  while (true) {
    await new Promise(requestAnimationFrame);
    const rows = box.querySelectorAll("[data-chat-id]");
    most = Math.max(most, rows.length);
    for (const row of rows) seen.add(row.dataset.chatId);
    const isAtEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 1;
    if (isAtEnd && !box.querySelector(".end")) return {most, seen: seen.size};
    box.scrollTop += step;
  }
}"""


class CrowdedServer(ScriptedServer):
    """Answers `dashboard.get` by itself."""

    def __init__(self, page: Page, chats: int) -> None:
        super().__init__(page)
        now = int(time.time() * 1_000)
        self.chats = [dashboard_chat(f"c{number}", now - number * HOUR) for number in range(chats)]

    def start(self) -> None:
        """Show the page, with the first of the chats."""
        self.page.goto("/")
        self.welcome(snapshot=self._page(0, FIRST_PAGE))

    def scrolled(self, step: int) -> dict[str, int]:
        """Scroll to the last chat; how many chats were drawn in all (`seen`), and the `most` at once."""
        found: dict[str, int] = self.page.evaluate(SCROLL, step)
        return found

    def _open(self, socket: WebSocketRoute) -> None:
        super()._open(socket)
        socket.on_message(self._hear)

    def _hear(self, text: str | bytes) -> None:
        frame: Frame = json.loads(text)
        if frame["type"] == "dashboard.get":
            self.ack(frame, **self._page(int(frame["cursor"]), frame["limit"]))
        else:
            self._inbox.append(frame)

    def _page(self, start: int, limit: int) -> dict[str, Any]:
        end = start + limit
        more = {"nextCursor": str(end)} if end < len(self.chats) else {}
        return {**snapshot(0, *self.chats[start:end]), **more}
