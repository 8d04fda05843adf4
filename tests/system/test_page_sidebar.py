"""The sidebar in Chromium: folders, titles, keys, the theme, the drawer of a phone, and ten thousand chats."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.system.browser import ORIGIN, ScriptedServer, dashboard_chat, snapshot, window
from tests.system.crowd import CrowdedServer
from tests.system.sidebar import asked, folder, rows

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DARK = "rgb(19, 22, 23)"
LIGHT = "rgb(253, 253, 252)"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page for servers that a test writes itself."""
    context = chromium.new_context(base_url=ORIGIN, viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


# Projects


def test_a_folder_that_is_shut_tells_what_goes_on_in_it(page: Page) -> None:
    server = ScriptedServer(page)
    page.goto("/")
    chats = (
        dashboard_chat("new", projectId="p", unseen=True),
        dashboard_chat("running", projectId="p", activeStreamId="str_1"),
    )
    project = {"projectId": "p", "title": "Travel", "version": 1}
    server.welcome(snapshot={**snapshot(0, *chats), "projects": [project]})
    name = page.get_by_role("button", name="Travel").first
    expect(name).to_have_accessible_name("Travel Answering New answer")
    name.click()
    expect(name).to_have_accessible_name("Travel")
    expect(folder(page, "Travel").locator("li")).to_have_count(2)
    assert server.faults == []


def test_a_project_made_without_a_line_is_made_once_there_is_one(scripted: ScriptedServer) -> None:
    page = scripted.page
    page.goto("/")
    scripted.welcome()
    page.get_by_role("button", name="New project").click()
    dialog = page.get_by_test_id("project")
    dialog.get_by_label("Name").fill("Travel")
    scripted.sockets[-1].close(code=1011)
    dialog.get_by_role("button", name="Create project").click()
    expect(dialog.get_by_role("status")).to_have_text("It will be made when the connection is back.")
    page.evaluate("dispatchEvent(new Event('online'))")
    scripted.welcome(offset=None)
    made = scripted.receive("project.create")
    assert made["title"] == "Travel"
    expect(dialog.get_by_role("status")).to_be_hidden()
    scripted.ack(made, projectId="p", version=1)
    expect(dialog).to_be_hidden()


# Titles


def test_a_title_that_comes_writes_itself(page: Page) -> None:
    server = ScriptedServer(page)
    page.goto("/")
    server.welcome(snapshot=snapshot(0, dashboard_chat("c1", title="Old")))
    expect(rows(page).locator(".name")).to_have_text("Old")
    page.evaluate("""() => {
      window.titles = [];
      const name = document.querySelector("[data-chat-id=c1] .name");
      new MutationObserver(() => window.titles.push(name.textContent))
        .observe(name, { subtree: true, characterData: true, childList: true });
    }""")
    chat = dashboard_chat("c1", 2, title="Tides and moons")
    server.send("event", offset=1, name="chat.updated", time=1, data={"chatId": "c1", "chat": chat})
    expect(rows(page).locator(".name")).to_have_text("Tides and moons")
    titles = page.evaluate("window.titles")
    assert len(titles) > 5
    assert titles[-1] == "Tides and moons"
    assert all(len(one) <= len(next_one) for one, next_one in pairwise(titles))


# Keys


def test_chats_are_found_opened_and_deleted_without_a_pointer(visitor: BrowserContext) -> None:
    page, press = asked(visitor, "Ebbe und Flut").page, visitor.pages[0].keyboard.press
    url = page.url
    page.goto("/")
    expect(rows(page)).to_have_count(1)
    press("Control+k")
    page.keyboard.type("ebbe")
    press("Enter")
    expect(page).to_have_url(url)
    expect(page.locator("[data-role=assistant]")).to_be_visible()
    press("Control+k")
    press("Escape")
    expect(page.get_by_test_id("projects")).to_be_visible()
    press("ArrowDown")
    expect(rows(page).get_by_role("link")).to_be_focused()
    press("ArrowUp")
    expect(page.get_by_test_id("search")).to_be_focused()
    press("ArrowDown")
    press("Tab")
    press("Enter")
    press("ArrowUp")
    expect(page.get_by_role("button", name="Delete", exact=True)).to_be_focused()
    press("Enter")
    expect(rows(page)).to_have_count(0)
    page.wait_for_function("document.activeElement !== document.body")  # whoever has no pointer stays somewhere
    press("Control+z")
    expect(rows(page)).to_have_count(1)


def test_the_keys_do_what_the_help_says(visitor: BrowserContext) -> None:
    visitor.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = asked(visitor)
    page, press = tab.page, tab.page.keyboard.press
    press("Control+/")
    expect(page.get_by_test_id("help")).to_contain_text("Copy the last answer")
    press("Escape")
    expect(page.get_by_test_id("help")).to_be_hidden()
    press("Control+Shift+C")
    expect(page.get_by_test_id("toasts")).to_contain_text("copied")
    assert page.evaluate("navigator.clipboard.readText()") == tab.text()
    press("Control+s")
    expect(page.get_by_test_id("sidebar")).to_be_hidden()
    press("Control+k")
    expect(page.get_by_test_id("search")).to_be_focused()
    press("Shift+Escape")
    expect(page.get_by_test_id("composer")).to_be_focused()
    press("Control+Shift+O")
    expect(page).to_have_url(re.compile("/$"))
    expect(page.get_by_test_id("examples")).to_be_visible()


def test_the_menu_of_a_chat_goes_by_keys(visitor: BrowserContext) -> None:
    page = asked(visitor).page
    more = rows(page).get_by_role("button")
    more.focus()
    page.keyboard.press("Enter")
    menu = page.get_by_test_id("chat-menu")
    expect(menu.get_by_role("button", name="Rename")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(menu.get_by_role("button", name="Delete")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(more).to_be_focused()


# Theme and phone


def test_the_theme_is_the_systems_until_one_is_chosen(visitor: BrowserContext) -> None:
    page = visitor.new_page()
    page.emulate_media(color_scheme="dark")
    page.goto("/")
    root, button = page.locator("html"), page.get_by_test_id("theme")
    expect(root).to_have_css("background-color", DARK)
    button.click()
    expect(button).to_have_accessible_name("Theme: light")
    expect(root).to_have_css("background-color", LIGHT)
    page.reload()
    expect(root).to_have_css("background-color", LIGHT)
    other = window(visitor)
    other.goto("/")
    button.click()
    for each in (page, other):
        expect(each.locator("html")).to_have_css("background-color", DARK)
    button.click()
    page.emulate_media(color_scheme="light")
    expect(root).to_have_css("background-color", LIGHT)


def test_on_a_phone_the_chats_are_a_drawer(chromium: Browser, visitor: BrowserContext) -> None:
    address = asked(visitor).page.url
    phone = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, storage_state=visitor.storage_state()
    )
    page = phone.new_page()
    page.goto(address)
    sidebar, opener = page.get_by_test_id("sidebar"), page.get_by_role("button", name="Chats", exact=True)
    expect(sidebar).to_be_hidden()
    opener.tap()
    expect(page.get_by_test_id("new-chat")).to_be_focused()
    page.keyboard.press("Escape")
    expect(sidebar).to_be_hidden()
    expect(opener).to_be_focused()
    opener.tap()
    more = rows(page).get_by_role("button")
    expect(more).to_have_css("opacity", "1")
    for target in (more, page.get_by_test_id("theme"), page.get_by_role("button", name="New project")):
        box = target.bounding_box()
        assert box is not None
        assert round(min(box["width"], box["height"]), 1) >= 44  # the drawer moves by fractions of a pixel
    more.tap()
    page.get_by_test_id("chat-menu").get_by_role("button", name="Pin").tap()
    expect(rows(page).get_by_text("Pinned")).to_be_attached()
    page.get_by_test_id("new-chat").tap()
    expect(sidebar).to_be_hidden()
    expect(page.get_by_test_id("examples")).to_be_visible()
    phone.close()


# Ten thousand


def test_ten_thousand_chats_are_all_there_and_few_of_them_are_drawn(page: Page) -> None:
    server = CrowdedServer(page, 10_000)
    server.start()
    expect(rows(page).first).to_be_visible()
    found = server.scrolled(step=700)
    assert found["seen"] == 10_000
    assert found["most"] <= 300
    expect(page.get_by_test_id("sidebar").locator(".end")).to_have_count(0)
    assert server.faults == []
