"""What a model, a title or a project may say: nothing of it runs, nothing is loaded from elsewhere, on any way in."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.system.browser import ORIGIN, ScriptedServer, dashboard_chat, snapshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = (
    "<script>window.ran = 1</script>",
    '<img src="https://evil.example/pixel.png" onerror="window.ran = 1">',
    "[press me](javascript:window.ran=1)",
    "[data](data:text/html,<script>window.ran=1</script>)",
    "![pixel](https://evil.example/pixel.png)",
    '[x](https://evil.example/" onmouseover="window.ran=1)',
    "<svg onload='window.ran=1'></svg><iframe src='https://evil.example/'></iframe>",
    "**bold [link](https://evil.example/a",
    "```html\n<script>window.ran = 1</script>\n```",
    "| a | b |\n|---|---|\n| <img src=x onerror=window.ran=1> | [y](javascript:window.ran=1) |",
    "<style>body { background: url(https://evil.example/x) }</style>",
)
BAD = (
    "script:not([src]), img:not([src^='/']), iframe, svg:not(.icon), style, [onerror], [onload], [onmouseover], "
    "[style]:not(textarea, #scroll > .thread, .rows-of-chats)"
)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page on which every request to elsewhere is a failure."""
    context = chromium.new_context(base_url=ORIGIN)
    page = context.new_page()
    abroad: list[str] = []
    page.on("request", lambda request: abroad.append(request.url) if not request.url.startswith(ORIGIN) else None)
    yield page
    assert abroad == []
    context.close()


def assert_harmless(page: Page) -> None:
    assert page.evaluate("window.ran") is None
    found: list[str] = page.evaluate(f"[...document.body.querySelectorAll(`{BAD}`)].map((one) => one.outerHTML)")
    assert found == []
    links: list[str] = page.evaluate("[...document.querySelectorAll('a[href]')].map((a) => a.getAttribute('href'))")
    assert [link for link in links if not link.startswith(("/", "https://", "http://", "mailto:"))] == []


def chunks(text: str, size: int) -> list[dict[str, Any]]:
    """An answer of this text, in deltas of `size` characters."""
    deltas = [{"type": "text-delta", "id": "t", "delta": text[at : at + size]} for at in range(0, len(text), size)]
    return [{"type": "start", "messageId": "msg_answer"}, {"type": "text-start", "id": "t"}, *deltas]


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_hostile_answers_split_anywhere_do_nothing(page: Page, size: int) -> None:
    server = ScriptedServer(page)
    page.goto("/c/chat_1")
    server.welcome(snapshot=snapshot(0, dashboard_chat("chat_1", activeStreamId="stream_1", leafId="msg_answer")))
    active = {"streamId": "stream_1", "chatId": "chat_1", "messageId": "msg_answer", "status": "streaming", "seq": 0}
    chat = dashboard_chat("chat_1", activeStreamId="stream_1", leafId="msg_answer")
    server.ack(server.receive("chat.get"), chat=chat, messages=[], activeStream={**active, "startedAt": 1})
    head = {key: active[key] for key in ("streamId", "chatId", "messageId", "status", "seq")}
    server.ack(server.receive("stream.subscribe"), **head)
    text = "\n\n".join(HOSTILE)
    for seq, chunk in enumerate(chunks(text, size), start=1):
        server.send("stream.chunk", streamId="stream_1", prev=seq - 1, seq=seq, chunks=[chunk])
    answer = page.locator("[data-role=assistant]")
    expect(answer).to_contain_text("background: url")
    assert_harmless(page)
    seq = len(chunks(text, size))
    end = [{"type": "text-end", "id": "t"}, {"type": "finish"}]
    server.send("stream.chunk", streamId="stream_1", prev=seq, seq=seq + 2, chunks=end)
    server.send(
        "stream.end", streamId="stream_1", seq=seq + 2, chatId="chat_1", messageId="msg_answer",
        status="completed", finishReason="stop",
    )  # fmt: skip
    expect(answer).to_have_attribute("data-status", "completed")
    expect(answer.locator(".code")).to_contain_text("<script>")
    assert answer.evaluate("answer => answer.sourceText") == text
    assert_harmless(page)
    for link in answer.locator("a").all():
        assert link.get_attribute("target") == "_blank"
        assert "noopener" in str(link.get_attribute("rel"))
    assert server.faults == []


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_titles_and_questions_are_text(page: Page, words: str) -> None:
    server = ScriptedServer(page)
    page.goto("/c/chat_1")
    chat = dashboard_chat("chat_1", title=words, projectId="prj_1")
    projects = [{"projectId": "prj_1", "title": words, "instructions": words, "version": 1}]
    server.welcome(snapshot={**snapshot(0, chat), "projects": projects})
    question = {"id": "msg_1", "role": "user", "parts": [{"type": "text", "text": words}], "metadata": {"createdAt": 1}}
    server.ack(server.receive("chat.get"), chat=chat, messages=[question])
    expect(page.locator("[data-role=user] .body")).to_have_text(words)
    expect(page.get_by_role("heading", level=1)).to_have_text(words)
    assert_harmless(page)
    assert server.faults == []
