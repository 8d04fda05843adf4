"""Chats and projects in Chromium: renamed, pinned, filed, archived, deleted, found; the same wherever one looks."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.system.sidebar import asked, choose, choose_of_project, folder, rows, write_project
from tests.system.tab import ENOUGH, Tab

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def looking_on(beside: BrowserContext, tab: Tab) -> Tab:
    """The other view, with the chat of `tab` open."""
    other = Tab(beside, f"/c/{tab.chat_id}", tokens=20, pace=500)
    other.wait_until("completed")
    return other


def ids(page: Page) -> list[str | None]:
    return [row.get_attribute("data-chat-id") for row in rows(page).all()]


# Names and pins


def test_a_chat_is_renamed_in_place_and_shows_it_everywhere(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = asked(visitor)
    other = looking_on(beside, tab)
    choose(tab.page, rows(tab.page), "Rename")
    name = tab.page.get_by_role("textbox", name="Name of the chat")
    name.fill("My own name")
    name.press("Enter")
    for one in (tab, other):
        expect(rows(one.page)).to_have_text(re.compile("My own name"))
        expect(one.page.locator("#title")).to_have_text("My own name")
        one.page.reload()
        expect(rows(one.page)).to_have_text(re.compile("My own name"))
        assert one.faults == []


def test_escape_keeps_the_name_and_stops_no_answer(visitor: BrowserContext) -> None:
    page = asked(visitor).page
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


def test_a_pinned_chat_stays_on_top_until_it_is_let_go(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = asked(visitor, "Alpha question", "Beta question")
    other = looking_on(beside, tab)
    newer, older = ids(tab.page)
    choose(tab.page, rows(tab.page).last, "Pin")
    for one in (tab, other):
        expect(rows(one.page).first).to_have_attribute("data-chat-id", str(older))
        expect(rows(one.page).first.get_by_text("Pinned")).to_be_attached()
        one.page.reload()
        expect(rows(one.page).first).to_have_attribute("data-chat-id", str(older))
    choose(other.page, rows(other.page).first, "Unpin")
    for one in (tab, other):
        expect(rows(one.page).get_by_text("Pinned")).to_have_count(0)
        expect(rows(one.page).first).to_have_attribute("data-chat-id", str(newer))
        assert one.faults == []


# Projects and the archive


def test_a_project_is_made_changed_and_deleted_and_keeps_its_chats(
    visitor: BrowserContext, beside: BrowserContext
) -> None:
    tab = asked(visitor)
    page, other = tab.page, looking_on(beside, tab).page
    page.get_by_role("button", name="New project").click()
    write_project(page, "Travel", "Answer in French.", "Create project")
    choose(page, rows(page), "Move to project…", "Travel")
    for each in (page, other):
        expect(rows(each)).to_have_count(0)
        expect(folder(each, "Travel").get_by_role("link")).to_have_attribute("aria-current", "page")
        expect(each.get_by_test_id("project-chip")).to_contain_text("Answer in French.")
    other.get_by_test_id("project-chip").click()
    write_project(other, "Journeys", "Answer in Latin.", "Save")
    for each in (page, other):
        expect(each.get_by_test_id("project-chip")).to_contain_text("Journeys")
        expect(each.get_by_test_id("project-chip")).to_contain_text("Answer in Latin.")
    choose_of_project(page, "Journeys", "Delete project")
    expect(folder(page, "Journeys")).to_have_count(0)
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Close this note").click()
    for each in (page, other):
        expect(folder(each, "Journeys")).to_have_count(0)
        expect(rows(each)).to_have_count(1)
    assert tab.faults == []


def test_a_chat_is_begun_in_a_project_and_moved_out_of_it(visitor: BrowserContext, beside: BrowserContext) -> None:
    other = Tab(beside).page
    tab = Tab(visitor, tokens=20, pace=500)
    page = tab.page
    page.get_by_role("button", name="New project").click()
    write_project(page, "Travel", "", "Create project")
    other.get_by_role("button", name="Travel").first.click()
    expect(page.get_by_test_id("project-chip")).to_have_text("Travel")
    page.get_by_test_id("new-chat").click()
    expect(page.get_by_test_id("project-chip")).to_be_hidden()
    choose_of_project(page, "Travel", "New chat in it")
    expect(page.get_by_test_id("project-chip")).to_have_text("Travel")
    tab.ask("Where to?")
    tab.wait_until("completed")
    for each in (page, other):
        expect(folder(each, "Travel").locator("li")).to_have_count(1)
        expect(rows(each)).to_have_count(0)
    page.reload()
    expect(folder(page, "Travel").locator("li")).to_have_count(1)
    choose(page, folder(page, "Travel").locator("li"), "Move to project…", "No project")
    for each in (page, other):
        expect(folder(each, "Travel").locator("li")).to_have_count(0)
        expect(rows(each)).to_have_count(1)


def test_a_chat_is_put_into_a_project_that_is_made_for_it(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = asked(visitor)
    other = looking_on(beside, tab)
    choose(tab.page, rows(tab.page), "Move to project…", "New project…")
    write_project(tab.page, "Travel", "", "Create project")
    for one in (tab, other):
        expect(folder(one.page, "Travel").locator("li")).to_have_count(1)
        expect(rows(one.page)).to_have_count(0)


def test_an_archived_chat_is_out_of_the_way_and_comes_back(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = asked(visitor, "Ebbe und Flut")
    page, other = tab.page, looking_on(beside, tab).page
    choose(page, rows(page), "Archive")
    for each in (page, other):
        expect(rows(each)).to_have_count(0)
    page.get_by_test_id("toasts").get_by_role("button", name="Undo").click()
    for each in (page, other):
        expect(rows(each)).to_have_count(1)
    choose(page, rows(page), "Archive")
    expect(rows(other)).to_have_count(0)
    other.get_by_test_id("search").fill("ebbe")
    expect(rows(other)).to_contain_text("Archived")
    other.get_by_test_id("search").press("Escape")
    other.get_by_role("button", name="Archived", exact=True).click()
    choose(other, rows(other), "Unarchive")
    expect(other.get_by_text("Nothing is archived.")).to_be_visible()
    other.get_by_role("button", name="All chats").click()
    for each in (page, other):
        expect(rows(each)).to_have_count(1)


# Deleting


def test_a_deleted_chat_can_be_brought_back_for_a_while(visitor: BrowserContext, beside: BrowserContext) -> None:
    tab = asked(visitor)
    page, other = tab.page, looking_on(beside, tab)
    address = page.url
    choose(page, rows(page), "Delete")
    expect(rows(page)).to_have_count(0)
    expect(page).to_have_url(re.compile("/$"))
    page.get_by_test_id("toasts").get_by_role("button", name="Undo").click()
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(address)
    expect(page.locator("[data-role=assistant]")).to_be_visible()
    expect(page.get_by_test_id("toasts")).to_be_empty()
    tab.ask("Are you back?")
    for one in (tab, other):
        expect(one.page.locator("[data-role=assistant]")).to_have_count(2)
        one.wait_until("completed")
        expect(rows(one.page)).to_have_count(1)


def test_a_deleted_chat_goes_everywhere_once_the_note_is_closed(
    visitor: BrowserContext, beside: BrowserContext
) -> None:
    tab = asked(visitor)
    other = looking_on(beside, tab)
    choose(tab.page, rows(tab.page), "Delete")
    expect(rows(other.page)).to_have_count(1)
    tab.page.get_by_role("button", name="Close this note").click()
    for one in (tab, other):
        expect(rows(one.page)).to_have_count(0)
    expect(other.page.locator("[data-role=assistant]")).to_have_count(0)
    assert tab.faults == other.faults == []


def test_a_deleted_chat_stays_deleted_over_a_reload(visitor: BrowserContext, beside: BrowserContext) -> None:
    page = asked(visitor, "Alpha question", "Beta question").page
    choose(page, rows(page).first, "Delete")
    expect(rows(page)).to_have_count(1)
    page.reload()
    expect(rows(page)).to_have_count(1)
    expect(rows(Tab(beside).page)).to_have_count(1, timeout=ENOUGH)  # elsewhere it goes when it cannot come back


# Finding


def test_a_search_finds_chats_by_what_was_said(visitor: BrowserContext) -> None:
    page = asked(visitor, "Über Ebbe und Flut", "Something else").page
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


def test_what_was_said_elsewhere_is_found_here(visitor: BrowserContext, beside: BrowserContext) -> None:
    other = Tab(beside)
    expect(other.page.get_by_test_id("examples")).to_be_visible()
    tab = asked(visitor, "Über Ebbe und Flut")
    expect(rows(other.page)).to_have_count(1)
    other.page.get_by_test_id("search").fill("uber eb")
    rows(other.page).get_by_role("link").click()
    other.wait_until("completed")
    assert (other.chat_id, other.text()) == (tab.chat_id, tab.text())
