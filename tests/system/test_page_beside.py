"""One chat in two views in Chromium, in a second tab or on another device: what one does the other shows, exactly."""

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.system.tab import ENOUGH, QUESTION, Tab, assert_shows_what_is_stored, stored, text_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def answered(context: BrowserContext, text: str = QUESTION) -> Tab:
    """A tab with a question and its whole answer; the next ones are as short."""
    tab = Tab(context, tokens=30, pace=500)
    tab.ask(text)
    tab.wait_until("completed")
    return tab


def answering(context: BrowserContext, length: int = 20) -> Tab:
    """A tab with an answer that grows until it is stopped, so many characters of it."""
    tab = Tab(context, tokens=4_000, pace=100)
    tab.ask()
    tab.wait_for_more_than(length)
    return tab


def looking_on(beside: BrowserContext, tab: Tab) -> Tab:
    """The other view of the chat in `tab`, as far as it is written; its answers are short."""
    other = Tab(beside, f"/c/{tab.chat_id}", tokens=30, pace=500)
    other.wait_for_more_than(0)
    return other


def assert_show_what_is_stored(*views: Tab, status: str = "completed") -> None:
    """Each view is right by itself; then it is loaded again, and right."""
    for view in views:
        view.wait_until(status)
        assert_shows_what_is_stored(view, status)


def versions(tab: Tab, role: str = "assistant") -> Locator:
    return tab.page.locator(f"[data-role={role}]").last.get_by_test_id("versions")


def press(tab: Tab, name: str) -> None:
    tab.page.get_by_role("button", name=name, exact=True).click()


def questions(tab: Tab) -> list[str]:
    return [text_of(message) for message in stored(tab) if message["role"] == "user"]


# Asking and stopping


def test_a_new_chat_appears_in_the_list(visitor: BrowserContext, beside: BrowserContext) -> None:
    other = Tab(beside)
    expect(other.page.get_by_test_id("examples")).to_be_visible()
    tab = answered(visitor)
    row = other.page.locator(f"[data-chat-id='{tab.chat_id}']")
    expect(row.locator(".name")).to_have_text(tab.page.get_by_role("heading", level=1).inner_text())
    row.get_by_role("link").click()
    assert_show_what_is_stored(tab, other)


def test_each_asks_and_both_show_the_answers(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = answered(visitor)
    other = looking_on(beside, tab)
    for answers, (one, text) in enumerate(((other, "Where are my chats kept?"), (tab, "And for how long?")), start=2):
        one.options = {"tokens": 80, "pace": 200}
        one.ask(text)
        for view in (tab, other):
            expect(view.page.locator("[data-role=user]").last).to_contain_text(text)
            expect(view.page.locator("[data-role=assistant]")).to_have_count(answers)
            view.wait_for_more_than(0)
        for view in (tab, other):
            view.wait_until("completed")
        assert tab.text() == other.text()
    assert_show_what_is_stored(tab, other)


def test_an_answer_is_stopped_from_the_other(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = answering(visitor)
    other = looking_on(beside, tab)
    shown = other.text()
    other.page.get_by_test_id("stop").click()
    for one in (tab, other):
        one.wait_until("stopped")
        expect(one.answer.get_by_test_id("status")).to_have_text("Stopped")
        assert one.text().startswith(shown)
    assert_show_what_is_stored(tab, other, status="stopped")


def test_a_stopped_answer_goes_on_from_the_other(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = answering(visitor)
    other = looking_on(beside, tab)
    tab.page.get_by_test_id("stop").click()
    other.wait_until("stopped")
    press(other, "Continue")
    for one in (tab, other):
        expect(one.page.locator("[data-role=assistant]")).to_have_count(2)
    assert_show_what_is_stored(tab, other)


def test_each_is_refreshed_while_the_other_looks_on(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = answering(visitor)
    other = looking_on(beside, tab)
    for one in (tab, other):
        shown = one.text()
        one.page.reload()
        for view in (tab, other):
            view.wait_for_more_than(len(shown))
            assert view.text().startswith(shown)
    tab.page.get_by_test_id("stop").click()
    assert_show_what_is_stored(tab, other, status="stopped")


# Versions


def test_an_answer_is_written_again_and_its_versions_chosen(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = answered(visitor)
    first = tab.text()
    other = looking_on(beside, tab)
    other.options = {"tokens": 60, "pace": 500}
    press(other, "Regenerate")
    for one in (tab, other):
        expect(versions(one)).to_contain_text("2 / 2")
        one.wait_until("completed")
        expect(one.page.locator("article")).to_have_count(2)
    second = tab.text()
    assert second == other.text() != first
    press(tab, "Previous version")
    for one in (tab, other):
        expect(versions(one)).to_contain_text("1 / 2")
        assert one.text() == first
    assert_show_what_is_stored(tab, other)
    expect(versions(other)).to_contain_text("1 / 2")
    press(other, "Next version")
    for one in (tab, other):
        expect(versions(one)).to_contain_text("2 / 2")
        assert one.text() == second


def test_a_broken_answer_is_tried_again(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = Tab(visitor, tokens=30, pace=500, fault="midway")
    tab.ask()
    tab.wait_until("failed")
    other = looking_on(beside, tab)
    for one in (tab, other):
        expect(one.answer.get_by_test_id("status")).to_contain_text("Couldn’t finish")
    half = tab.text()
    assert half == other.text() != ""
    press(other, "Retry")
    for one in (tab, other):
        expect(versions(one)).to_contain_text("2 / 2")
        one.wait_until("completed")
        expect(one.page.locator("article")).to_have_count(2)
        assert one.text() == tab.text() != half
    assert_show_what_is_stored(tab, other)
    press(tab, "Previous version")
    for one in (tab, other):
        expect(versions(one)).to_contain_text("1 / 2")
        assert one.text() == half
    assert_show_what_is_stored(tab, other, status="failed")


def test_an_edited_question_keeps_the_old_one_beside_it(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = answered(visitor, "Where?")
    other = looking_on(beside, tab)
    for given_up in ("Escape", "Cancel"):
        press(tab, "Edit")
        editing = tab.page.get_by_role("textbox", name="Your question")
        expect(editing).to_be_focused()
        editing.fill("Never asked")
        if given_up == "Escape":
            tab.page.keyboard.press("Escape")
        else:
            press(tab, "Cancel")
        expect(editing).to_have_count(0)
    press(tab, "Edit")
    tab.page.get_by_role("textbox", name="Your question").fill("When?")
    tab.page.keyboard.press("Enter")
    for one in (tab, other):
        expect(one.page.locator("[data-role=user] .body")).to_have_text("When?")
        expect(versions(one, "user")).to_contain_text("2 / 2")
        one.wait_until("completed")
    press(other, "Previous version")
    for one in (tab, other):
        expect(one.page.locator("[data-role=user] .body")).to_have_text("Where?")
        expect(one.page.locator("article")).to_have_count(2)
    assert_show_what_is_stored(tab, other)


# What waits


def test_a_question_while_an_answer_grows_waits_for_its_turn(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = answering(visitor)
    other = looking_on(beside, tab)
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
    press(tab, "Continue")
    for one in (tab, other):
        expect(one.page.locator("[data-role=assistant]")).to_have_count(2, timeout=ENOUGH)
        one.wait_until("completed")
        expect(one.page.get_by_test_id("queue")).to_be_hidden()
    assert questions(tab) == [QUESTION, "And this"]
    assert_show_what_is_stored(tab, other)


def test_what_waits_is_asked_now_by_the_other(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = answering(visitor)
    tab.options = {"tokens": 20, "pace": 500}
    for text in ("One", "Two"):
        tab.ask(text)
        expect(tab.page.get_by_test_id("queue")).to_contain_text(text)
    other = looking_on(beside, tab)
    other.page.get_by_test_id("queue").locator("li", has_text="Two").get_by_role("button", name="Send now").click()
    for one in (tab, other):
        expect(one.page.locator("[data-role=assistant]")).to_have_count(3, timeout=ENOUGH)
        one.wait_until("completed")
    assert questions(tab) == [QUESTION, "Two", "One"]
    assert_show_what_is_stored(tab, other)


def test_what_waits_is_held_by_a_stop_until_the_other_goes_on(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = answering(visitor)
    tab.options = {"tokens": 20, "pace": 500}
    tab.ask("Two")
    other = looking_on(beside, tab)
    expect(other.page.get_by_test_id("queue")).to_contain_text("Two")
    tab.page.get_by_test_id("stop").click()
    for one in (tab, other):
        one.wait_until("stopped")
        expect(one.page.get_by_test_id("queue")).to_contain_text("What waits is paused")
    press(other, "Continue")
    for one in (tab, other):
        expect(one.page.locator("[data-role=assistant]")).to_have_count(2)
        one.wait_until("completed")
        expect(one.page.get_by_test_id("queue")).to_be_hidden()
    assert questions(other) == [QUESTION, "Two"]
    assert_show_what_is_stored(tab, other)
