"""The page in Chromium against a real server: what is shown is what is stored, whatever happens on the way."""

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.system.browser import sign_in
from tests.system.server import ServerProcess
from tests.system.tab import Tab, assert_shows_what_is_stored, stored

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_normal_send(visitor: BrowserContext) -> None:
    tab = Tab(visitor, pace=1_000)
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
    expect(tab.answer.get_by_test_id("versions")).to_contain_text("2 / 2")
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


def test_reconnect(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tokens=600, pace=200)
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
    here, there = (chromium.new_context(base_url=server.url) for _ in range(2))
    sign_in(server.url, here, there)
    tab = Tab(here, tokens=4000, pace=100)
    tab.ask()
    tab.wait_for_more_than(0)
    views = (tab, *(Tab(context, f"/c/{tab.chat_id}") for context in (here, there)))
    for view in views:
        view.wait_for_more_than(200)
    server.kill()
    shown = [view.text() for view in views]
    server.start()
    for view, text in zip(views, shown, strict=True):
        view.wait_until("interrupted")
        assert view.text().startswith(text)
        expect(view.answer.get_by_test_id("status")).to_contain_text("Interrupted")
        expect(view.page.get_by_test_id("chats").locator(".spinner:visible")).to_have_count(0)
        assert_shows_what_is_stored(view, "interrupted")
    here.close()
    there.close()
