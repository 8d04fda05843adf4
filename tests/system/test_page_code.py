"""Code in answers, in Chromium: coloured once it is whole, and copied; and a selection that growth leaves alone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.system.browser import ORIGIN, ScriptedServer, dashboard_chat, snapshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ACTIVE = {"streamId": "stream_1", "chatId": "chat_1", "messageId": "msg_1", "status": "streaming", "seq": 0}


class Growing:
    """An answer that says what the test says, delta by delta."""

    def __init__(self, page: Page) -> None:
        self.server = ScriptedServer(page)
        self.answer = page.locator("[data-role=assistant]")
        self._seq = 0
        page.goto("/c/chat_1")
        chat = dashboard_chat("chat_1", activeStreamId="stream_1", leafId="msg_1")
        self.server.welcome(snapshot=snapshot(0, chat))
        shown = {"chat": chat, "messages": [], "activeStream": {**ACTIVE, "startedAt": 1}}
        self.server.ack(self.server.receive("chat.get"), **shown)
        self.server.ack(self.server.receive("stream.subscribe"), **ACTIVE)
        self._send({"type": "start", "messageId": "msg_1"}, {"type": "text-start", "id": "t"})

    def say(self, delta: str) -> None:
        self._send({"type": "text-delta", "id": "t", "delta": delta})

    def _send(self, *chunks: dict[str, str]) -> None:
        before, self._seq = self._seq, self._seq + len(chunks)
        self.server.send("stream.chunk", streamId="stream_1", prev=before, seq=self._seq, chunks=list(chunks))


@pytest.fixture
def growing(chromium: Browser) -> Iterator[Growing]:
    context = chromium.new_context(base_url=ORIGIN)
    growing = Growing(context.new_page())
    yield growing
    assert growing.server.faults == []
    context.close()


def test_code_gets_its_colours_once_it_is_whole(growing: Growing) -> None:
    loaded: list[str] = []
    growing.server.page.on("request", lambda request: loaded.append(request.url))
    growing.say("```js\nconst tide = 1;")
    expect(growing.answer.locator("pre")).to_have_text("const tide = 1;")
    assert loaded == []
    growing.say("\n```\n\nAfter it.")
    expect(growing.answer.locator(".hljs-keyword")).to_have_text("const")
    assert any("colours" in address for address in loaded)


def test_a_button_copies_the_code_as_it_was_written(growing: Growing) -> None:
    growing.say("```js\nconst tide = '<1>';\n```\n\nAfter it.")
    growing.answer.get_by_role("button", name="Copy code").click()
    expect(growing.answer.get_by_role("button", name="Copied")).to_be_visible()
    composer = growing.server.page.get_by_test_id("composer")
    composer.focus()
    growing.server.page.keyboard.press("Control+V")
    expect(composer).to_have_value("const tide = '<1>';")


def test_a_selection_stays_while_the_answer_grows(growing: Growing) -> None:
    growing.say("The first paragraph.\n\nThe second")
    expect(growing.answer).to_contain_text("The second")
    growing.answer.locator("p").first.select_text()
    for word in (" goes", " on.\n\n", "- and\n", "- so on"):
        growing.say(word)
    expect(growing.answer).to_contain_text("so on")
    assert growing.server.page.evaluate("String(getSelection()).trim()") == "The first paragraph."
