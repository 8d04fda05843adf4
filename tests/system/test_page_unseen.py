"""What nobody saw, in Chromium: marks that eyes and ears tell apart, and a tab that says what it shows."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.system.browser import ORIGIN, Frame, ScriptedServer, dashboard_chat, snapshot
from tests.system.tab import ENOUGH, Tab, assert_shows_what_is_stored

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# What a browser does when a tab goes to the back or comes to the front; a headless one never does.
LOOK = """hidden => {
  Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
ANSWER: Frame = {"id": "msg_1", "role": "assistant", "parts": [{"type": "text", "text": "Yes."}], "metadata": {}}
QUESTION: Frame = {"id": "q", "role": "user", "parts": [{"type": "text", "text": "Well?"}], "metadata": {}}


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


@pytest.fixture
def views(visitor: BrowserContext, beside: BrowserContext) -> tuple[Tab, Tab]:
    """Two views of one person's, whose answers take three seconds."""
    views = Tab(visitor, tokens=150, pace=50), Tab(beside, tokens=150, pace=50)
    for one in views:
        expect(one.page.get_by_test_id("examples")).to_be_visible()
    return views


def marks(tab: Tab, chat_id: str, kind: str) -> Locator:
    return row(tab.page, chat_id).locator(f".{kind}")


def test_g26_a_dot_is_gone_everywhere_once_one_view_has_looked(views: tuple[Tab, Tab]) -> None:
    one, other = views
    one.ask()
    one.wait_for_more_than(0)
    chat_id = one.chat_id
    one.page.get_by_test_id("new-chat").click()
    for view in views:
        expect(marks(view, chat_id, "spinner")).to_be_visible()
    for view in views:
        expect(marks(view, chat_id, "dot")).to_be_visible(timeout=ENOUGH)
        expect(marks(view, chat_id, "spinner")).to_be_hidden()
        expect(view.page).to_have_title("(1) Tidewire")
    row(other.page, chat_id).get_by_role("link").click()
    other.wait_until("completed")
    for view in views:
        expect(marks(view, chat_id, "dot")).to_be_hidden()
        expect(view.page).not_to_have_title(re.compile(r"^\("))
    assert_shows_what_is_stored(other)
    assert one.faults == []


def test_g26_an_answer_that_is_watched_never_gets_a_dot(views: tuple[Tab, Tab]) -> None:
    one, other = views
    other.page.evaluate("""() => {
      window.dots = 0;
      new MutationObserver(() => { window.dots += document.querySelectorAll(".dot:not([hidden])").length; })
        .observe(document.body, { subtree: true, childList: true, attributes: true });
    }""")
    one.ask()
    one.wait_until("completed")
    expect(marks(other, one.chat_id, "spinner")).to_be_hidden()
    assert other.page.evaluate("window.dots") == 0
    expect(other.page).to_have_title("Tidewire")


def test_g26_a_hidden_tab_counts_in_its_title_and_shows_all_of_it_when_it_is_back(views: tuple[Tab, Tab]) -> None:
    one, other = views
    one.ask()
    one.wait_for_more_than(0)
    hide(one.page)
    for view in views:
        expect(view.page).to_have_title(re.compile(r"^\(1\) "), timeout=ENOUGH)
    expect(marks(other, one.chat_id, "dot")).to_be_visible()
    show(one.page)
    one.wait_until("completed")
    for view in views:
        expect(view.page).not_to_have_title(re.compile(r"^\("))
    assert_shows_what_is_stored(one)
