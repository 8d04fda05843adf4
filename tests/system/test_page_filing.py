"""The list of chats in Chromium: renamed, pinned, deleted and searched, in every tab of a person."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.system.browser import launched_chromium
from tests.system.server import ServerProcess

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


def asked(visitor: BrowserContext, *questions: str) -> Page:
    """A page on which these questions were asked and answered, each in a chat of its own."""
    page = visitor.new_page()
    for question in questions:
        page.goto("/")
        page.get_by_test_id("composer").fill(question)
        page.keyboard.press("Enter")
        expect(page.locator("[data-role=assistant][data-status=completed]")).to_be_visible(timeout=20_000)
    return page


def rows(page: Page) -> Locator:
    return page.get_by_test_id("chats").locator("li")


def choose(page: Page, row: Locator, action: str) -> None:
    """Open the menu of a chat and press a button in it."""
    row.hover()
    row.get_by_role("button").click()
    page.get_by_test_id("chat-menu").get_by_role("button", name=action, exact=True).click()


def test_a_chat_is_renamed_in_place_and_every_tab_shows_it(visitor: BrowserContext) -> None:
    page = asked(visitor, "Alpha question")
    other = visitor.new_page()
    other.goto("/")
    expect(rows(other)).to_have_count(1)
    choose(page, rows(page), "Rename")
    name = page.get_by_role("textbox", name="Name of the chat")
    name.fill("My own name")
    name.press("Enter")
    for tab in (page, other):
        expect(rows(tab)).to_have_text(re.compile("My own name"))
    expect(page.locator("#title")).to_have_text("My own name")
    page.reload()
    expect(rows(page)).to_have_text(re.compile("My own name"))


def test_escape_keeps_the_name_and_stops_no_answer(visitor: BrowserContext) -> None:
    page = asked(visitor, "Alpha question")
    before = page.locator("#chats .name").inner_text()
    rows(page).hover()
    rows(page).get_by_role("button").click()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("chat-menu")).to_be_hidden()
    choose(page, rows(page), "Rename")
    page.get_by_role("textbox", name="Name of the chat").fill("Never mind")
    page.keyboard.press("Escape")
    expect(page.get_by_role("textbox", name="Name of the chat")).to_have_count(0)
    expect(page.locator("#chats .name")).to_have_text(before)


def test_a_pinned_chat_stays_on_top(visitor: BrowserContext) -> None:
    page = asked(visitor, "Alpha question", "Beta question")
    first = rows(page).last.get_attribute("data-chat-id")
    choose(page, rows(page).last, "Pin")
    expect(rows(page).first).to_have_attribute("data-chat-id", str(first))
    expect(rows(page).first.get_by_text("Pinned")).to_be_attached()
    page.reload()
    expect(rows(page).first).to_have_attribute("data-chat-id", str(first))


def test_a_deleted_chat_can_be_brought_back_for_a_while(visitor: BrowserContext) -> None:
    page = asked(visitor, "Alpha question")
    address = page.url
    choose(page, rows(page), "Delete")
    expect(rows(page)).to_have_count(0)
    expect(page).to_have_url(re.compile("/$"))
    page.get_by_test_id("toasts").get_by_role("button", name="Undo").click()
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(address)
    expect(page.locator("[data-role=assistant]")).to_be_visible()
    expect(page.get_by_test_id("toasts")).to_be_empty()


def test_a_deleted_chat_goes_from_every_tab_once_the_note_is_closed(visitor: BrowserContext) -> None:
    page = asked(visitor, "Alpha question")
    other = visitor.new_page()
    other.goto(page.url)
    expect(other.locator("[data-role=assistant]")).to_be_visible()
    choose(page, rows(page), "Delete")
    expect(rows(other)).to_have_count(1)
    page.get_by_role("button", name="Close this note").click()
    for tab in (page, other):
        expect(rows(tab)).to_have_count(0)
    expect(other.locator("[data-role=assistant]")).to_have_count(0)


def test_a_deleted_chat_stays_deleted_over_a_reload(visitor: BrowserContext) -> None:
    page = asked(visitor, "Alpha question", "Beta question")
    choose(page, rows(page).first, "Delete")
    expect(rows(page)).to_have_count(1)
    page.reload()
    expect(rows(page)).to_have_count(1)
    other = visitor.new_page()
    other.goto("/")
    expect(rows(other)).to_have_count(1)


def test_a_search_finds_chats_by_what_was_said(visitor: BrowserContext) -> None:
    page = asked(visitor, "Über Ebbe und Flut", "Something else")
    search = page.get_by_test_id("search")
    search.fill("uber eb")
    expect(rows(page)).to_have_count(1)
    rows(page).get_by_role("link").click()
    expect(page.locator("[data-role=user]")).to_have_text(re.compile("Ebbe"))
    search.fill("xyzzy")
    expect(page.get_by_text("No chat has these words.")).to_be_visible()
    search.press("Escape")
    expect(rows(page)).to_have_count(2)
    page.get_by_test_id("composer").focus()
    page.keyboard.press("Control+k")
    expect(search).to_be_focused()
