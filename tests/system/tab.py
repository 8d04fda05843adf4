"""A tab of the page in Chromium, on a real server, and what the server has stored of it."""

import json
import re
from typing import Any

from playwright.sync_api import BrowserContext, Locator, WebSocketRoute, expect
from websockets import Subprotocol
from websockets.sync.client import connect

from tests.system.browser import window

Frame = dict[str, Any]
QUESTION = "What happens when I refresh the page?"
ENOUGH = 20_000  # ms until an answer must have ended
GENERATING = ("message.send", "message.edit", "message.regenerate", "message.retry")
LONGER_THAN = "(answer, length) => answer.sourceText.length > length"


class Tab:
    """A page, with a hand on its wire: options for the demo model, and scissors."""

    def __init__(self, context: BrowserContext, path: str = "/", **options: Any) -> None:
        self.page = window(context)
        self.options = options
        self.faults: list[str] = []
        self.is_offline = False
        self._lines: list[tuple[WebSocketRoute, WebSocketRoute]] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.route_web_socket(re.compile("/v1/socket$"), self._connect)
        self.page.goto(path)

    @property
    def answer(self) -> Locator:
        """The last answer."""
        return self.page.locator("[data-role=assistant]").last

    @property
    def chat_id(self) -> str:
        return self.page.url.rpartition("/c/")[2]

    def ask(self, text: str = QUESTION) -> None:
        self.page.get_by_test_id("composer").fill(text)
        self.page.keyboard.press("Enter")

    def text(self) -> str:
        """The exact source of the last answer, as far as it has come."""
        return str(self.answer.evaluate("answer => answer.sourceText"))

    def wait_for_more_than(self, length: int) -> None:
        handle = self.answer.element_handle()
        self.page.wait_for_function(f"([answer, length]) => ({LONGER_THAN})(answer, length)", arg=[handle, length])

    def wait_until(self, status: str) -> None:
        expect(self.answer).to_have_attribute("data-status", status, timeout=ENOUGH)

    def cut(self) -> None:
        """Drop the line at both ends, as soon as there is one."""
        while not self._lines:
            self.page.evaluate("0")
        for end in self._lines.pop():
            end.close(code=1011)

    def deafen(self) -> None:
        """Let the line stand and nothing pass on it any more, as happens to a laptop that sleeps."""
        for line in self._lines.pop():
            line.on_message(lambda _: None)

    def _connect(self, line: WebSocketRoute) -> None:
        if self.is_offline:
            line.close(code=1011)
            return
        server = line.connect_to_server()
        self._lines.append((line, server))
        line.on_message(lambda text: server.send(self._with_options(str(text))))

    def _with_options(self, text: str) -> str:
        frame: Frame = json.loads(text)
        return json.dumps({**frame, "options": self.options}) if frame["type"] in GENERATING else text


def stored(tab: Tab) -> list[Frame]:
    """The messages of the tab's chat as the server has them, asked for over a socket of our own."""
    base = tab.page.evaluate("location.origin")
    cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in tab.page.context.cookies())
    with connect(
        f"{base.replace('http', 'ws')}/v1/socket",
        origin=base,
        additional_headers={"Cookie": cookies},
        subprotocols=[Subprotocol("tidewire.v1")],
    ) as socket:
        socket.send(json.dumps({"type": "hello", "id": "hello", "clientId": "reader", "snapshot": "never"}))
        socket.send(json.dumps({"type": "chat.get", "id": "read", "chatId": tab.chat_id}))
        for text in socket:
            frame: Frame = json.loads(text)
            if frame.get("id") == "read":
                messages: list[Frame] = frame["result"]["messages"]
                return messages
    raise AssertionError("The server closed the socket instead of answering.")


def text_of(message: Frame) -> str:
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


def assert_shows_what_is_stored(tab: Tab, status: str = "completed") -> None:
    """The last answer's text is the stored one, byte for byte, now and after a reload."""
    message = stored(tab)[-1]
    assert (message["role"], message["metadata"]["status"]) == ("assistant", status)
    assert tab.answer.get_attribute("data-message-id") == message["id"]
    assert tab.text() == text_of(message)
    tab.page.reload()
    tab.wait_until(status)
    assert tab.text() == text_of(message)
    assert tab.faults == []
