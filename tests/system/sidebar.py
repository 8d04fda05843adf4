"""What people do in the sidebar: the menus of chats and projects, and what stands where."""

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.system.tab import Tab


def asked(context: BrowserContext, *questions: str) -> Tab:
    """A tab in which these questions were asked and answered, each in a chat of its own; the last is shown."""
    tab = Tab(context, tokens=20, pace=500)
    for question in questions or ("Alpha question",):
        tab.page.get_by_test_id("new-chat").click()
        tab.ask(question)
        tab.wait_until("completed")
    return tab


def rows(page: Page) -> Locator:
    """The chats that are in no project, from the top."""
    return page.get_by_test_id("chats").locator("li")


def folder(page: Page, title: str) -> Locator:
    return page.get_by_test_id("projects").locator(".folder", has_text=title)


def choose(page: Page, row: Locator, *actions: str) -> None:
    """Open the menu of a chat and press these buttons in it, one after the other."""
    row.hover()
    row.get_by_role("button").click()
    for action in actions:
        page.get_by_test_id("chat-menu").get_by_role("button", name=action, exact=True).click()


def choose_of_project(page: Page, title: str, action: str) -> None:
    folder(page, title).locator(".folder-head").hover()
    page.get_by_role("button", name=f"More for project {title}").click()
    page.get_by_test_id("project-menu").get_by_role("button", name=action).click()


def write_project(page: Page, title: str, instructions: str, button: str) -> None:
    """Fill in the dialog of a project and press its button."""
    dialog = page.get_by_test_id("project")
    dialog.get_by_label("Name").fill(title)
    dialog.get_by_label("Instructions").fill(instructions)
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_be_hidden()
