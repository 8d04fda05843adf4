"""The account dialog in Chromium: a guest who registers keeps the chats, and every tab knows who is signed in."""

import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.system.server import ServerProcess
from tests.system.tab import Tab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "correct horse"
_numbers = count(1)


@pytest.fixture
def new_browser(chromium: Browser, shared_server: ServerProcess) -> Iterator[Callable[[], BrowserContext]]:
    """Makes browsers, each with cookies of its own."""
    contexts: list[BrowserContext] = []

    def make() -> BrowserContext:
        contexts.append(chromium.new_context(base_url=shared_server.url))
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


def opened(context: BrowserContext, path: str = "/") -> Page:
    page = Tab(context, path, tokens=20, pace=500).page
    expect(page.get_by_test_id("banner")).to_be_hidden()
    return page


def asked(page: Page, question: str) -> None:
    page.get_by_test_id("composer").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator("[data-role=assistant][data-status=completed]")).to_be_visible(timeout=20_000)


def dialog(page: Page) -> Locator:
    if not page.get_by_test_id("account").is_visible():
        page.get_by_test_id("account-button").click()
    return page.get_by_test_id("account")


def enter(page: Page, words: str, email: str, password: str = PASSWORD) -> Locator:
    """Fill in the form with this button and press it."""
    box = dialog(page)
    box.get_by_label("Email").fill(email)
    box.get_by_label("Password").first.fill(password)
    box.get_by_role("button", name=words, exact=True).click()
    return box


def registered(page: Page) -> str:
    """Make an account; return its email."""
    email = f"ada{next(_numbers)}@example.org"
    dialog(page).get_by_role("button", name="Create an account").click()
    enter(page, "Create account", email)
    expect(page.get_by_test_id("account")).to_be_hidden()
    expect(page.get_by_test_id("account-button")).to_have_text(email)
    return email


def section(page: Page, title: str) -> Locator:
    box = dialog(page)
    box.locator("summary", has_text=title).click()
    return box.locator("details", has=page.locator("summary", has_text=title))


def rows(page: Page) -> Locator:
    return page.get_by_test_id("chats").locator("li")


def test_a_first_visit_is_no_error_in_the_console(new_browser: Callable[[], BrowserContext]) -> None:
    page, faults = new_browser().new_page(), list[str]()
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    with page.expect_response(re.compile("/v1/auth/session$")):  # asked once there is somebody: the visitor is a guest
        page.goto("/")
    expect(page.get_by_test_id("examples")).to_be_visible()
    assert faults == []


def test_a_guest_who_registers_keeps_the_chats_on_every_device(new_browser: Callable[[], BrowserContext]) -> None:
    here = new_browser()
    page = opened(here)
    asked(page, "Alpha question")
    other = opened(here, page.url)
    expect(other.locator("[data-role=user]")).to_have_text(re.compile("Alpha question"))
    email = registered(page)
    expect(rows(page)).to_have_count(1)
    # Its session is another one now; both tabs come back by themselves, and go on.
    for answers, (tab, question) in enumerate(((page, "From here"), (other, "From there")), start=2):
        tab.get_by_test_id("composer").fill(question)
        tab.keyboard.press("Enter")
        expect(tab.locator("[data-role=user]").last).to_have_text(re.compile(question))
        for each in (page, other):
            answered = each.locator("[data-role=assistant][data-status=completed]")
            expect(answered).to_have_count(answers, timeout=20_000)
        expect(tab.get_by_test_id("banner")).to_be_hidden()
    there = opened(new_browser())
    expect(rows(there)).to_have_count(0)
    enter(there, "Sign in", email)
    expect(rows(there)).to_have_count(1)
    expect(there.get_by_test_id("account-button")).to_have_text(email)


def test_errors_stand_beside_their_field(new_browser: Callable[[], BrowserContext]) -> None:
    page = opened(new_browser())
    dialog(page).get_by_role("button", name="Create an account").click()
    box = dialog(page)
    box.get_by_role("button", name="Create account", exact=True).click()
    expect(box.get_by_label("Email")).to_have_attribute("aria-invalid", "true")
    expect(box.get_by_label("Email")).to_be_focused()
    enter(page, "Create account", "nobody")
    expect(box.locator("label", has_text="Email")).to_contain_text("no email address")
    enter(page, "Create account", "ada@example.org", "short")
    expect(box.locator("label", has_text="Password")).to_contain_text("at least 8 characters")
    expect(box.locator("label", has_text="Email").locator(".bad")).to_have_text("")
    box.get_by_role("button", name="I have an account").click()
    enter(page, "Sign in", "nobody@example.org")
    expect(box.locator(".form > .bad")).to_have_text("The email or the password is wrong.")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()


def test_signing_out_ends_every_tab_of_this_browser_and_of_no_other(new_browser: Callable[[], BrowserContext]) -> None:
    here = new_browser()
    page = opened(here)
    email = registered(page)
    asked(page, "Alpha question")
    other = opened(here)
    there = opened(new_browser())
    enter(there, "Sign in", email)
    expect(rows(there)).to_have_count(1)
    page.get_by_test_id("composer").fill("A draft of hers")
    dialog(page).get_by_role("button", name="Sign out", exact=True).click()
    for tab in (page, other):
        expect(tab.get_by_test_id("account-button")).to_have_text("Sign in", timeout=10_000)
        expect(rows(tab)).to_have_count(0)
        expect(tab.get_by_test_id("composer")).to_have_value("")
    expect(rows(there)).to_have_count(1)
    expect(there.get_by_test_id("account-button")).to_have_text(email)


def test_chats_are_downloaded(new_browser: Callable[[], BrowserContext]) -> None:
    page = opened(new_browser())
    expect(dialog(page).get_by_text("Download my chats")).to_have_count(0)
    page.keyboard.press("Escape")
    asked(page, "Alpha question")
    choice = section(page, "Download my chats")
    for link, suffix in (("To be read (Markdown)", "md"), ("For programs (JSON)", "json")):
        with page.expect_download() as download:
            choice.get_by_role("link", name=link).click()
        assert re.fullmatch(rf"tidewire-\d{{4}}-\d\d-\d\d\.{suffix}", download.value.suggested_filename)
        assert "Alpha question" in download.value.path().read_text()


def test_devices_tokens_password_and_the_end(new_browser: Callable[[], BrowserContext]) -> None:
    page, there = opened(new_browser()), opened(new_browser())
    email = registered(page)
    asked(page, "Alpha question")
    enter(there, "Sign in", email)
    expect(rows(there)).to_have_count(1)

    listed = section(page, "Devices").locator("li")
    expect(listed).to_have_count(2)
    expect(listed.filter(has_text="this one")).to_have_count(1)
    page.get_by_test_id("account").get_by_role("button", name="Sign out everywhere else").click()
    expect(listed).to_have_count(1)
    expect(there.get_by_test_id("banner")).to_contain_text("signed out", timeout=10_000)

    made = section(page, "API tokens")
    made.get_by_label("What is it for?").fill("A script")
    made.get_by_role("button", name="Create token").click()
    expect(page.get_by_test_id("token").locator("code")).to_have_text(re.compile("^twk_"))
    expect(made.locator("li")).to_have_text(re.compile("A script, used never"))
    made.get_by_role("button", name="Delete").click()
    expect(made.locator("li")).to_contain_text("There is none yet")

    changed = section(page, "Password")
    changed.get_by_label("Password until now").fill("wrong horse")
    changed.get_by_label("New password").fill("another horse")
    changed.get_by_role("button", name="Change password").click()
    expect(changed.locator("label").first).to_contain_text("not your password")
    changed.get_by_label("Password until now").fill(PASSWORD)
    changed.get_by_role("button", name="Change password").click()
    expect(changed.get_by_role("status")).to_contain_text("Changed")

    gone = section(page, "Delete account")
    gone.get_by_label("Password").fill("another horse")
    gone.get_by_role("button", name="Delete account for good").click()
    expect(page.get_by_test_id("account-button")).to_have_text("Sign in", timeout=10_000)
    expect(rows(page)).to_have_count(0)
    box = enter(page, "Sign in", email, "another horse")
    expect(box.locator(".form > .bad")).to_have_text("The email or the password is wrong.")


def test_where_guests_are_not_taken_one_is_asked_to_sign_in(chromium: Browser, tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", GUESTS="off", REGISTRATION="invite") as server:
        page = chromium.new_page(base_url=server.url)
        page.goto("/")
        box = page.get_by_test_id("account")
        expect(box).to_be_visible()
        expect(page.get_by_test_id("banner")).to_contain_text("takes no guests")
        box.get_by_role("button", name="Create an account").click()
        expect(box.get_by_label("Invitation code")).to_be_hidden()
        enter(page, "Create account", "ada@example.org")
        expect(box.get_by_label("Invitation code")).to_be_focused()
        expect(box.locator("label", has_text="Invitation code")).to_contain_text("need an invitation")
        page.keyboard.press("Escape")
        page.get_by_test_id("banner").get_by_role("button", name="Sign in").click()
        expect(box).to_be_visible()
        page.close()
