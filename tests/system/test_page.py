"""The page in Chromium against a real server: what is shown is what is stored, whatever happens on the way."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from tests.system.browser import launched_chromium
from tests.system.server import ServerProcess
from tests.system.tab import ENOUGH, QUESTION, Tab, assert_shows_what_is_stored, stored, text_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched_chromium() as browser:
        yield browser


@pytest.fixture
def visitor(chromium: Browser, shared_server: ServerProcess) -> Iterator[BrowserContext]:
    """A guest of their own, at the shared server."""
    context = chromium.new_context(base_url=shared_server.url)
    yield context
    context.close()


def test_normal_send(visitor: BrowserContext) -> None:
    tab = Tab(visitor)
    expect(tab.page.get_by_test_id("note")).to_contain_text("The offline demo model answers.")
    tab.page.get_by_test_id("examples").get_by_role("button").first.click()
    expect(tab.page).to_have_url(re.compile(r"/c/[\w-]+$"))
    tab.wait_until("completed")
    assert len(tab.text()) > 100
    title = tab.page.get_by_test_id("chats").locator("[aria-current=page]")
    expect(title).to_have_count(1)
    expect(tab.page.get_by_test_id("chats").locator(".spinner:visible")).to_have_count(0)
    assert_shows_what_is_stored(tab)


def test_thinking_is_folded_and_not_part_of_the_answer(visitor: BrowserContext) -> None:
    tab = Tab(visitor, thinking=40, pace=400)
    tab.ask()
    tab.wait_until("completed")
    expect(tab.answer.locator("details summary")).to_have_text(re.compile("^Thought for "))
    assert_shows_what_is_stored(tab)


def test_stop(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tokens=4000, pace=100)
    tab.ask()
    tab.wait_for_more_than(60)
    shown = tab.text()
    tab.page.get_by_test_id("stop").click()
    tab.wait_until("stopped")
    assert tab.text().startswith(shown)
    expect(tab.answer.get_by_test_id("status")).to_have_text("Stopped")
    expect(tab.page.get_by_test_id("send")).to_be_visible()
    assert_shows_what_is_stored(tab, "stopped")


def test_escape_stops(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tokens=4000, pace=100)
    tab.ask()
    tab.wait_for_more_than(10)
    tab.page.keyboard.press("Escape")
    tab.wait_until("stopped")
    assert_shows_what_is_stored(tab, "stopped")


def test_a_question_while_an_answer_grows_waits_for_its_turn(visitor: BrowserContext) -> None:
    other = Tab(visitor)
    tab = Tab(visitor, tokens=4000, pace=100)
    tab.ask()
    tab.wait_for_more_than(10)
    other.page.locator(f"[data-chat-id='{tab.chat_id}'] a").click()
    tab.options = {"tokens": 20, "pace": 500}
    for text in ("Not this", "And this"):
        tab.ask(text)
        for one in (tab, other):
            expect(one.page.get_by_test_id("queue")).to_contain_text(text)
    expect(tab.page.locator("[data-role=user]")).to_have_count(1)
    other.page.get_by_test_id("queue").locator("li", has_text="Not this").get_by_role("button", name="Remove").click()
    for one in (tab, other):
        expect(one.page.get_by_test_id("queue")).not_to_contain_text("Not this")
    tab.page.get_by_test_id("stop").click()
    tab.page.get_by_role("button", name="Continue").click()
    for one in (tab, other):
        expect(one.page.locator("[data-role=assistant]")).to_have_count(2, timeout=ENOUGH)
        one.wait_until("completed")
        expect(one.page.get_by_test_id("queue")).to_be_hidden()
    assert [text_of(message) for message in stored(tab) if message["role"] == "user"] == [QUESTION, "And this"]
    assert_shows_what_is_stored(tab)
    assert other.text() == tab.text()


def test_what_waits_is_held_by_a_stop_and_asked_now_from_another_tab(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tokens=4000, pace=100)
    tab.ask()
    tab.wait_for_more_than(10)
    tab.options = {"tokens": 20, "pace": 500}
    for text in ("One", "Two"):
        tab.ask(text)
        expect(tab.page.get_by_test_id("queue")).to_contain_text(text)
    other = Tab(visitor, f"/c/{tab.chat_id}")
    other.page.get_by_test_id("queue").locator("li", has_text="Two").get_by_role("button", name="Send now").click()
    for one in (tab, other):
        expect(one.page.locator("[data-role=assistant]")).to_have_count(3, timeout=ENOUGH)
        one.wait_until("completed")
    asked = [text_of(message) for message in stored(tab) if message["role"] == "user"]
    assert asked == [QUESTION, "Two", "One"]

    tab.options = {"tokens": 4000, "pace": 100}
    tab.ask("Three")
    expect(tab.page.locator("[data-role=assistant]")).to_have_count(4)
    tab.wait_for_more_than(10)
    tab.options = {"tokens": 20, "pace": 500}
    tab.ask("Four")
    expect(other.page.get_by_test_id("queue")).to_contain_text("Four")
    tab.page.get_by_test_id("stop").click()
    tab.wait_until("stopped")
    other.page.get_by_role("button", name="Continue").click()
    expect(tab.page.locator("[data-role=assistant]")).to_have_count(5)
    tab.wait_until("completed")
    assert_shows_what_is_stored(tab)


def versions(tab: Tab, role: str = "assistant") -> Locator:
    return tab.page.locator(f"[data-role={role}]").last.get_by_test_id("versions")


def test_versions_of_an_answer_in_two_tabs(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tokens=30, pace=500)
    tab.ask()
    tab.wait_until("completed")
    first = tab.text()
    other = Tab(visitor, f"/c/{tab.chat_id}", tokens=60, pace=500)
    other.wait_until("completed")
    other.page.get_by_role("button", name="Regenerate").click()
    for one in (tab, other):
        expect(versions(one)).to_contain_text("2 / 2")
        one.wait_until("completed")
        expect(one.page.locator("article")).to_have_count(2)
    second = tab.text()
    assert second == other.text() != first
    tab.page.get_by_role("button", name="Previous version").click()
    for one in (tab, other):
        expect(versions(one)).to_contain_text("1 / 2")
        assert one.text() == first
    assert_shows_what_is_stored(other)
    expect(versions(other)).to_contain_text("1 / 2")
    other.page.get_by_role("button", name="Next version").click()
    expect(versions(tab)).to_contain_text("2 / 2")
    assert tab.text() == second
    assert tab.faults == other.faults == []


def test_another_version_of_a_stopped_answer(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tokens=4000, pace=100)
    tab.ask()
    tab.wait_for_more_than(20)
    tab.page.get_by_test_id("stop").click()
    tab.wait_until("stopped")
    tab.options = {"tokens": 30, "pace": 500}
    tab.page.get_by_role("button", name="Regenerate").click()
    tab.wait_until("completed")
    expect(tab.page.locator("article")).to_have_count(2)
    expect(versions(tab)).to_contain_text("2 / 2")
    assert_shows_what_is_stored(tab)


def test_a_stopped_answer_goes_on_when_asked_to(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tokens=4000, pace=100)
    tab.ask()
    tab.wait_for_more_than(20)
    tab.page.get_by_test_id("stop").click()
    tab.wait_until("stopped")
    tab.options = {"tokens": 30, "pace": 500}
    tab.page.get_by_role("button", name="Continue").click()
    expect(tab.page.locator("[data-role=assistant]")).to_have_count(2)
    tab.wait_until("completed")
    assert_shows_what_is_stored(tab)


def test_an_edited_question_keeps_the_old_one_beside_it(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tokens=30, pace=500)
    tab.ask("Where?")
    tab.wait_until("completed")
    other = Tab(visitor, f"/c/{tab.chat_id}")
    other.wait_until("completed")
    for given_up in ("Escape", "Cancel"):
        tab.page.get_by_role("button", name="Edit").click()
        editing = tab.page.get_by_role("textbox", name="Your question")
        expect(editing).to_be_focused()
        editing.fill("Never asked")
        if given_up == "Escape":
            tab.page.keyboard.press("Escape")
        else:
            tab.page.get_by_role("button", name="Cancel").click()
        expect(editing).to_have_count(0)
    tab.page.get_by_role("button", name="Edit").click()
    tab.page.get_by_role("textbox", name="Your question").fill("When?")
    tab.page.keyboard.press("Enter")
    for one in (tab, other):
        expect(one.page.locator("[data-role=user] .body")).to_have_text("When?")
        expect(versions(one, "user")).to_contain_text("2 / 2")
        one.wait_until("completed")
    other.page.get_by_role("button", name="Previous version").click()
    for one in (tab, other):
        expect(one.page.locator("[data-role=user] .body")).to_have_text("Where?")
        expect(one.page.locator("article")).to_have_count(2)
    assert_shows_what_is_stored(tab)


@pytest.mark.parametrize("length", [0, 40, 300, 900])
def test_refresh_during_stream(visitor: BrowserContext, length: int) -> None:
    tab = Tab(visitor, tokens=500, pace=200)
    tab.ask()
    tab.wait_for_more_than(length)
    shown = tab.text()
    tab.page.reload()
    tab.wait_for_more_than(len(shown))
    assert tab.text().startswith(shown)
    tab.wait_until("completed")
    assert_shows_what_is_stored(tab, "completed")


def test_two_tabs(visitor: BrowserContext) -> None:
    first = Tab(visitor, tokens=300, pace=200)
    first.ask()
    first.wait_until("completed")
    second = Tab(visitor, f"/c/{first.chat_id}", tokens=300, pace=200)
    second.wait_until("completed")

    second.ask("And where are my chats kept?")
    answers = first.page.locator("[data-role=assistant]")
    expect(answers).to_have_count(2)
    expect(first.page.locator("[data-role=user]").last).to_have_text(re.compile("And where are my chats kept?"))
    for tab in (first, second):
        expect(tab.page.locator("[data-role=assistant]")).to_have_count(2)
        expect(tab.page.locator("[data-role=user]")).to_have_count(2)
        tab.wait_until("completed")
    assert first.text() == second.text()
    assert_shows_what_is_stored(first)


def test_stop_from_another_tab(visitor: BrowserContext) -> None:
    first = Tab(visitor, tokens=4000, pace=100)
    first.ask()
    first.wait_for_more_than(20)
    second = Tab(visitor, f"/c/{first.chat_id}")
    second.wait_for_more_than(20)
    second.page.get_by_test_id("stop").click()
    for tab in (first, second):
        tab.wait_until("stopped")
    assert first.text() == second.text()
    assert_shows_what_is_stored(first, "stopped")


def test_a_new_chat_appears_in_every_tab(visitor: BrowserContext) -> None:
    watching = Tab(visitor)
    expect(watching.page.get_by_test_id("examples")).to_be_visible()
    asking = Tab(visitor)
    asking.ask()
    row = watching.page.locator(f"[data-chat-id='{asking.chat_id}']")
    expect(row).to_have_count(1)
    asking.wait_until("completed")
    title = asking.page.get_by_role("heading", level=1).inner_text()
    expect(row.locator(".name")).to_have_text(title)


def test_reconnect(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tokens=900, pace=200)
    tab.ask()
    for length in (30, 200, 500):
        tab.wait_for_more_than(length)
        tab.cut()
    tab.wait_until("completed")
    assert tab.page.locator("article").count() == 2
    assert_shows_what_is_stored(tab)


def test_a_question_asked_without_a_line_is_answered_once(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tokens=50, pace=200)
    expect(tab.page.get_by_test_id("examples")).to_be_visible()
    tab.cut()
    tab.ask()
    tab.wait_until("completed")
    assert [message["role"] for message in stored(tab)] == ["user", "assistant"]
    assert_shows_what_is_stored(tab)


def test_g19b_nothing_shown_is_lost_when_the_server_is_killed(chromium: Browser, server: ServerProcess) -> None:
    context = chromium.new_context(base_url=server.url)
    tab = Tab(context, tokens=4000, pace=100)
    tab.ask()
    tab.wait_for_more_than(200)
    server.kill()
    shown = tab.text()
    server.start()
    tab.wait_until("interrupted")
    assert tab.text().startswith(shown)
    expect(tab.answer.get_by_test_id("status")).to_contain_text("Interrupted")
    expect(tab.page.get_by_test_id("chats").locator(".spinner:visible")).to_have_count(0)
    assert_shows_what_is_stored(tab, "interrupted")
    context.close()
