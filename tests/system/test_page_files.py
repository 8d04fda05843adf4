"""Files on the page in Chromium: pasted, dropped and chosen, said no to in time, and shown everywhere."""

import re
from base64 import b64encode
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, Route, expect

from tests.app.files import PNG, TEXT
from tests.system.tab import ENOUGH, Tab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# A paste or a drop of files, as Chromium makes them.
HAND_OVER = """([kind, files]) => {
  const transfer = new DataTransfer();
  for (const [name, type, data] of files) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  const options = { bubbles: true, cancelable: true };
  if (kind === "paste") {
    const event = new ClipboardEvent("paste", { ...options, clipboardData: transfer });
    document.querySelector("[data-testid=composer]").dispatchEvent(event);
  } else {
    for (const step of ["dragover", "drop"]) {
      document.body.dispatchEvent(new DragEvent(step, { ...options, dataTransfer: transfer }));
    }
  }
}"""
File = tuple[str, str, bytes]
# What a browser logs of every refusal.
REFUSED = "the server responded with a status of 4"


@pytest.fixture
def page(visitor: BrowserContext) -> Iterator[Page]:
    tab = Tab(visitor, pace=2_000)
    tab.page.on("console", lambda line: tab.faults.append(line.text) if line.type == "error" else None)
    expect(tab.page.get_by_test_id("examples").get_by_role("button").first).to_be_visible()
    yield tab.page
    assert [fault for fault in tab.faults if REFUSED not in fault] == []


def hand_over(page: Page, kind: str, *files: File) -> None:
    given = [[name, media_type, b64encode(body).decode()] for name, media_type, body in files]
    page.evaluate(HAND_OVER, [kind, given])


def choose(page: Page, *files: File) -> None:
    given: list[FilePayload] = [{"name": name, "mimeType": kind, "buffer": body} for name, kind, body in files]
    page.get_by_test_id("file").set_input_files(given)


def ask(page: Page, text: str) -> None:
    page.get_by_test_id("composer").fill(text)
    page.keyboard.press("Enter")


def attached(page: Page) -> Locator:
    return page.get_by_test_id("attachment")


def question(page: Page) -> Locator:
    return page.locator("[data-role=user]").last


def is_drawn(picture: Locator) -> None:
    """Wait until a picture has been loaded and can be seen."""
    expect(picture).to_be_visible()
    picture.evaluate("image => image.decode()")
    assert picture.evaluate("image => image.naturalWidth") == 1


def answered(page: Page) -> Locator:
    answer = page.locator("[data-role=assistant][data-status=completed]").last
    expect(answer).to_be_visible(timeout=ENOUGH)
    return answer


def source(answer: Locator) -> str:
    return str(answer.evaluate("answer => answer.sourceText"))


def test_a_pasted_picture_is_sent_answered_and_shown_everywhere(beside: BrowserContext, page: Page) -> None:
    other = Tab(beside).page
    hand_over(page, "paste", ("sea.png", "image/png", PNG))
    expect(attached(page)).to_contain_text("sea.png")
    is_drawn(attached(page).locator("img"))
    ask(page, "What is this?")
    expect(attached(page)).to_have_count(0)
    is_drawn(question(page).locator("img"))
    expect(answered(page)).to_contain_text("sea.png: image/png, 70 bytes")
    other.get_by_test_id("chats").get_by_role("link").click()
    is_drawn(question(other).locator("img"))
    expect(question(other)).to_contain_text("What is this?")
    assert source(answered(other)) == source(answered(page))
    link = question(other).locator("a").get_attribute("href")
    assert re.fullmatch(r"/v1/files/file_\w+", str(link))


def test_files_are_dropped_chosen_and_taken_away_again(page: Page) -> None:
    hand_over(page, "drop", ("tides.md", "", TEXT), ("sea.png", "image/png", PNG))
    expect(attached(page)).to_have_count(2)
    choose(page, ("third.json", "application/json", b"{}"))
    expect(attached(page)).to_have_count(3)
    expect(attached(page).nth(2)).to_contain_text("2 bytes")
    page.get_by_role("button", name="Remove sea.png").click()
    expect(attached(page)).to_have_count(2)
    page.get_by_test_id("send").click()
    answer = answered(page)
    expect(answer).to_contain_text("tides.md: text/plain, 27 bytes, 5 words")
    expect(answer).to_contain_text("third.json")
    expect(answer).not_to_contain_text("sea.png")
    expect(question(page).locator("a.file")).to_have_text(["tides.md", "third.json"])
    expect(page.locator("#title")).to_have_text("tides.md, third.json")


@pytest.mark.parametrize(
    ("name", "media_type", "body", "words"),
    [
        ("big.pdf", "application/pdf", b"%PDF-" + b"x" * 5_242_880, "big.pdf has 5 MB; a file may have 5 MB."),
        ("film.mp4", "video/mp4", b"\x00\x00film", "film.mp4 cannot be attached"),
        ("archive.zip", "application/zip", b"PK\x03\x04\x00\x00", "archive.zip cannot be attached"),
        ("empty.txt", "text/plain", b"", "empty.txt is empty."),
    ],
)
def test_what_cannot_be_sent_is_said_before_anything_is(
    page: Page, name: str, media_type: str, body: bytes, words: str
) -> None:
    uploads: list[str] = []
    page.on("request", lambda request: uploads.append(request.url) if "/v1/files" in request.url else None)
    choose(page, (name, media_type, body))
    expect(page.get_by_test_id("attach-problem")).to_contain_text(words)
    expect(attached(page)).to_have_count(0)
    assert uploads == []
    choose(page, ("fine.txt", "text/plain", b"fine"))
    expect(attached(page)).to_have_count(1)
    expect(page.get_by_test_id("attach-problem")).to_be_hidden()


def test_what_the_server_refuses_says_why_and_holds_the_message_back(page: Page) -> None:
    choose(page, ("latin.txt", "text/plain", "Flüsse".encode("latin-1") + b" x"), ("fine.txt", "text/plain", b"fine"))
    expect(attached(page).first).to_contain_text("Text must be UTF-8.")
    ask(page, "Read this")
    expect(page.get_by_test_id("attach-problem")).to_contain_text("latin.txt could not be uploaded")
    expect(page.get_by_test_id("composer")).to_have_value("Read this")
    page.get_by_role("button", name="Remove latin.txt").click()
    page.get_by_test_id("send").click()
    expect(answered(page)).to_contain_text("fine.txt")


def test_a_message_that_is_sent_too_soon_goes_when_its_files_are_there(page: Page) -> None:
    held: list[Route] = []
    page.route("**/v1/files", lambda route: held.append(route))
    choose(page, ("sea.png", "image/png", PNG))
    expect(attached(page)).to_contain_text("Uploading…")
    ask(page, "What is this?")
    expect(page.get_by_test_id("attach-problem")).to_contain_text("Will be sent when everything is uploaded.")
    expect(page.locator("[data-role=user]")).to_have_count(0)
    for route in held:
        route.continue_()
    expect(answered(page)).to_contain_text("sea.png")


def test_a_draft_keeps_its_files_over_a_reload_until_it_is_sent(page: Page) -> None:
    choose(page, ("sea.png", "image/png", PNG))
    is_drawn(attached(page).locator("img"))
    page.reload()
    is_drawn(attached(page).locator("img"))
    ask(page, "What is this?")
    answered(page)
    page.reload()
    expect(attached(page)).to_have_count(0)


def test_a_question_that_is_edited_keeps_its_files_everywhere(beside: BrowserContext, page: Page) -> None:
    choose(page, ("sea.png", "image/png", PNG))
    ask(page, "What is this?")
    answered(page)
    other = Tab(beside, page.url, pace=2_000).page
    question(other).get_by_role("button", name="Edit").click()
    other.get_by_role("textbox", name="Your question").fill("And this?")
    other.keyboard.press("Enter")
    for each in (page, other):
        expect(question(each)).to_contain_text("And this?")
        is_drawn(question(each).locator("img"))
        expect(answered(each)).to_contain_text("sea.png: image/png, 70 bytes")
    assert source(answered(other)) == source(answered(page))


def test_text_copied_from_a_document_is_pasted_as_text(page: Page) -> None:
    page.evaluate(
        """() => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(["x"], "image.png", { type: "image/png" }));
          transfer.setData("text/plain", "words");
          transfer.setData("text/html", "<b>words</b>");
          const event = new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: transfer });
          window.isTaken = !document.querySelector("[data-testid=composer]").dispatchEvent(event);
        }"""
    )
    assert page.evaluate("isTaken") is False
    expect(attached(page)).to_have_count(0)
