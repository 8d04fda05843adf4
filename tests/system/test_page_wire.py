"""The page's side of the wire, frame by frame: the test is the server."""

import pytest
from playwright.sync_api import expect

from tests.system.browser import Frame, ScriptedServer, dashboard_chat, snapshot
from tests.system.scripted import ANSWER, accept, ask, begin, chunks, end, opening, shows, subscribed, words

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def server(scripted: ScriptedServer) -> ScriptedServer:
    return scripted


def test_g03_an_unanswered_question_is_sent_again_with_its_id(server: ScriptedServer) -> None:
    server.page.goto("/")
    server.welcome()
    sent = ask(server)
    question = server.page.locator("[data-role=user]")
    expect(question).to_have_attribute("data-status", "sending")

    server.sockets[-1].close(code=1011)
    server.welcome(offset=None)
    assert server.receive("message.send") == sent
    accept(server, sent)
    chunks(server, 0, 3, *opening(sent["message"]["id"]))
    words(server, 3, 4, "Yes.")
    shows(server, "Yes.")
    expect(question).to_have_count(1)
    expect(question).to_have_attribute("data-status", "stored")


def test_a_refused_question_says_why_and_is_sent_again_or_taken_back(server: ScriptedServer) -> None:
    server.page.goto("/")
    server.welcome()
    sent = ask(server)
    question = server.page.locator("[data-role=user]")
    server.refuse(sent, "quota_exceeded", "Come back tomorrow.")
    expect(question).to_contain_text("Not sent: Come back tomorrow.")

    server.page.get_by_role("button", name="Retry").click()
    assert server.receive("message.send") == sent  # an error is not remembered: the same id may be tried again
    server.refuse(sent, "quota_exceeded", "Come back tomorrow.")
    server.page.get_by_role("button", name="Remove").click()
    expect(question).to_have_count(0)


def test_g04_a_read_that_overtakes_the_question_loses_nothing(server: ScriptedServer) -> None:
    server.page.goto("/")
    server.page.get_by_test_id("composer").fill("Asked before the welcome")
    server.page.keyboard.press("Enter")
    server.welcome()
    sent = server.receive("message.send")
    server.refuse(server.receive("chat.get"), "not_found", "There is no such chat.")
    accept(server, sent)
    chunks(server, 0, 3, *opening(sent["message"]["id"]))
    words(server, 3, 4, "Here.")
    chat = dashboard_chat(sent["chatId"])
    place = {"chatId": sent["chatId"], "messageId": "msg_1", "streamId": "str_1", "status": "completed"}
    server.send("event", offset=1, name="stream.ended", time=1, data={"chat": chat, **place})
    shows(server, "Here.")
    expect(server.page.locator("article")).to_have_count(2)


def test_g07_a_repeated_range_changes_nothing(server: ScriptedServer) -> None:
    begin(server)
    words(server, 3, 4, "one ")
    words(server, 3, 4, "one ")
    words(server, 4, 5, "two")
    end(server, 5)
    shows(server, "one two", "completed")


def test_g08_a_gap_subscribes_again_after_the_last_chunk(server: ScriptedServer) -> None:
    begin(server)
    words(server, 3, 4, "one ")
    words(server, 5, 6, "three ")
    asked = server.receive("stream.subscribe")
    assert (asked["streamId"], asked["after"]) == ("str_1", 4)

    words(server, 4, 5, "before the ack ")  # of the old subscription: it does not count (guarantee 10)
    subscribed(server, asked, 7)
    words(server, 4, 7, "two three four ")
    shows(server, "one two three four ")


def test_g12_an_end_beyond_the_last_chunk_is_a_gap(server: ScriptedServer) -> None:
    begin(server)
    place = {"streamId": "str_1", "chatId": "c", "messageId": "msg_1"}
    server.send("stream.end", **place, seq=7, status="completed")
    asked = server.receive("stream.subscribe")
    assert asked["after"] == 3
    subscribed(server, asked, 7, "completed")
    words(server, 3, 4, "whole")
    end(server, 4)
    shows(server, "whole", "completed")


def test_g19_every_cut_resumes_where_it_was(server: ScriptedServer) -> None:
    begin(server)
    for seq in range(4, 9):
        words(server, seq - 1, seq, f"{seq} ")
        shows(server, "".join(f"{n} " for n in range(4, seq + 1)))
        server.cut()
        hello = server.welcome(offset=None, streams=[{"streamId": "str_1", "status": "streaming", "seq": seq}])
        assert hello["streams"] == [{"streamId": "str_1", "after": seq}]
        assert hello["events"] == {"epoch": "e1", "offset": 0}
    end(server, 8)
    shows(server, "4 5 6 7 8 ", "completed")
    assert server.count("stream.subscribe") == 0


def test_g15_stop_before_the_ack_names_the_command(server: ScriptedServer) -> None:
    server.page.goto("/")
    server.welcome()
    sent = ask(server)
    server.page.keyboard.press("Escape")
    stop = server.receive("stream.stop")
    assert stop["commandId"] == sent["id"]

    server.ack(stop, status="stopping")
    accept(server, sent)
    expect(server.page.locator(ANSWER)).to_contain_text("Stopping…")
    chunks(server, 0, 3, *opening(sent["message"]["id"]))
    end(server, 3, "stopped")
    expect(server.page.locator(ANSWER)).to_contain_text("Stopped")


def test_a_failed_answer_keeps_its_text_and_says_why(server: ScriptedServer) -> None:
    begin(server)
    words(server, 3, 4, "Half of")
    end(server, 4, "failed", error={"code": "model_error", "message": "The model broke off.", "retryable": True})
    answer = server.page.locator(ANSWER)
    expect(answer.get_by_test_id("status")).to_have_text("Couldn’t finish: The model broke off.")
    expect(answer).to_have_js_property("sourceText", "Half of")


def test_g20_a_missed_event_is_asked_for_and_a_repeated_one_dropped(server: ScriptedServer) -> None:
    def event(offset: int, title: str) -> None:
        chat = dashboard_chat("c", offset, title=title)
        server.send("event", offset=offset, name="chat.updated", time=1, data={"chatId": "c", "chat": chat})

    server.page.goto("/")
    server.welcome(offset=1)
    event(2, "second")
    event(2, "repeated")
    event(4, "fourth")
    asked = server.receive("events.resume")
    assert (asked["epoch"], asked["offset"]) == ("e1", 2)

    event(3, "before the ack")
    server.ack(asked, epoch="e1", offset=5, recovered=True)
    event(3, "third")
    expect(server.page.get_by_test_id("chats").locator(".name")).to_have_text(["third"])
    event(4, "fourth")
    event(4, "fourth")
    event(5, "fifth")
    expect(server.page.get_by_test_id("chats").locator(".name")).to_have_text(["fifth"])
    assert server.count("events.resume") == 0


def test_g21_a_reset_reads_the_dashboard_and_keeps_newer_events(server: ScriptedServer) -> None:
    server.page.goto("/")
    server.welcome(offset=1, snapshot=snapshot(1, dashboard_chat("old")))
    server.send("events.reset", epoch="e1", offset=9, reason="trimmed")
    asked = server.receive("dashboard.get")
    late = dashboard_chat("b", 10, title="late")
    server.send("event", offset=10, name="chat.created", time=1, data={"chatId": "b", "chat": late})
    server.ack(asked, **snapshot(9, dashboard_chat("a", title="fresh")))
    asked = server.receive("events.resume")  # something came meanwhile; from here on it is asked for
    assert asked["offset"] == 9
    server.ack(asked, epoch="e1", offset=10, recovered=True)
    server.send("event", offset=10, name="chat.created", time=1, data={"chatId": "b", "chat": late})
    expect(server.page.get_by_test_id("chats").locator(".name")).to_have_text(["late", "fresh"])


def test_g22_a_deleted_chat_is_not_brought_back_by_an_older_page(server: ScriptedServer) -> None:
    server.page.goto("/")
    first = {**snapshot(1, dashboard_chat("a"), dashboard_chat("b")), "nextCursor": "next"}
    server.welcome(offset=1, snapshot=first)
    server.send("event", offset=2, name="chat.deleted", time=1, data={"chatId": "a", "version": 2})
    asked = server.receive("dashboard.get")  # by itself: the end of the list is in sight
    assert asked["cursor"] == "next"
    server.ack(asked, **snapshot(1, dashboard_chat("a"), dashboard_chat("z", title="oldest", updatedAt=0)))
    expect(server.page.get_by_test_id("chats").locator(".name")).to_have_text(["Chat b", "oldest"])


def test_another_devices_question_and_answer_appear(server: ScriptedServer) -> None:
    server.page.goto("/c/c1")
    server.welcome(offset=0, snapshot=snapshot(0, dashboard_chat("c1")))
    server.ack(server.receive("chat.get"), chat=dashboard_chat("c1"), messages=[])
    chat = dashboard_chat("c1", 2)
    question = {"id": "q", "role": "user", "parts": [{"type": "text", "text": "From my phone"}]}
    place: Frame = {"chatId": "c1", "chat": chat}
    server.send("event", offset=1, name="message.created", time=1, data={**place, "message": question})
    place |= {"streamId": "str_1", "messageId": "msg_1", "commandId": "x"}
    server.send("event", offset=2, name="stream.started", time=1, data=place)
    asked = server.receive("stream.subscribe")
    assert asked["after"] == 0
    subscribed(server, asked, 0, chat_id="c1")
    chunks(server, 0, 3, *opening("q"))
    words(server, 3, 4, "Hello there")
    shows(server, "Hello there")
    expect(server.page.locator("article")).to_contain_text(["From my phone", "Hello there"])


def test_g27_a_pong_comes_after_everything_before_its_ping_was_handled(server: ScriptedServer) -> None:
    begin(server)
    server.receive("presence.update")
    server.send("ping", id="p1")
    words(server, 4, 5, "a gap")
    server.send("ping", id="p2")
    assert server.receive("pong")["id"] == "p1"
    assert server.receive("pong")["id"] == "p2"
    server.receive("stream.subscribe")

    words(server, 3, 4, "ignored while subscribing")
    server.send("ping", id="p3")
    assert server.receive("pong")["id"] == "p3"
    assert "stream.subscribe" not in server.order()


def test_g29_silence_for_35_seconds_opens_a_new_socket(server: ScriptedServer) -> None:
    server.page.clock.install()
    server.page.goto("/")
    server.welcome()
    server.page.clock.run_for(34_000)
    assert len(server.sockets) == 1
    server.page.clock.run_for(3_000)  # the line is given up, and the backoff's first wait is half a second at most
    server.welcome(offset=None)
    assert len(server.sockets) == 2


def test_a_page_that_is_looked_at_again_probes_its_socket(server: ScriptedServer) -> None:
    server.page.clock.install()
    server.page.goto("/")
    server.welcome()
    server.page.evaluate("dispatchEvent(new Event('online'))")
    server.send("pong", id=server.receive("ping")["id"])
    server.page.clock.run_for(6_000)
    assert len(server.sockets) == 1

    server.page.evaluate("dispatchEvent(new Event('online'))")
    server.receive("ping")
    server.page.clock.run_for(6_000)
    server.welcome(offset=None)
    assert len(server.sockets) == 2


def test_g30_goodbye_moves_to_a_new_socket(server: ScriptedServer) -> None:
    server.page.clock.install()
    begin(server)
    words(server, 3, 4, "before ")
    server.send("goodbye", reason="draining", reconnectAfterMs=[1000, 2000], closeAfterMs=9000)
    server.page.evaluate("0")
    server.page.clock.run_for(900)
    assert len(server.sockets) == 1
    server.page.clock.run_for(1_200)
    server.welcome(offset=None, streams=[{"streamId": "str_1", "status": "streaming", "seq": 4}])
    words(server, 4, 5, "after")
    shows(server, "before after")


def test_g30_a_question_that_a_leaving_server_refuses_is_asked_of_the_next_one(server: ScriptedServer) -> None:
    server.page.clock.install()
    server.page.goto("/")
    server.welcome()
    server.send("goodbye", reason="draining", reconnectAfterMs=[1000, 2000], closeAfterMs=9000)
    sent = ask(server)
    server.refuse(sent, "draining", "This server restarts.")
    server.page.evaluate("0")
    server.page.clock.run_for(2_100)
    server.welcome(offset=None)
    assert server.receive("message.send") == sent
    accept(server, sent)
    chunks(server, 0, 3, *opening(sent["message"]["id"]))
    words(server, 3, 4, "Yes.")
    shows(server, "Yes.")


def test_after_a_44xx_close_it_says_why_and_waits_for_the_person(server: ScriptedServer) -> None:
    server.page.clock.install()
    server.page.goto("/")
    server.welcome()
    why = {"code": "connection_limit", "message": "Too many tabs are open. Close one.", "retryable": False}
    server.send("error", error=why, fatal=True)
    server.sockets[-1].close(code=4409)
    banner = server.page.get_by_test_id("banner")
    expect(banner).to_contain_text("Too many tabs are open. Close one.")
    expect(banner.get_by_role("button", name="Reload")).to_be_visible()
    server.page.clock.run_for(60_000)
    assert len(server.sockets) == 1


def test_the_banner_comes_after_two_seconds_and_goes_silently(server: ScriptedServer) -> None:
    server.page.clock.install()
    begin(server)
    banner = server.page.get_by_test_id("banner")
    server.sockets[-1].close(code=1011)
    server.page.clock.run_for(1_000)
    expect(banner).to_be_hidden()
    server.page.clock.run_for(2_500)
    expect(banner).to_contain_text("Reconnecting… your answer is still being written")
    server.welcome(offset=None, streams=[{"streamId": "str_1", "status": "streaming", "seq": 3}])
    server.page.clock.run_for(100)
    expect(banner).to_be_hidden()


def test_a_draft_and_a_question_without_an_ack_outlive_a_reload(server: ScriptedServer) -> None:
    server.page.goto("/")
    server.welcome()
    composer = server.page.get_by_test_id("composer")
    composer.fill("Half a thought")
    server.page.reload()
    server.welcome()
    expect(composer).to_have_value("Half a thought")

    sent = ask(server, "A whole thought")
    expect(composer).to_have_value("")
    server.page.reload()  # before the ack: the server may never have heard of it
    server.welcome()
    server.refuse(server.receive("chat.get"), "not_found", "There is no such chat.")
    assert server.receive("message.send") == sent  # the same id: at most one effect (guarantee 3)
    question = server.page.locator("[data-role=user]")
    expect(question).to_have_attribute("data-status", "sending")
    accept(server, sent)
    expect(question).to_have_attribute("data-status", "stored")
    expect(composer).to_have_value("")
