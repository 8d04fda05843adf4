"""What axe-core finds on a page."""

from typing import Any

from playwright.sync_api import Page

from tests.node import PAGE


def findings(page: Page) -> list[str]:
    """What axe-core calls serious or critical, each with the first element it is about."""
    PAGE.install()
    page.evaluate((PAGE.folder / "node_modules" / "axe-core" / "axe.min.js").read_text())
    result: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [one for one in result["violations"] if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {one['help']} {one['nodes'][0]['html'][:200]}" for one in serious]
