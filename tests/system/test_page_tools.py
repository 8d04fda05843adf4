"""Tools and thinking in Chromium: folded, with what they did; and people who decide, here or there, now or later."""

import re

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.system.tab import Tab, assert_shows_what_is_stored

pytestmark = [pytest.mark.browser, pytest.mark.slow]


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


def test_an_approval_after_a_reload_and_from_elsewhere(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = Tab(visitor, tool="search_chats", pace=0)
    tab.ask("Where was the tide?")
    expect(call(tab).locator("summary")).to_contain_text("waits for you")
    expect(tab.answer.get_by_test_id("status")).to_have_text("Waiting for you…")
    expect(mark(tab)).to_have_count(1)
    tab.page.reload()
    expect(call(tab).get_by_role("button", name="Approve")).to_be_visible()
    other = Tab(beside, f"/c/{tab.chat_id}")
    expect(mark(other)).to_have_count(1)
    call(other).get_by_role("button", name="Approve").click()
    for each in (tab, other):
        each.wait_until("completed")
        expect(call(each).locator("summary")).to_have_text("Search in your other chats“Where was the tide”")
        expect(call(each).get_by_role("button", name="Approve")).to_have_count(0)
        expect(mark(each)).to_have_count(0)
    for each in (tab, other):
        assert_shows_what_is_stored(each)


def asked(visitor: BrowserContext, beside: BrowserContext, tool: str) -> tuple[Tab, Tab]:
    """Two views of a call that waits for its person."""
    tab = Tab(visitor, tool=tool, pace=0)
    tab.ask()
    expect(call(tab).get_by_role("button").first).to_be_visible()
    other = Tab(beside, f"/c/{tab.chat_id}")
    expect(call(other).get_by_role("button").first).to_be_visible()
    return tab, other


def test_a_denial(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab, other = asked(visitor, beside, "search_chats")
    call(tab).get_by_role("button", name="Deny").click()
    for each in (tab, other):
        each.wait_until("completed")
        expect(call(each).locator("summary")).to_contain_text("not allowed")
        expect(call(each).get_by_role("button")).to_have_count(0)
        assert "You did not allow me" in each.text()
        assert_shows_what_is_stored(each)


def test_a_question_of_the_model_is_answered_by_a_button(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab, other = asked(visitor, beside, "ask_person")
    expect(call(tab)).to_contain_text("Which of these shall I look up as well?")
    call(other).get_by_role("button").nth(1).click()
    for each in (tab, other):
        each.wait_until("completed")
        expect(call(each).locator("summary")).to_contain_text("What happens when I refresh the page?")
        assert "You chose “What happens when I refresh the page?”." in each.text()
        assert_shows_what_is_stored(each)


def test_a_stop_takes_the_buttons_away(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab, other = asked(visitor, beside, "search_chats")
    tab.page.get_by_test_id("stop").click()
    for each in (tab, other):
        each.wait_until("stopped")
        expect(call(each).get_by_role("button")).to_have_count(0)
        expect(call(each).locator("summary")).to_contain_text("not allowed")
        expect(mark(each)).to_have_count(0)
        assert_shows_what_is_stored(each, "stopped")


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
    tab = Tab(visitor, thinking=45, pace=30, tokens=10)
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
