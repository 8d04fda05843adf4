"""How the page shows a chat: where it scrolls, what it keeps, and what it says to whom. The test is the server."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.system.axe import findings
from tests.system.browser import Frame, ScriptedServer, dashboard_chat, snapshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TEXT = "A paragraph that is long enough to fill a line of a narrow window.\n\n"
# The room on both sides of the words in each element, in whole pixels.
BESIDES = """elements => elements.map((element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  const [words, box] = [range.getBoundingClientRect(), element.getBoundingClientRect()];
  return [words.left - box.left, box.right - words.right].map(Math.round);
})"""


@pytest.fixture
def server(scripted: ScriptedServer) -> ScriptedServer:
    return scripted


def question(name: str, text: str = "Well?") -> Frame:
    return {"id": name, "role": "user", "parts": [{"type": "text", "text": text}], "metadata": {}}


def answer(name: str, text: str = TEXT, status: str = "completed") -> Frame:
    return {"id": name, "role": "assistant", "parts": [{"type": "text", "text": text}], "metadata": {"status": status}}


def opened(server: ScriptedServer, *messages: Frame, chat: Frame | None = None, **more: Any) -> Page:
    """A page that shows a chat of these messages."""
    row = dashboard_chat("c1", **({"leafId": messages[-1]["id"]} if messages else {}), **(chat or {}))
    server.page.goto("/c/c1")
    server.welcome(snapshot=snapshot(0, row))
    server.ack(server.receive("chat.get"), chat=row, messages=list(messages), **more)
    return server.page


def ask(server: ScriptedServer, text: str = "And then?") -> Frame:
    server.page.get_by_test_id("composer").fill(text)
    server.page.keyboard.press("Enter")
    return server.receive("message.send")


def begin(server: ScriptedServer, sent: Frame) -> None:
    """Accept a question, and open its answer up to seq 3."""
    place = {"chatId": sent["chatId"], "userMessageId": sent["message"]["id"], "messageId": "msg_1"}
    server.ack(sent, **place, streamId="str_1", status="streaming", seq=0)
    metadata = {"status": "streaming", "parentId": sent["message"]["id"]}
    start = {"type": "start", "messageId": "msg_1", "messageMetadata": metadata}
    chunks(server, 0, 3, start, {"type": "start-step"}, {"type": "text-start", "id": "t"})


def chunks(server: ScriptedServer, prev: int, seq: int, *parts: Frame) -> None:
    server.send("stream.chunk", streamId="str_1", prev=prev, seq=seq, chunks=list(parts))


def say(server: ScriptedServer, prev: int, text: str) -> None:
    chunks(server, prev, prev + 1, {"type": "text-delta", "id": "t", "delta": text})


def end(server: ScriptedServer, prev: int) -> None:
    chunks(server, prev, prev + 3, {"type": "text-end", "id": "t"}, {"type": "finish-step"}, {"type": "finish"})
    place = {"streamId": "str_1", "chatId": "c1", "messageId": "msg_1", "seq": prev + 3}
    server.send("stream.end", **place, status="completed")


def top(locator: Locator) -> float:
    """How far below the top of the messages' window it begins, in pixels."""
    script = "e => e.getBoundingClientRect().top - document.getElementById('scroll').getBoundingClientRect().top"
    return float(locator.evaluate(script))


def test_a_new_question_goes_to_the_top_with_room_for_its_answer(server: ScriptedServer) -> None:
    page = opened(server, question("q1"), answer("a1", TEXT * 12))
    latest = page.get_by_role("button", name="Jump to latest")
    expect(latest).to_be_hidden()
    begin(server, ask(server))
    asked = page.locator("[data-role=user]").last
    expect(page.locator("[data-role=assistant]")).to_have_count(2)
    assert 0 <= top(asked) < 24
    say(server, 3, TEXT * 3)
    expect(page.locator("[data-role=assistant]").last.locator("p")).to_have_count(3)
    assert 0 <= top(asked) < 24, "while there is room below, nothing moves"
    expect(latest).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 1_000})
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert 0 <= top(asked) < 24, "a larger window has more room"


def test_whoever_reads_above_is_left_alone_by_what_comes_below(server: ScriptedServer) -> None:
    page = opened(server, question("q1"), answer("a1", TEXT * 40))
    page.locator("#scroll").evaluate("e => e.scrollTo(0, 100)")
    latest = page.get_by_role("button", name="Jump to latest")
    expect(latest).to_be_visible()
    data = {"chatId": "c1", "chat": dashboard_chat("c1", 2, leafId="q2"), "message": question("q2"), "parentId": "a1"}
    server.send("event", offset=1, name="message.created", time=1, sourceClientId="phone", data=data)
    expect(page.locator("[data-role=user]")).to_have_count(2)
    assert page.locator("#scroll").evaluate("e => e.scrollTop") == 100
    latest.click()
    expect(latest).to_be_hidden()


def test_earlier_messages_come_above_and_what_one_reads_stays(server: ScriptedServer) -> None:
    page = opened(server, question("q2", "Second"), answer("a2", TEXT * 20), nextCursor="q2")
    page.locator("#scroll").evaluate("e => e.scrollTo(0, 0)")
    second = page.get_by_text("Second", exact=True)
    before = top(second)
    page.get_by_role("button", name="Show earlier messages").click()
    asked = server.receive("chat.get")
    assert asked["before"] == "q2"
    server.ack(asked, chat=dashboard_chat("c1"), messages=[question("q1", "First"), answer("a1", TEXT * 20)])
    expect(page.get_by_text("First", exact=True)).to_have_count(1)
    expect(page.get_by_role("button", name="Show earlier messages")).to_have_count(0)
    assert abs(top(second) - before) < 60, "but for the button that is gone"


def test_a_skeleton_comes_after_150_ms_and_not_before(server: ScriptedServer) -> None:
    server.page.clock.install(time=0)
    server.page.clock.pause_at(1_000)
    server.page.goto("/c/c1")
    server.welcome(snapshot=snapshot(0, dashboard_chat("c1")))
    asked = server.receive("chat.get")
    skeleton = server.page.get_by_test_id("skeleton")
    server.page.clock.run_for(100)
    expect(skeleton).to_have_count(0)
    server.page.clock.run_for(100)
    expect(skeleton).to_be_visible()
    server.ack(asked, chat=dashboard_chat("c1"), messages=[question("q1")])
    expect(skeleton).to_have_count(0)


def test_those_who_listen_hear_the_start_that_it_goes_on_and_the_end(server: ScriptedServer) -> None:
    server.page.clock.install()
    page = opened(server, question("q1"), answer("a1"))
    live = page.get_by_test_id("live")
    begin(server, ask(server))
    say(server, 3, "Words that nobody has to hear one by one.")
    expect(live).to_have_text("The answer begins.")
    page.clock.run_for(21_000)
    expect(live).to_have_text("Still writing.")
    asking = dashboard_chat("c1", 2, leafId="msg_1", activeStreamId="str_1", awaitingApproval=True)
    server.send("event", offset=1, name="chat.updated", time=1, data={"chatId": "c1", "chat": asking})
    expect(live).to_have_text("The answer waits for you.")
    end(server, 4)
    expect(live).to_have_text("The answer is finished.")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


def test_a_question_without_a_line_says_so_and_can_be_taken_back(server: ScriptedServer) -> None:
    server.page.clock.install()
    page = opened(server, question("q1"), answer("a1"))
    server.sockets[-1].close(code=1011)
    page.clock.run_for(3_000)
    page.get_by_test_id("composer").fill("Anybody there?")
    page.keyboard.press("Enter")
    asked = page.locator("[data-role=user]").last
    expect(asked).to_have_attribute("data-status", "sending")
    expect(asked).to_contain_text("Will be sent when the connection is back.")
    expect(page.get_by_test_id("banner")).to_contain_text("Reconnecting…")
    page.evaluate("""() => {
      Object.defineProperty(navigator, "onLine", { get: () => false, configurable: true });
      dispatchEvent(new Event("offline"));
    }""")
    expect(page.get_by_test_id("banner")).to_contain_text("You’re offline: will send when you’re back")
    asked.get_by_role("button", name="Remove").click()
    expect(page.locator("[data-role=user]")).to_have_count(1)


def passes(page: Page, is_so: Callable[[], bool]) -> None:
    """Let time pass on the page, a minute at most, until something is so."""
    for _ in range(240):
        if is_so():
            return
        page.clock.run_for(250)
    raise AssertionError("A minute has passed, and it is not so.")


def test_a_lost_line_is_tried_at_once_when_one_asks(server: ScriptedServer) -> None:
    page = server.page
    page.add_init_script("""
      const random = crypto.getRandomValues.bind(crypto);
      crypto.getRandomValues = (bytes) => (bytes.length === 4 ? bytes.fill(255) : random(bytes)); // the longest wait
    """)
    page.clock.install(time=0)
    page.clock.pause_at(1_000)
    opened(server, question("q1"), answer("a1"))
    for _ in range(4):  # each try waits twice as long as the last
        server.sockets[-1].close(code=1011)
        passes(page, lambda: server.count("hello") > 0)
        server.receive("hello")
    server.sockets[-1].close(code=1011)
    banner = page.get_by_test_id("banner")
    passes(page, lambda: "Trying again in " in banner.inner_text())
    banner.get_by_role("button", name="Try now").click()
    server.welcome(offset=None)
    expect(banner).to_be_hidden()


def test_what_waits_is_moved_up(server: ScriptedServer) -> None:
    def queued(*names: str) -> Frame:
        rows = [{"commandId": name, "streamId": f"s-{name}", "messageId": f"m-{name}", "text": name} for name in names]
        return {"queue": rows, "queuePaused": True}

    page = opened(server, question("q1"), answer("a1"), chat=queued("one", "two"))
    rows = page.get_by_test_id("queue").locator(".name")
    expect(rows).to_have_text(["What waits is paused", "one", "two"])
    page.get_by_role("button", name="Move up").click()
    asked = server.receive("queue.update")
    assert asked["order"] == ["two", "one"]
    server.ack(asked, version=2)
    chat = dashboard_chat("c1", 2, leafId="a1", **queued("two", "one"))
    server.send("event", offset=1, name="chat.updated", time=1, data={"chatId": "c1", "chat": chat})
    expect(rows).to_have_text(["What waits is paused", "two", "one"])


def test_a_model_is_remembered_per_chat(server: ScriptedServer) -> None:
    models = [{"id": "small", "label": "Small", "default": True}, {"id": "large", "label": "Large"}]
    rows = {**snapshot(0, dashboard_chat("c1"), dashboard_chat("c2")), "models": models}

    def visit(chat_id: str) -> Locator:
        server.page.goto(f"/c/{chat_id}")
        server.welcome(snapshot=rows)
        server.ack(server.receive("chat.get"), chat=dashboard_chat(chat_id), messages=[question("q"), answer("a")])
        return server.page.get_by_test_id("model")

    expect(visit("c1")).to_have_value("small")
    server.page.get_by_test_id("model").select_option("large")
    sent = ask(server)
    assert sent["model"] == "large"
    begin(server, sent)
    expect(server.page.locator("[data-role=assistant]")).to_have_count(2)
    visit("c2").select_option("small")
    assert ask(server)["model"] == "small"
    expect(visit("c1")).to_have_value("large")


def test_an_answer_says_which_model_wrote_it_where_there_are_several(server: ScriptedServer) -> None:
    models = [{"id": "small", "label": "Small", "default": True}, {"id": "large", "label": "Large"}]
    first, second = answer("a1"), answer("a2")
    first["metadata"]["model"], second["metadata"]["model"] = "large", "gone"
    for known, names in ((models, ["Large"]), (models[1:], [])):
        server.page.goto("/c/c1")
        server.welcome(snapshot={**snapshot(0, dashboard_chat("c1", leafId="a2")), "models": known})
        messages = [question("q1"), first, question("q2"), second]
        server.ack(server.receive("chat.get"), chat=dashboard_chat("c1", leafId="a2"), messages=messages)
        expect(server.page.locator("[data-role=assistant]")).to_have_count(2)
        expect(server.page.locator(".by")).to_have_text(names)


def test_an_answer_is_copied_as_it_was_written(server: ScriptedServer) -> None:
    page = opened(server, question("q1"), answer("a1", "**Bold** and `code`"))
    page.get_by_role("button", name="Copy answer").click()
    expect(page.get_by_test_id("live")).to_have_text("Copied.")
    page.get_by_test_id("composer").focus()
    page.keyboard.press("Control+V")
    expect(page.get_by_test_id("composer")).to_have_value("**Bold** and `code`")


def test_whoever_wants_it_is_notified_of_an_answer_that_nobody_saw(server: ScriptedServer) -> None:
    server.page.add_init_script("""
      window.notes = [];
      window.Notification = class {
        static permission = "granted";
        static requestPermission = async () => "granted";
        constructor(title, { body }) { window.notes.push([title, body]); }
        close() {}
      };
    """)
    page = opened(server, question("q1"), answer("a1"))

    def unseen(offset: int) -> None:
        chat = dashboard_chat("c2", offset, title="Tides", unseen=True)
        server.send("event", offset=offset, name="chat.unseen", time=1, data={"chatId": "c2", "chat": chat})
        expect(page).to_have_title("(1) Chat c1 · Tidewire")

    unseen(1)
    page.get_by_role("button", name="Notify me when an answer is there").click()
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    unseen(2)
    page.wait_for_function("window.notes.length > 0")
    assert page.evaluate("window.notes") == [["Tides", "A new answer is there."]]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_serious_in_what_goes_wrong(
    server: ScriptedServer, theme: Literal["light", "dark"], width: int
) -> None:
    page = server.page
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    waiting = {"commandId": "one", "streamId": "s", "messageId": "m", "text": "Waits"}
    broken = answer("a2", "Half of", "failed")
    broken["metadata"]["versions"] = {"index": 1, "ids": ["a0", "a2"]}
    opened(server, question("q1"), answer("a1"), question("q2"), broken, chat={"queue": [waiting], "queuePaused": True})
    server.refuse(ask(server), "quota_exceeded", "Come back tomorrow.")
    expect(page.get_by_text("Not sent: Come back tomorrow.")).to_be_visible()
    page.get_by_role("button", name="Edit").first.click()
    server.sockets[-1].close(code=1011)
    expect(page.get_by_test_id("banner")).to_be_visible()
    assert findings(page) == []


def test_on_paper_stands_the_whole_chat_in_dark_ink(server: ScriptedServer) -> None:
    page = opened(server, question("q1"), answer("a1", TEXT * 40))
    assert page.locator("#scroll").evaluate("e => e.scrollHeight > e.clientHeight")
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.get_by_test_id("composer")).to_be_hidden()
    expect(page.get_by_test_id("sidebar")).to_be_hidden()
    assert page.locator("#scroll").evaluate("e => e.scrollHeight === e.clientHeight")
    assert page.locator("article p").first.evaluate("e => getComputedStyle(e).color") == "rgb(27, 35, 34)"


def test_what_is_written_from_the_right_begins_there(server: ScriptedServer) -> None:
    page = opened(server, question("q1"), answer("a1", "Hello.\n\nمرحبا."))
    from_left, from_right = page.locator("[data-role=assistant] p").evaluate_all(BESIDES)
    assert from_left[0] == 0 < from_left[1]
    assert from_right[1] == 0 < from_right[0]


def test_a_question_that_is_too_long_stays_in_the_composer(server: ScriptedServer) -> None:
    page = opened(server, question("q1"), answer("a1"))
    page.get_by_test_id("composer").fill("word " * 60_000)
    page.keyboard.press("Enter")
    expect(page.get_by_text("This is too long to be sent at once.")).to_be_visible()
    expect(page.get_by_test_id("composer")).not_to_be_empty()
    assert "message.send" not in server.order()
    ask(server, "Shorter")
    expect(page.get_by_text("This is too long to be sent at once.")).to_be_hidden()
