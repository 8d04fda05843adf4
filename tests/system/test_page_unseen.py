"""What nobody saw, in Chromium: marks that eyes and ears tell apart, and a tab that says what it shows."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from tests.system.browser import ORIGIN, Frame, ScriptedServer, dashboard_chat, launched_chromium, snapshot
from tests.system.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# What a browser does when a tab goes to the back or comes to the front; a headless one never does.
LOOK = """hidden => {
  Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
ANSWER: Frame = {"id": "msg_1", "role": "assistant", "parts": [{"type": "text", "text": "Yes."}], "metadata": {}}
QUESTION: Frame = {"id": "q", "role": "user", "parts": [{"type": "text", "text": "Well?"}], "metadata": {}}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched_chromium() as browser:
        yield browser


@pytest.fixture
def server(chromium: Browser) -> Iterator[ScriptedServer]:
    context = chromium.new_context(base_url=ORIGIN, viewport={"width": 1280, "height": 800})
    server = ScriptedServer(context.new_page())
    yield server
    assert server.faults == []
    context.close()


def hide(page: Page) -> None:
    page.evaluate(LOOK, True)


def show(page: Page) -> None:
    page.evaluate(LOOK, False)


def row(page: Page, chat_id: str) -> Locator:
    return page.locator(f"[data-chat-id='{chat_id}']")


def presence(server: ScriptedServer) -> tuple[str, str]:
    frame = server.receive("presence.update")
    return frame["visibility"], frame["chatId"]


# Marks


def test_every_mark_can_be_seen_and_heard_beside_the_others(server: ScriptedServer) -> None:
    server.page.emulate_media(reduced_motion="reduce")
    server.page.goto("/")
    server.welcome(
        snapshot=snapshot(
            0,
            dashboard_chat("both", unseen=True, activeStreamId="str_1", lastStatus="failed"),
            dashboard_chat("broken", unseen=True, lastStatus="failed"),
            dashboard_chat("cut", lastStatus="interrupted", pinned=True),
            dashboard_chat("stopped", lastStatus="stopped"),
            dashboard_chat("plain", lastStatus="completed"),
        )
    )
    heard = {
        "both": "Chat both Answering New answer",
        "broken": "Chat broken Couldn’t finish New answer",
        "cut": "Chat cut Couldn’t finish Pinned",
        "stopped": "Chat stopped",
        "plain": "Chat plain",
    }
    seen = {"both": {"spinner", "dot"}, "broken": {"failed", "dot"}, "cut": {"failed", "pinned"}}
    for chat_id, name in heard.items():
        link = row(server.page, chat_id).get_by_role("link")
        expect(link).to_have_accessible_name(name)
        for kind in ("spinner", "dot", "failed", "pinned"):
            expect(link.locator(f".{kind}")).to_be_visible(visible=kind in seen.get(chat_id, set()))
    spinner = row(server.page, "both").locator(".spinner")
    expect(spinner).to_have_css("animation-duration", "0s")
    expect(spinner).to_have_css("border-top-style", "dotted")
    expect(server.page).to_have_title("(2) Tidewire")


# What a tab says


def test_g26_a_tab_says_what_it_shows_when_that_changes_and_on_every_socket(server: ScriptedServer) -> None:
    page = server.page
    page.goto("/c/c1")
    hello = server.welcome(snapshot=snapshot(0, dashboard_chat("c1"), dashboard_chat("c2")))
    assert hello["capabilities"] == ["status", "tools"]
    assert presence(server) == ("visible", "c1")
    row(page, "c2").get_by_role("link").click()
    assert presence(server) == ("visible", "c2")
    hide(page)
    assert presence(server) == ("hidden", "c2")
    show(page)
    assert presence(server) == ("visible", "c2")
    page.evaluate("dispatchEvent(new Event('focus'))")
    assert server.count("presence.update") == 0, "nothing has changed"
    server.cut()
    server.welcome(offset=None)
    assert presence(server) == ("visible", "c2")


def test_g26_only_what_is_drawn_and_looked_at_is_seen(server: ScriptedServer) -> None:
    page = server.page
    page.goto("/c/c1")
    hide(page)
    chat = dashboard_chat("c1", unseen=True, leafId="msg_1")
    server.welcome(snapshot=snapshot(0, chat))
    expect(page).to_have_title("(1) Tidewire")
    asked = server.receive("chat.get")
    show(page)
    assert server.count("chat.seen") == 0, "it has nothing to show yet"
    server.ack(asked, chat=chat, messages=[QUESTION, ANSWER])
    seen = server.receive("chat.seen")
    assert (seen["chatId"], seen["messageId"]) == ("c1", "msg_1")
    server.ack(seen)
    after = dashboard_chat("c1", 2, leafId="msg_1")
    server.send("event", offset=1, name="chat.seen", time=1, data={"chatId": "c1", "chat": after, "messageId": "msg_1"})
    expect(page).to_have_title("Chat c1 · Tidewire")
    page.evaluate("new Promise(requestAnimationFrame)")
    assert server.count("chat.seen") == 0, "once is enough"


def test_g26_while_the_next_answer_grows_the_last_whole_one_is_named(server: ScriptedServer) -> None:
    page = server.page
    page.goto("/c/c1")
    chat = dashboard_chat("c1", unseen=True, leafId="msg_2", activeStreamId="str_2")
    server.welcome(snapshot=snapshot(0, chat))
    active = {
        "streamId": "str_2",
        "chatId": "c1",
        "messageId": "msg_2",
        "status": "streaming",
        "seq": 0,
        "startedAt": 1,
    }
    server.ack(server.receive("chat.get"), chat=chat, messages=[QUESTION, ANSWER], activeStream=active)
    assert server.receive("chat.seen")["messageId"] == "msg_1"


# With a real server


def connect(line: WebSocketRoute) -> None:
    """Lead a tab's socket to its server, and have every answer take three seconds."""
    server = line.connect_to_server()

    def pass_on(text: str | bytes) -> None:
        frame: Frame = json.loads(text)
        slow = {"options": {"tokens": 150, "pace": 50}} if frame["type"] == "message.send" else {}
        server.send(json.dumps(frame | slow))

    line.on_message(pass_on)


@pytest.fixture
def tabs(chromium: Browser, shared_server: ServerProcess) -> Iterator[tuple[Page, Page]]:
    """Two tabs of one person."""
    context = chromium.new_context(base_url=shared_server.url, viewport={"width": 1280, "height": 800})
    context.route_web_socket(re.compile("/v1/socket$"), connect)
    one, other = context.new_page(), context.new_page()
    for page in (one, other):
        page.goto("/")
        expect(page.get_by_test_id("examples")).to_be_visible()
    yield one, other
    context.close()


def ask(page: Page, text: str = "What happens when I refresh the page?") -> str:
    """Ask, wait for the first words, and return the id of the chat."""
    page.get_by_test_id("composer").fill(text)
    page.keyboard.press("Enter")
    expect(page.locator("[data-role=assistant] .body")).to_have_text(re.compile(r"\w"), timeout=20_000)
    return page.url.rpartition("/c/")[2]


def test_g26_a_dot_is_gone_on_every_tab_once_one_has_looked(tabs: tuple[Page, Page]) -> None:
    one, other = tabs
    chat_id = ask(one)
    one.get_by_test_id("new-chat").click()
    for page in tabs:
        expect(row(page, chat_id).locator(".spinner")).to_be_visible()
    for page in tabs:
        expect(row(page, chat_id).locator(".dot")).to_be_visible(timeout=20_000)
        expect(row(page, chat_id).locator(".spinner")).to_be_hidden()
        expect(page).to_have_title("(1) Tidewire")
    row(other, chat_id).get_by_role("link").click()
    expect(other.locator("[data-role=assistant][data-status=completed]")).to_be_visible()
    for page in tabs:
        expect(row(page, chat_id).locator(".dot")).to_be_hidden()
        expect(page).not_to_have_title(re.compile(r"^\("))


def test_g26_an_answer_that_is_watched_never_gets_a_dot(tabs: tuple[Page, Page]) -> None:
    one, other = tabs
    other.evaluate("""() => {
      window.dots = 0;
      new MutationObserver(() => { window.dots += document.querySelectorAll(".dot:not([hidden])").length; })
        .observe(document.body, { subtree: true, childList: true, attributes: true });
    }""")
    chat_id = ask(one)
    expect(one.locator("[data-role=assistant][data-status=completed]")).to_be_visible(timeout=20_000)
    expect(row(other, chat_id).locator(".spinner")).to_be_hidden()
    assert other.evaluate("window.dots") == 0
    expect(other).to_have_title("Tidewire")


def test_g26_a_hidden_tab_counts_in_its_title_and_shows_all_of_it_when_it_is_back(tabs: tuple[Page, Page]) -> None:
    one, _ = tabs
    ask(one)
    hide(one)
    expect(one).to_have_title(re.compile(r"^\(1\) "), timeout=20_000)
    show(one)
    answer = one.locator("[data-role=assistant][data-status=completed]")
    expect(answer).to_be_visible()
    expect(one).not_to_have_title(re.compile(r"^\("))
    shown = answer.evaluate("answer => answer.sourceText")
    one.reload()
    expect(answer).to_be_visible()
    assert answer.evaluate("answer => answer.sourceText") == shown
