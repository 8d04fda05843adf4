"""The page for everybody: no serious finding of axe-core in either theme or size, and everything by keyboard alone."""

from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.system.axe import findings
from tests.system.server import ServerProcess
from tests.system.tab import Tab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
RICH = "How do I talk to a real model?"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_serious(
    chromium: Browser, shared_server: ServerProcess, theme: Literal["light", "dark"], size: str
) -> None:
    width, height = SIZES[size]
    context = chromium.new_context(
        base_url=shared_server.url, color_scheme=theme, viewport={"width": width, "height": height},
        reduced_motion="reduce",
    )  # fmt: skip
    tab = Tab(context, thinking=20, tokens=200, pace=2_000)
    expect(tab.page.get_by_test_id("examples")).to_be_visible()
    assert findings(tab.page) == []
    tab.ask(RICH)
    tab.wait_until("completed")
    assert findings(tab.page) == []
    if size == "phone":
        tab.page.get_by_role("button", name="Chats").click()
    tab.page.get_by_test_id("account-button").click()
    expect(tab.page.get_by_test_id("account")).to_be_visible()
    assert findings(tab.page) == []
    tab.page.keyboard.press("Escape")
    for opener, opened in (("More for", "chat-menu"), ("New project", "project")):
        tab.page.get_by_role("button", name=opener).first.click()
        expect(tab.page.get_by_test_id(opened)).to_be_visible()
        assert findings(tab.page) == []
        tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("Control+/")
    expect(tab.page.get_by_test_id("help")).to_be_visible()
    assert findings(tab.page) == []
    context.close()


def test_everything_that_matters_goes_by_keyboard(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tokens=4_000, pace=100)
    page, press = tab.page, tab.page.keyboard.press
    composer = page.get_by_test_id("composer")
    expect(composer).to_be_focused()
    page.keyboard.type("Only keys")
    press("Enter")
    tab.wait_for_more_than(20)
    expect(composer).to_be_focused()
    press("Escape")
    tab.wait_until("stopped")
    tab.options = {"tokens": 30, "pace": 500}
    again = tab.answer.get_by_role("button", name="Regenerate")
    reached(page, again.evaluate_handle("button => button"))
    press("Enter")
    tab.wait_until("completed")
    previous = tab.answer.get_by_role("button", name="Previous version")
    reached(page, previous.evaluate_handle("button => button"))
    press("Space")
    tab.wait_until("stopped")
    press("Control+Shift+O")
    expect(composer).to_be_focused()
    expect(page.get_by_test_id("examples")).to_be_visible()
    press("Control+K")
    expect(page.get_by_test_id("search")).to_be_focused()


def reached(page: Page, element: Any) -> None:
    """Go backwards with Shift+Tab from the composer until an element has the focus."""
    page.get_by_test_id("composer").focus()
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("element => element === document.activeElement", element):
            return
    raise AssertionError("Shift+Tab does not lead there.")
