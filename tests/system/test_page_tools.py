"""Tools and thinking in Chromium: folded, with what they did; and people who decide, here or there, now or later."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from tests.system.browser import launched_chromium
from tests.system.server import ServerProcess
from tests.system.tab import Tab, assert_shows_what_is_stored

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


def call(tab: Tab) -> Locator:
    """The last tool call of the last answer."""
    return tab.answer.get_by_test_id("call").last


def mark(tab: Tab) -> Locator:
    """The sign in the list that a chat waits for its person."""
    return tab.page.get_by_test_id("chats").locator(".asking:visible")


def test_a_calculation_shows_its_tool_folded(visitor: BrowserContext) -> None:
    tab = Tab(visitor)
    tab.ask("What is 12*7?")
    tab.wait_until("completed")
    summary = call(tab).locator("summary")
    expect(summary).to_have_text("Calculator12*7 = 84")
    expect(call(tab).locator("pre")).to_have_count(2)
    expect(call(tab).locator("pre").first).to_be_hidden()
    summary.click()
    expect(call(tab).locator("pre").first).to_have_text('{\n  "expression": "12*7"\n}')
    expect(call(tab).locator("pre").last).to_contain_text('"result": "84"')
    tab.page.reload()
    expect(call(tab).locator("summary")).to_have_text("Calculator12*7 = 84")
    assert_shows_what_is_stored(tab)
    assert tab.faults == []


def test_an_approval_after_a_reload_and_from_another_tab(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tool="search_chats", pace=0)
    tab.ask("Where was the tide?")
    expect(call(tab).locator("summary")).to_contain_text("waits for you")
    expect(tab.answer.get_by_test_id("status")).to_have_text("Waiting for you…")
    expect(mark(tab)).to_have_count(1)
    tab.page.reload()
    expect(call(tab).get_by_role("button", name="Approve")).to_be_visible()
    other = Tab(visitor, f"/c/{tab.chat_id}")
    expect(mark(other)).to_have_count(1)
    call(other).get_by_role("button", name="Approve").click()
    for each in (tab, other):
        each.wait_until("completed")
        expect(call(each).locator("summary")).to_have_text("Search in your other chats“Where was the tide”")
        expect(call(each).get_by_role("button", name="Approve")).to_have_count(0)
        expect(mark(each)).to_have_count(0)
        assert each.faults == []
    assert_shows_what_is_stored(other)


def test_a_denial(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tool="search_chats", pace=0)
    tab.ask()
    call(tab).get_by_role("button", name="Deny").click()
    tab.wait_until("completed")
    expect(call(tab).locator("summary")).to_contain_text("not allowed")
    assert "You did not allow me" in tab.text()


def test_a_question_of_the_model_is_answered_by_a_button(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tool="ask_person", pace=0)
    tab.ask()
    expect(call(tab)).to_contain_text("Which of these shall I look up as well?")
    call(tab).get_by_role("button").nth(1).click()
    tab.wait_until("completed")
    expect(call(tab).locator("summary")).to_contain_text("What happens when I refresh the page?")
    assert "You chose “What happens when I refresh the page?”." in tab.text()


def test_a_stop_takes_the_buttons_away(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tool="search_chats", pace=0)
    tab.ask()
    expect(call(tab).get_by_role("button", name="Approve")).to_be_visible()
    tab.page.get_by_test_id("stop").click()
    tab.wait_until("stopped")
    expect(call(tab).get_by_role("button")).to_have_count(0)
    expect(call(tab).locator("summary")).to_contain_text("not allowed")
    expect(mark(tab)).to_have_count(0)


def test_a_refused_decision_says_why(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tool="search_chats", pace=0)
    tab.ask()
    expect(call(tab).get_by_role("button", name="Approve")).to_be_visible()
    tab.page.evaluate(
        """() => {
          const write = JSON.stringify;
          JSON.stringify = (value) => write(value?.approvalId ? { ...value, approvalId: "unknown" } : value);
        }"""
    )
    call(tab).get_by_role("button", name="Approve").click()
    expect(call(tab).get_by_role("alert")).to_have_text("Nothing waits for an answer under these ids.")
    expect(call(tab).get_by_role("button", name="Approve")).to_be_enabled()


def test_thinking_says_how_long_it_took_also_after_a_reload(visitor: BrowserContext) -> None:
    tab = Tab(visitor, thinking=45, pace=30, tokens=60)
    tab.ask()
    tab.wait_until("completed")
    took = re.compile(r"^Thought for [12] seconds?$")
    expect(tab.answer.locator("details summary")).to_have_text(took)
    tab.page.reload()
    expect(tab.answer.locator("details summary")).to_have_text(took)


def test_what_an_answer_was_drawn_from_is_named_below_it(visitor: BrowserContext) -> None:
    tab = Tab(visitor, sources=True, pace=400)
    tab.ask()
    tab.wait_for_more_than(0)
    tab.wait_until("completed")
    sources = tab.answer.locator(".source")
    expect(sources.first).to_be_visible()
    named = sources.all_inner_texts()
    assert len(named) == len(set(named))
    tab.page.reload()
    expect(sources).to_have_text(named)
    assert tab.faults == []
