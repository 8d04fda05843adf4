"""Bars of the page, in Chromium: light to load, light to run, smooth while much is being written.

    python -m tests.load.page

- Everything that is loaded, compressed: 180 KB. First contentful paint: 500 ms.
- An answer of 2,000 tokens over 8 s takes 2.0 s of the main thread, and no task takes over 50 ms.
- While ten chats stream at once, the visible one keeps 60 frames a second.
- A sidebar of 10,000 chats is scrolled to its end, with no task over 50 ms.
"""

import gzip
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, CDPSession, expect

from app.web.page import UI
from tests.load.figures import parser, percentile, report
from tests.system.browser import ORIGIN, launched_chromium
from tests.system.crowd import CrowdedServer
from tests.system.server import ServerProcess
from tests.system.tab import Tab

WATCH = """
window.longTasks = [];
new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map(({ duration }) => duration)))
  .observe({ type: "longtask", buffered: true });
"""
# The demo model's options in every question.
WISH = """
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (text) {
  const frame = JSON.parse(text);
  send.call(this, frame.type === "message.send" ? JSON.stringify({ ...frame, options: %s }) : text);
};
"""
FRAMES = """(ms) => new Promise((done) => {
  const gaps = [];
  let last = performance.now();
  const end = last + ms;
  const frame = (now) => {
    gaps.push(now - last);
    last = now;
    if (now < end) requestAnimationFrame(frame);
    else done(gaps);
  };
  requestAnimationFrame(frame);
})"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


@dataclass(frozen=True)
class Work:
    """What an answer cost the main thread, in seconds, and its longest task, in milliseconds."""

    seconds: float
    longest: float


def compressed() -> int:
    """Bytes of everything the page may load, compressed as a server compresses it."""
    files = [UI / "index.html", *UI.glob("assets/*.js"), *UI.glob("assets/*.css")]
    return sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)


def first_paint(browser: Browser, url: str) -> float:
    """Milliseconds to the first contentful paint, of the middle one of five first visits."""
    paints = []
    for _ in range(5):
        context = browser.new_context(base_url=url)
        page = context.new_page()
        page.goto("/")
        page.wait_for_function(f"() => {PAINT}")
        paints.append(float(page.evaluate(PAINT)))
        context.close()
    return sorted(paints)[2]


@contextmanager
def visit(browser: Browser, url: str) -> Iterator[BrowserContext]:
    """A guest whose tabs count their long tasks."""
    context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 800})
    context.add_init_script(WATCH)
    yield context
    context.close()


def main_thread(cdp: CDPSession) -> float:
    """Seconds the main thread of a page has worked so far."""
    metrics = cdp.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


def one_answer(context: BrowserContext, tokens: int, seconds: float) -> Work:
    """What one long answer costs, from its question to its end.

    Nobody looks on meanwhile: a routed socket, or a locator that waits, works in the page's main thread as well.
    """
    page = context.new_page()
    page.add_init_script(WISH % json.dumps({"tokens": tokens, "pace": round(tokens / seconds)}))
    page.goto("/")
    page.get_by_test_id("examples").wait_for()
    page.wait_for_timeout(500)  # what loading still costs is not the answer's
    cdp = context.new_cdp_session(page)
    cdp.send("Performance.enable")
    page.evaluate("longTasks.length = 0")
    before = main_thread(cdp)
    page.get_by_test_id("composer").fill("What happens when I refresh the page?")
    page.keyboard.press("Enter")
    page.wait_for_timeout(seconds * 1_000 + 1_500)
    longest = float(page.evaluate("Math.max(0, ...longTasks)"))
    work = Work(main_thread(cdp) - before, longest)
    expect(page.locator("[data-role=assistant]")).to_have_attribute("data-status", "completed")
    page.close()
    return work


def frames(context: BrowserContext, chats: int, milliseconds: int) -> list[float]:
    """Gaps between the frames of a visible chat, in milliseconds, while so many are being written."""
    tab = Tab(context, tokens=4_000, pace=50)
    for number in range(chats):
        tab.page.get_by_test_id("new-chat").click()
        tab.page.get_by_test_id("examples").wait_for()
        tab.ask(f"Chat {number}")
        tab.wait_for_more_than(0)
    gaps: list[float] = tab.page.evaluate(FRAMES, milliseconds)
    tab.page.close()
    return gaps[1:]


def sidebar(browser: Browser, chats: int) -> float:
    """The longest task while one scrolls through so many chats, in milliseconds."""
    with visit(browser, ORIGIN) as context:
        server = CrowdedServer(context.new_page(), chats)
        server.start()
        server.page.wait_for_timeout(500)  # what loading still costs is not the scrolling's
        server.page.evaluate("longTasks.length = 0")
        server.scrolled(step=700)
        return float(server.page.evaluate("Math.max(0, ...longTasks)"))


def main(tokens: int, chats: int, seconds: int, listed: int, *, timing: bool) -> int:
    """Measure all of it in one browser."""
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder)) as server, launched_chromium() as browser:
        size, paint = compressed(), first_paint(browser, server.url)
        with visit(browser, server.url) as context:
            work = one_answer(context, tokens, tokens / 250)
        with visit(browser, server.url) as context:
            gaps = frames(context, chats, seconds * 1_000)
        scrolling = sidebar(browser, listed)
    rate = 1_000 * len(gaps) / sum(gaps)
    is_smooth = work.longest <= 50 and scrolling <= 50 and rate >= 59
    is_quick = paint <= 500 and work.seconds <= 2.0 * tokens / 2_000 and is_smooth
    return report(
        "The page in Chromium",
        {
            "all of it, compressed": f"{size / 1_000:.1f} KB (bar 180)",
            "first contentful paint": f"{paint:.0f} ms (bar 500)",
            f"an answer of {tokens} tokens": f"{work.seconds:.2f} s of the main thread (bar 2.0 for 2,000)",
            "its longest task": f"{work.longest:.0f} ms (bar 50; 0: none over 50)",
            f"frames while {chats} chats stream": f"{rate:.1f} a second, p99 gap {percentile(gaps, 99):.1f} ms",
            f"scrolling through {listed} chats": f"longest task {scrolling:.0f} ms (bar 50; 0: none over 50)",
        },
        reached=size <= 180_000 and (is_quick or not timing),
    )


if __name__ == "__main__":
    options = parser(__doc__, tokens=2_000, chats=10, seconds=5, listed=10_000)
    options.add_argument("--any-speed", action="store_true", help="only the size decides, as on a busy machine")
    given = options.parse_args()
    sys.exit(main(given.tokens, given.chats, given.seconds, given.listed, timing=not given.any_speed))
