"""`useChat` with the npm package's own `WebSocketChatTransport` in Chromium, against a real server.

The page (protocol/typescript/test/stock-page.tsx) knows nothing of us but an address. It is mounted twice, as React
does in development, so every page resumes, aborts and resumes again.
"""

import subprocess
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.node import SDK
from tests.system.browser import window
from tests.system.server import ServerProcess
from tests.wire import text_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Sockets that a test can cut, and what was sent over them: the browser's own class, watched.
CUTTABLE = """
window.sockets = [];
window.sent = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); window.sockets.push(this); }
  send(data) { super.send(data); window.sent.push(JSON.parse(data).type); }
};
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page as one script."""
    SDK.install()
    path = tmp_path_factory.mktemp("stock") / "page.js"
    subprocess.run(
        ["node", "test/bundle.mjs", str(path), "stock-page.tsx", "development"],
        cwd=SDK.folder,
        timeout=120,
        check=True,
    )
    return path.read_text()


class Tab:
    """A tab of the page.

    Args:
        context: the person's browser.
        bundle: the page.
    """

    def __init__(self, context: BrowserContext, bundle: str) -> None:
        self.page: Page = window(context)
        self._bundle = bundle
        self.load()

    def load(self) -> None:
        """Load the page, or load it again: its history comes from the server, and what is written is resumed."""
        self.page.goto("/docs")
        self.page.evaluate(self._bundle)
        self.page.evaluate("() => show('chat')")
        expect(self.page.locator("main")).to_be_attached()

    def send(self, text: str = "Why?", **options: Any) -> None:
        """Ask; the answer comes when it comes."""
        self._do("(given) => void chat.sendMessage({ text: given.text }, { body: given.body })", text, options)

    def regenerate(self, **options: Any) -> None:
        """Have the last answer written again."""
        self._do("(given) => void chat.regenerate({ body: given.body })", "", options)

    def _do(self, script: str, text: str, options: dict[str, Any]) -> None:
        self.page.evaluate(script, {"text": text, "body": {"options": {"pace": 100} | options}})

    def reads(self, characters: int = 20) -> None:
        """Wait until so much of the last answer is shown."""
        self.page.wait_for_function(
            "(least) => (document.querySelector('p[data-role=assistant]:last-of-type')?.innerText.length ?? 0) > least",
            arg=characters,
        )

    def is_now(self, status: str) -> None:
        """Wait for a status of `useChat`."""
        expect(self.page.locator("main")).to_have_attribute("data-status", status, timeout=20_000)

    def stored(self, least: int = 0) -> list[dict[str, Any]]:
        """The messages that the server has, once there are so many: an answer that was stopped takes a moment."""
        found: list[dict[str, Any]] = self.page.evaluate(
            "async (least) => { let m; do { m = await storedOf('chat'); } while (m.length < least); return m; }", least
        )
        return found

    def shows_what_is_stored(self) -> list[dict[str, Any]]:
        """Check every message, in `useChat` and on the screen; return what is stored."""
        self.is_now("ready")
        stored = self.stored()
        shown = self.page.evaluate("() => JSON.parse(JSON.stringify(chat.messages))")
        assert [(each["id"], each["parts"]) for each in shown] == [(each["id"], each["parts"]) for each in stored]
        seen = ["".join(each.locator("span").all_text_contents()) for each in self.page.locator("p").all()]
        assert seen == [text_of(message) for message in stored]
        return stored


@pytest.fixture
def context(visitor: BrowserContext, shared_server: ServerProcess) -> BrowserContext:
    """A guest's browser."""
    visitor.add_init_script(CUTTABLE)
    visitor.request.post("/v1/auth/guest", data={}, headers={"origin": shared_server.url})
    return visitor


@pytest.fixture
def tab(context: BrowserContext, bundle: str) -> Tab:
    return Tab(context, bundle)


def status_of(message: dict[str, Any]) -> str:
    return str(message["metadata"]["status"])


def test_a_question_is_answered_and_written_again(tab: Tab) -> None:
    tab.send(tokens=30)
    tab.reads()
    first = tab.shows_what_is_stored()
    tab.regenerate(tokens=30, seed=7)
    tab.page.wait_for_function("(old) => chat.status === 'ready' && chat.messages[1]?.id !== old", arg=first[1]["id"])
    again = tab.shows_what_is_stored()
    assert again[1]["metadata"]["versions"]["ids"] == [first[1]["id"], again[1]["id"]]


def test_stop_stops_and_the_next_question_may_follow_at_once(tab: Tab) -> None:
    tab.send(tokens=5_000)
    tab.reads()
    tab.page.evaluate("async () => { await chat.stop(); void chat.sendMessage({ text: 'And now?' }); }")
    tab.page.wait_for_function("() => chat.status === 'ready' && chat.messages.length === 4")
    _, stopped, _, answer = tab.stored()
    assert (status_of(stopped), status_of(answer)) == ("stopped", "completed")


def test_a_refresh_and_another_view_go_on(
    context: BrowserContext, beside: BrowserContext, bundle: str, tab: Tab
) -> None:
    tab.send(tokens=800)
    tab.reads()
    second = Tab(beside, bundle)
    second.reads()
    for _ in range(2):
        tab.load()
        tab.reads()
        tab.page.evaluate("() => void chat.resumeStream()")
        tab.page.wait_for_function("() => `${sent}`.endsWith('resume,abort,resume')")
    tab.is_now("streaming")
    stored = tab.shows_what_is_stored()
    assert status_of(stored[1]) == "completed"
    assert second.shows_what_is_stored() == stored


def test_a_page_that_resumed_can_stop(tab: Tab) -> None:
    tab.send(tokens=5_000)
    tab.reads()
    tab.load()
    tab.reads()
    tab.page.evaluate("() => chat.stop()")
    tab.is_now("ready")
    assert status_of(tab.stored(2)[1]) == "stopped"


def test_a_dropped_socket_is_resumed_when_the_page_is_seen_again(tab: Tab) -> None:
    tab.send(tokens=600)
    for _ in range(2):
        tab.reads()
        tab.page.evaluate("() => sockets.forEach((socket) => socket.close())")
        tab.is_now("error")
        tab.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
        tab.is_now("streaming")
    assert status_of(tab.shows_what_is_stored()[1]) == "completed"


def test_a_tool_call_is_shown(tab: Tab) -> None:
    tab.send("12 * 7", tokens=20, tool="calculate")
    expect(tab.page.locator("code")).to_contain_text('"state":"output-available"', timeout=20_000)
    tab.shows_what_is_stored()


def test_a_failure_is_said_and_tried_again(tab: Tab) -> None:
    tab.send(tokens=20, fault="midway")
    tab.is_now("error")
    expect(tab.page.locator("output")).to_have_text("The model broke off in the middle of its answer. Try again.")
    tab.regenerate(tokens=20)
    assert status_of(tab.shows_what_is_stored()[1]) == "completed"
    assert tab.page.evaluate("() => sockets.filter(({ url }) => url.endsWith('/v1/ai-sdk')).length") == 1
