"""Takes the pictures of the page that the README shows.

    python -m tests.bench.pictures

A guest with a few chats and a project, one answer growing while another chat is read; in both themes, on a desktop and
on a phone. The files are written into app/docs.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from tests.system.browser import launched_chromium
from tests.system.server import ServerProcess
from tests.system.tab import Tab

DOCS = Path(__file__).parents[2] / "app" / "docs"
ASKED = (
    "Where are my chats kept?",
    "Who can read what I write?",
    "What is 12*7?",
    "How do I deploy to several machines?",
)
SHOWN = "How do I talk to a real model?"


def filled(browser: Browser, url: str) -> BrowserContext:
    """A guest with chats, one of them in a project."""
    context = browser.new_context(base_url=url)
    tab = Tab(context, tokens=60, pace=2_000)
    for number, question in enumerate(ASKED, start=1):
        tab.page.get_by_test_id("new-chat").click()
        tab.ask(question)
        tab.page.get_by_test_id("chats").locator("[data-chat-id]").nth(number - 1).wait_for()
        tab.wait_until("completed")
    tab.page.close()
    return context


def growing(context: BrowserContext) -> str:
    """Ask in one more chat; its path, while the answer grows."""
    tab = Tab(context, pace=15)
    tab.ask("What happens to an answer when I close the laptop?")
    tab.wait_for_more_than(20)
    busy = Tab(context, pace=25)
    busy.ask(SHOWN)
    busy.wait_for_more_than(420)
    return str(busy.page.evaluate("location.pathname"))


def take(page: Page, path: str, name: str) -> None:
    """One picture, once everything stands."""
    page.goto(path)
    page.locator("[data-role=assistant] .body > .prose p").first.wait_for()
    page.wait_for_timeout(600)
    page.screenshot(path=DOCS / f"{name}.png")


def main() -> None:
    """Fill an account, then look at it in four ways."""
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder)) as server, launched_chromium() as browser:
        context = filled(browser, server.url)
        path, cookies = growing(context), context.storage_state()
        for name, theme, width, height in (("page", "light", 1280, 800), ("page-dark", "dark", 1280, 800)):
            look = browser.new_context(
                base_url=server.url, storage_state=cookies, color_scheme="dark" if theme == "dark" else "light",
                viewport={"width": width, "height": height},
            )  # fmt: skip
            take(look.new_page(), path, name)
            look.close()
        phones = browser.new_context(
            base_url=server.url, storage_state=cookies, viewport={"width": 390, "height": 844}, device_scale_factor=2,
        )  # fmt: skip
        take(phones.new_page(), path, "page-phone")
        phones.close()


if __name__ == "__main__":
    main()
