"""Bar: a page refreshed 50 times at random moments shows the stored message every time, and never twice.

    python -m tests.load.page_refresh

In Chromium: an answer streams, the page is reloaded at a random moment, and what it then shows (the exact source and
the words on the screen) is compared with what was shown before, and at the end with what the server has stored.
"""

import random
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import BrowserContext

from tests.load.figures import parser, report
from tests.system.browser import launched_chromium
from tests.system.server import ServerProcess
from tests.system.tab import Tab, stored, text_of

TOKENS, PACE = 500, 250


def faults(context: BrowserContext, refreshes: int, chance: random.Random) -> list[str]:
    """One answer, refreshed so many times; everything that was wrong, in words."""
    tab = Tab(context, tokens=TOKENS, pace=PACE)
    tab.ask()
    tab.answer.wait_for()
    wrong = []
    for number in range(refreshes):
        tab.page.wait_for_timeout(chance.uniform(0, TOKENS / PACE * 1_000 / refreshes))  # the moment is what is tried
        shown = tab.text()
        tab.page.reload()
        tab.answer.wait_for()
        if tab.page.locator("[data-role=assistant]").count() != 1:
            wrong.append(f"refresh {number}: the answer stands there more than once")
        tab.wait_for_more_than(len(shown) - 1)
        if not tab.text().startswith(shown):
            wrong.append(f"refresh {number}: {len(shown)} characters were shown, and something else is now")
    tab.wait_until("completed")
    message = stored(tab)[-1]
    if tab.text() != text_of(message):
        wrong.append("at the end: the text is not the stored one")
    drawn = tab.answer.locator(".body").inner_text().split()
    tab.page.reload()
    tab.wait_until("completed")
    if drawn != tab.answer.locator(".body").inner_text().split():
        wrong.append("at the end: what grew looks different from what was loaded whole")
    tab.page.close()
    return wrong + tab.faults


def main(refreshes: int, answers: int, seed: int) -> int:
    """Refresh several answers, so that every part of one is hit."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder)) as server, launched_chromium() as browser:
        context = browser.new_context(base_url=server.url)
        wrong = [fault for _ in range(answers) for fault in faults(context, refreshes // answers, chance)]
    for fault in wrong:
        print(f"  {fault}")
    return report(
        f"Refreshed in Chromium (seed {seed})",
        {"refreshes": refreshes // answers * answers, "wrong": len(wrong)},
        reached=not wrong,
    )


if __name__ == "__main__":
    given = parser(__doc__, refreshes=50, answers=5, seed=random.randrange(10_000)).parse_args()
    sys.exit(main(given.refreshes, given.answers, given.seed))
