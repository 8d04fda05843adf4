"""The page follows an answer that grows for as long as one reads at its end, and never against one's will."""

import pytest
from playwright.sync_api import expect

from tests.system.browser import ScriptedServer
from tests.system.scripted import begin, words

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AT_END = """() => {
  const { scrollHeight, clientHeight, scrollTop } = document.getElementById("scroll");
  return scrollHeight - clientHeight - scrollTop < 4;
}"""
TOP = "document.getElementById('scroll').scrollTop"
# One scrolls up, and before the page hears of it in the next frame, more is written.
UP_WHILE_WRITING = """() => new Promise((done) => {
  const box = document.getElementById("scroll");
  box.scrollBy(0, -300);
  const top = box.scrollTop;
  document.querySelector(".prose").append("More. ".repeat(200));
  requestAnimationFrame(() => requestAnimationFrame(() => done([top, box.scrollTop])));
})"""


@pytest.fixture
def server(scripted: ScriptedServer) -> ScriptedServer:
    """With an answer of forty paragraphs, read to its end."""
    begin(scripted)
    words(scripted, 3, 4, "A paragraph.\n\n" * 40)
    scripted.page.wait_for_function(f"() => document.querySelectorAll('.prose p').length === 40 && ({AT_END})()")
    return scripted


def test_it_follows_the_answer_only_while_one_is_at_its_end(server: ScriptedServer) -> None:
    latest = server.page.get_by_role("button", name="Jump to latest")
    expect(latest).to_be_hidden()
    server.page.evaluate("document.getElementById('scroll').scrollBy(0, -30)")
    expect(latest).to_be_visible()
    before = server.page.evaluate(TOP)
    words(server, 4, 5, "More.\n\n" * 5)
    expect(server.page.locator(".prose p")).to_have_count(45)
    assert server.page.evaluate(TOP) == before

    latest.click()
    server.page.wait_for_function(AT_END)
    expect(latest).to_be_hidden()


def test_a_way_up_that_the_page_has_not_heard_of_is_kept(server: ScriptedServer) -> None:
    chosen, found = server.page.evaluate(UP_WHILE_WRITING)
    assert found == chosen
    expect(server.page.get_by_role("button", name="Jump to latest")).to_be_visible()
