"""A question and its answer, frame by frame, for tests that are the server."""

from typing import Any

from playwright.sync_api import expect

from tests.system.browser import Frame, ScriptedServer

ANSWER = "[data-role=assistant]"
CLOSE: list[Frame] = [{"type": "text-end", "id": "t"}, {"type": "finish-step"}, {"type": "finish"}]


def opening(question_id: str) -> list[Frame]:
    metadata = {"status": "streaming", "parentId": question_id}
    start = {"type": "start", "messageId": "msg_1", "messageMetadata": metadata}
    return [start, {"type": "start-step"}, {"type": "text-start", "id": "t"}]


def ask(server: ScriptedServer, text: str = "Hello?") -> Frame:
    server.page.get_by_test_id("composer").fill(text)
    server.page.keyboard.press("Enter")
    return server.receive("message.send")


def accept(server: ScriptedServer, sent: Frame, stream_id: str = "str_1") -> None:
    place = {"chatId": sent["chatId"], "userMessageId": sent["message"]["id"], "messageId": "msg_1"}
    server.ack(sent, **place, streamId=stream_id, status="streaming", seq=0)


def begin(server: ScriptedServer) -> Frame:
    """Open a new chat, ask, and answer up to seq 3, without a word yet."""
    server.page.goto("/")
    server.welcome()
    sent = ask(server)
    accept(server, sent)
    chunks(server, 0, 3, *opening(sent["message"]["id"]))
    return sent


def subscribed(server: ScriptedServer, asked: Frame, seq: int, status: str = "streaming", chat_id: str = "c") -> None:
    server.ack(asked, streamId="str_1", chatId=chat_id, messageId="msg_1", status=status, seq=seq)


def chunks(server: ScriptedServer, prev: int, seq: int, *parts: Frame) -> None:
    server.send("stream.chunk", streamId="str_1", prev=prev, seq=seq, chunks=list(parts))


def words(server: ScriptedServer, prev: int, seq: int, text: str) -> None:
    chunks(server, prev, seq, {"type": "text-delta", "id": "t", "delta": text})


def end(server: ScriptedServer, prev: int, status: str = "completed", **more: Any) -> None:
    chunks(server, prev, prev + len(CLOSE), *CLOSE)
    place = {"streamId": "str_1", "chatId": "c", "messageId": "msg_1", "seq": prev + len(CLOSE)}
    server.send("stream.end", **place, status=status, **more)


def shows(server: ScriptedServer, text: str, status: str = "streaming") -> None:
    """The answer's exact source is `text`, and it is drawn."""
    answer = server.page.locator(ANSWER)
    expect(answer).to_have_attribute("data-status", status)
    expect(answer).to_have_js_property("sourceText", text)
    expect(answer.locator(".body")).to_have_text(text.strip())
