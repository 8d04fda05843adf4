"""The client's conversation, exchange by exchange."""

import pytest

from protocol.client import Answered, Connected, Disconnected, Lost, Refused, Reset, Send, Stopped, Subscribed
from protocol.client.link import SILENCE
from protocol.errors import Refusal
from protocol.frames.client import (
    AuthRefresh,
    ChatGet,
    ChatUpdate,
    ClientPing,
    ClientPong,
    DashboardGet,
    EventsResume,
    Hello,
    MessageSend,
    PresenceUpdate,
    StreamSubscribe,
    StreamUnsubscribe,
)
from protocol.frames.objects import Question
from protocol.frames.server import Error, Event, EventsReset, Goodbye, ServerPing, StreamChunk, StreamEnd
from tests.protocol.client.pair import Pair
from tests.protocol.client.peer import refused

GOODBYE = Goodbye(reason="draining", reconnect_after_ms=(1000, 3000), close_after_ms=9000)


def send(command: str = "send_1") -> MessageSend:
    return MessageSend(id=command, chat_id="chat_9", message=Question(id="q_1", role="user", parts=[]))


def following(stream_id: str = "str_1") -> Pair:
    pair = Pair()
    pair.world.log(stream_id).say("one ", "two ")
    pair.do(pair.core.subscribe(stream_id, 0, pair.now))
    return pair.connected()


def test_hello_names_every_position() -> None:
    pair = following()
    pair.world.chat("chat_1")
    pair.settle()
    pair.break_link(1)
    pair.wait_until_due()
    pair.settle()
    hello = pair.heard()[0]
    assert isinstance(hello, Hello)
    assert hello.events is not None
    assert (hello.events.epoch, hello.events.offset) == ("e1", 1)
    assert [(each.stream_id, each.after) for each in hello.streams] == [("str_1", 5)]


def test_hello_keeps_within_its_limit_and_the_rest_is_subscribed() -> None:
    pair = Pair(token="t" * 7_500)
    for number in range(32):
        name = f"str_{number:0>50}"
        pair.world.log(name)
        pair.do(pair.core.subscribe(name, 0, pair.now))
    pair.connected()
    hello, *rest = pair.heard()
    assert 0 < len(hello.streams) < 32
    subscribed = {frame.stream_id for frame in rest if isinstance(frame, StreamSubscribe)}
    assert len(subscribed) == 32 - len(hello.streams)
    assert len(pair.folds) == 32


def test_g03_unanswered_command_is_sent_again_with_the_same_id() -> None:
    pair = Pair().connected()
    pair.do(pair.core.command(send(), pair.now))
    pair.up(1)  # carried out, and the answer is lost
    pair.break_link(1)
    pair.wait_until_due()
    pair.settle()
    assert pair.world.effects == ["send_1"]
    answer = pair.answers()["send_1"]
    assert isinstance(answer, Answered)
    assert answer.duplicate
    assert pair.folds["str_1"].message_id == "msg_str_1"


def test_command_given_without_a_socket_waits_for_one() -> None:
    pair = Pair()
    pair.take(pair.core.open(pair.now))
    pair.do(pair.core.command(ChatUpdate(id="u1", chat_id="c", title="x"), pair.now))
    pair.settle()
    assert pair.world.effects == ["u1"]


def test_no_more_commands_in_flight_than_the_server_takes() -> None:
    pair = Pair().connected()
    for number in range(20):
        pair.do(pair.core.command(ChatUpdate(id=f"u{number}", chat_id="c", title="x"), pair.now))
    assert len(pair.links[1].up) == 16
    pair.settle()
    assert pair.world.effects == [f"u{number}" for number in range(20)]


def test_too_large_command_is_refused_here() -> None:
    pair = Pair().connected()
    with pytest.raises(Refusal) as refusal:
        pair.core.command(ChatUpdate(id="u", chat_id="c", title="x" * 300_000), pair.now)
    assert refusal.value.code == "frame_too_large"


def test_rate_limited_command_is_put_off_and_sent_again() -> None:
    pair = Pair().connected()
    pair.do(pair.core.command(ChatUpdate(id="u", chat_id="c", title="x"), pair.now))
    pair.links[1].up.clear()
    pair.send(1, Error(id="u", error=refused("rate_limited", retry_after_ms=700)))
    assert pair.answers() == {}
    assert pair.core.deadline(pair.now) == pair.now + 0.7
    pair.wait(0.7)
    pair.settle()
    assert not isinstance(pair.answers()["u"], Refused)


def test_long_wait_is_the_applications_to_decide_on() -> None:
    pair = Pair().connected()
    pair.do(pair.core.command(ChatUpdate(id="u", chat_id="c", title="x"), pair.now))
    pair.send(1, Error(id="u", error=refused("rate_limited", retry_after_ms=60_000)))
    assert isinstance(pair.answers()["u"], Refused)


def test_g10_chunks_before_the_ack_of_a_subscribe_are_dropped() -> None:
    pair = Pair().connected()
    pair.world.log().say("a ")
    pair.do(pair.core.subscribe("str_1", 0, pair.now))
    early = StreamChunk(stream_id="str_1", prev=0, seq=1, chunks=[{"type": "start", "messageId": "wrong"}])
    assert pair.send(1, early) == []
    pair.settle()
    assert pair.folds["str_1"].message_id == "msg_str_1"


def test_gap_subscribes_again_after_the_last_chunk() -> None:
    pair = following()
    pair.send(1, StreamChunk(stream_id="str_1", prev=9, seq=10, chunks=[]))
    assert (pair.links[1].up[-1]).startswith(b'{"type":"stream.subscribe"')
    pair.world.logs["str_1"].say("three ")
    pair.settle()
    assert [f.after for f in pair.heard() if isinstance(f, StreamSubscribe)] == [5]
    assert pair.folds["str_1"].parts[-1]["text"] == "one two three "


def test_g12_end_beyond_our_position_is_a_gap() -> None:
    pair = following()
    end = StreamEnd(stream_id="str_1", chat_id="c", message_id="m", seq=9, status="completed")
    assert pair.send(1, end) == []
    assert pair.links[1].up[-1].startswith(b'{"type":"stream.subscribe"')


@pytest.mark.parametrize("code", ["position_invalid", "stream_expired", "not_found"])
def test_g11_resumed_stream_that_is_gone_is_reported(code: str) -> None:
    pair = following()
    del pair.world.logs["str_1"]
    pair.links[1].peer.cursors.clear()
    pair.break_link(1)
    pair.wait_until_due()
    pair.settle()
    assert [lost.error.code for lost in pair.lost()] == ["not_found"]
    pair.do(pair.core.subscribe("str_2", 0, pair.now))
    pair.links[2].up.clear()
    pair.send(2, Error(id=_last_subscribe(pair), error=refused(code)))
    assert pair.lost()[-1] == Lost("str_2", refused(code))


def _last_subscribe(pair: Pair) -> str:
    found = pair.core._session.streams.get("str_2")
    assert found is not None
    assert found.asked_by is not None
    return found.asked_by


def test_answer_to_an_older_subscribe_is_no_barrier() -> None:
    pair = following()
    gap = StreamChunk(stream_id="str_1", prev=9, seq=10, chunks=[])
    pair.send(1, gap)
    pair.do(pair.core.unsubscribe("str_1", pair.now))
    pair.do(pair.core.subscribe("str_1", 5, pair.now))
    pair.up(1)
    assert pair.down(1) == []
    pair.up(1)
    pair.down(1)
    pair.up(1)
    assert isinstance(pair.down(1)[0], Subscribed)


def test_subscribe_refused_for_now_is_asked_again() -> None:
    pair = Pair().connected()
    pair.world.log("str_2").say("x ")
    pair.do(pair.core.subscribe("str_2", 0, pair.now))
    pair.links[1].up.clear()
    pair.send(1, Error(id=_last_subscribe(pair), error=refused("unavailable")))
    assert pair.lost() == []
    pair.wait_until_due()
    pair.settle()
    assert pair.folds["str_2"].parts[-1]["text"] == "x "
    assert [type(n) for n in pair.notices].count(Subscribed) == 1


def test_unsubscribe_drops_what_is_under_way() -> None:
    pair = following()
    pair.do(pair.core.unsubscribe("str_1", pair.now))
    pair.world.logs["str_1"].say("three ")
    pair.settle()
    assert pair.folds["str_1"].parts[-1]["text"] == "one two "
    assert isinstance(pair.heard()[-1], StreamUnsubscribe)


def test_g27_pong_leaves_after_everything_before_the_ping_was_handled() -> None:
    pair = following()
    pair.core.received(1, b'{"type":"ping","id":"p1"}', pair.now)
    assert pair.core.actions() == [Send(1, b'{"type":"pong","id":"p1"}')]
    pair.send(1, ServerPing(id="p2"))
    pair.settle()
    assert pair.heard()[-1] == ClientPong(id="p2")


def test_g29_the_server_says_what_silence_is() -> None:
    pair = Pair()
    pair.world.limits["silenceMs"] = 90_000
    pair.connected()
    pair.wait(89)
    assert pair.core.state == "ready"
    assert isinstance(pair.wait(1)[0], Disconnected)


def test_g29_silence_leads_to_a_new_socket() -> None:
    pair = following()
    pair.wait(SILENCE - 1)
    pair.send(1, ServerPing(id="p"))
    pair.wait(SILENCE - 1)
    assert pair.core.state == "ready"
    notices = pair.wait(1)
    assert isinstance(notices[0], Disconnected)
    assert pair.closed == [(1, 4000)]
    pair.wait_until_due()
    pair.settle()
    assert pair.core.state == "ready"


def test_foreground_probe_without_pong_opens_a_socket_at_once() -> None:
    pair = following()
    pair.do(pair.core.foreground(pair.now))
    assert pair.links[1].up[-1].startswith(b'{"type":"ping"')
    pair.links[1].up.clear()
    pair.wait(4.9)
    assert pair.core.state == "ready"
    pair.wait(0.1)
    assert pair.core.state == "connecting"
    assert pair.connecting == [2]


def test_foreground_probe_that_is_answered_changes_nothing() -> None:
    pair = following()
    pair.do(pair.core.foreground(pair.now))
    pair.settle()
    assert isinstance(pair.heard()[-1], ClientPing)
    pair.wait(10)
    assert list(pair.links) == [1]


def test_foreground_ends_the_wait_for_a_retry() -> None:
    pair = following()
    pair.break_link(1)
    assert pair.core.state == "backoff"
    pair.do(pair.core.foreground(pair.now))
    assert pair.core.state == "connecting"


def test_retries_are_spread_and_capped() -> None:
    pair = Pair(random=lambda: 0.999)
    pair.take(pair.core.open(pair.now))
    waits = []
    for number in range(1, 9):
        (notice,) = pair.break_link(number)
        assert isinstance(notice, Disconnected)
        waits.append(round(notice.retry_in, 1))
        pair.wait_until_due()
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]


def test_connect_and_hello_that_are_never_answered_are_given_up() -> None:
    pair = Pair()
    pair.take(pair.core.open(pair.now))
    pair.wait_until_due()
    assert pair.core.state == "backoff"
    pair.wait_until_due()
    pair.accept()
    assert pair.core.state == "authenticating"
    pair.wait_until_due()
    assert pair.core.state == "backoff"


@pytest.mark.parametrize("code", [4400, 4401, 4403, 4406, 4409, 1009])
def test_close_codes_that_need_a_change_stop_the_client(code: int) -> None:
    pair = following()
    assert pair.break_link(1, code) == [Stopped(code, None)]
    assert pair.core.state == "stopped"
    assert pair.core.deadline(pair.now) is None


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012, 1013, 4500, 4503, 4504, 4508, 4529])
def test_close_codes_that_time_heals_lead_to_a_retry(code: int) -> None:
    pair = following()
    pair.break_link(1, code)
    assert pair.core.state == "backoff"


def test_fatal_error_speaks_for_a_close_code_that_was_swallowed() -> None:
    pair = following()
    pair.send(1, Error(error=refused("session_revoked"), fatal=True))
    assert pair.break_link(1, 1006) == [Stopped(4403, refused("session_revoked"))]


def test_retry_after_is_kept() -> None:
    pair = following()
    pair.send(1, Error(error=refused("overloaded", retry_after_ms=9_000), fatal=True))
    (notice,) = pair.break_link(1, 1013)
    assert isinstance(notice, Disconnected)
    assert notice.retry_in == 9.0


def test_goodbye_moves_without_a_break() -> None:
    pair = following()
    pair.do(pair.core.presence(PresenceUpdate(visibility="visible", chat_id="chat_1")))
    pair.send(1, GOODBYE)
    pair.wait(1.9)
    assert list(pair.links) == [1]
    pair.wait(0.1)  # 1 s + 0.5 * 2 s
    pair.accept()
    pair.world.logs["str_1"].say("three ")
    pair.links[1].down += pair.links[1].peer.pump()
    pair.down(1)  # the old socket still delivers, past the position in the hello
    assert pair.folds["str_1"].parts[-1]["text"] == "one two three "
    pair.settle()
    assert [n.moved for n in pair.notices if isinstance(n, Connected)] == [False, True]
    assert not any(isinstance(n, Disconnected) for n in pair.notices)
    assert list(pair.links) == [2]
    assert pair.core.state == "ready"
    assert PresenceUpdate(visibility="visible", chat_id="chat_1") in pair.heard(2)
    assert [f.after for f in pair.heard(2) if isinstance(f, StreamSubscribe)] == [6]
    pair.world.logs["str_1"].say("four ")
    pair.settle()
    assert pair.folds["str_1"].parts[-1]["text"] == "one two three four "


def test_g30_old_socket_stays_until_it_has_answered() -> None:
    pair = following("str_0")
    pair.do(pair.core.command(send(), pair.now))
    pair.send(1, GOODBYE)
    pair.wait_until_due()
    pair.accept()
    pair.up(2)
    pair.down(2)
    assert pair.core.state == "ready"
    assert pair.send(1, StreamChunk(stream_id="str_0", prev=5, seq=6, chunks=[])) == []
    assert list(pair.links) == [1, 2]
    pair.world.chat("c")
    pair.send(1, pair.world.events[-1])
    assert pair.dashboard.chats == [], "what counts comes over the new socket alone"
    pair.up(1)
    pair.down(1)  # the ack; its stream must be followed on the new socket
    assert list(pair.links) == [2]
    pair.world.logs["str_2"].say("x ")
    pair.settle()
    assert pair.folds["str_2"].parts[-1]["text"] == "x "


def test_old_socket_that_dies_unanswered_hands_its_commands_over() -> None:
    pair = Pair().connected()
    pair.do(pair.core.command(send(), pair.now))
    pair.send(1, GOODBYE)
    pair.wait_until_due()
    pair.accept()
    pair.up(2)
    pair.down(2)
    pair.break_link(1)
    pair.settle()
    assert pair.world.effects == ["send_1"]


def test_old_socket_that_dies_before_the_move_leaves_the_new_one_in_charge() -> None:
    pair = following()
    pair.send(1, GOODBYE)
    pair.wait_until_due()
    assert pair.connecting == [2]
    pair.break_link(1)
    assert pair.core.state == "connecting"
    pair.settle()
    assert pair.core.state == "ready"
    assert list(pair.links) == [2]


def test_refused_move_is_tried_again_while_the_old_socket_lives() -> None:
    pair = following()
    pair.send(1, GOODBYE)
    pair.wait_until_due()
    pair.break_link(2, 1012)
    assert pair.core.state == "draining"
    pair.world.logs["str_1"].say("three ")
    pair.settle()
    assert pair.folds["str_1"].parts[-1]["text"] == "one two three "
    pair.wait_until_due()
    pair.settle()
    assert list(pair.links) == [3]


def test_g21_event_gap_is_resumed() -> None:
    pair = Pair().connected()
    pair.world.chat("c1")
    pair.world.chat("c2")
    pair.links[1].peer.offset = 1  # the first was lost
    pair.settle()
    assert [f.offset for f in pair.heard() if isinstance(f, EventsResume)] == [0]
    assert len(pair.dashboard.chats) == 2


def test_events_reset_reads_the_dashboard_again() -> None:
    pair = Pair().connected()
    pair.world.chat("c1")
    pair.links[1].peer.offset = 1
    pair.send(1, EventsReset(epoch="e1", offset=1, reason="slow_consumer"))
    pair.settle()
    assert any(isinstance(n, Reset) for n in pair.notices)
    assert any(isinstance(f, DashboardGet) for f in pair.heard())
    assert len(pair.dashboard.chats) == 1


def test_event_that_overtakes_the_snapshot_is_asked_for_again() -> None:
    pair = Pair().connected()
    pair.send(1, EventsReset(epoch="e1", offset=0, reason="slow_consumer"))
    pair.up(1)  # the snapshot is read at 0
    pair.world.chat("c1")
    pair.links[1].down.appendleft(pair.links[1].peer.pump()[0])
    pair.settle()
    assert len(pair.dashboard.chats) == 1


def test_client_without_a_dashboard_jumps_and_says_so() -> None:
    pair = Pair(dashboard=False).connected()
    assert pair.heard()[0].snapshot == "never"
    pair.world.chat("c1")
    pair.settle()
    pair.world.epoch = "e2"
    pair.break_link(1)
    pair.wait_until_due()
    pair.settle()
    assert [n for n in pair.notices if isinstance(n, Reset)] == [Reset("e2", 1, "epoch_changed")]
    pair.world.chat("c2")
    pair.settle()
    assert isinstance(pair.notices[-1], Event)


def test_unanswered_refresh_is_answered_by_the_next_welcome() -> None:
    pair = Pair(token="old").connected()
    pair.do(pair.core.command(AuthRefresh(id="r1", token="new"), pair.now))
    pair.links[1].up.clear()
    pair.break_link(1)
    pair.wait_until_due()
    pair.settle()
    assert pair.heard()[0].token == "new"
    assert "r1" in pair.answers()
    assert not any(isinstance(f, AuthRefresh) for f in pair.heard())


def test_a_ticket_is_good_once_so_the_next_hello_says_the_token() -> None:
    pair = Pair(token="lasting").connected()
    pair.do(pair.core.command(AuthRefresh(id="r1", token="twt_once"), pair.now))
    pair.settle()
    pair.break_link(1)
    pair.wait_until_due()
    pair.settle()
    assert pair.heard()[0].token == "lasting"


def test_read_is_run_again_after_a_reconnect() -> None:
    pair = Pair().connected()
    pair.do(pair.core.command(ChatGet(id="g1", chat_id="nope"), pair.now))
    pair.links[1].up.clear()
    pair.break_link(1)
    pair.wait_until_due()
    pair.settle()
    assert pair.answers()["g1"] == Refused("g1", refused("not_found"))


def test_g06_unknown_frames_and_streams_are_ignored() -> None:
    pair = following()
    assert pair.do(pair.core.received(1, '{"type":"confetti","id":"x"}', pair.now)) == []
    assert pair.send(1, StreamChunk(stream_id="other", prev=0, seq=1, chunks=[])) == []
    assert pair.core.state == "ready"


@pytest.mark.parametrize("text", ["[]", "{", '{"type":"ack"}', '{"type":"stream.chunk","streamId":1}'])
def test_server_that_breaks_the_wire_is_left(text: str) -> None:
    pair = following()
    pair.take(pair.core.received(1, text, pair.now))
    assert pair.closed == [(1, 4400)]
    assert pair.core.state == "backoff"


def test_questions_of_a_lost_socket_are_not_asked_on_the_next() -> None:
    pair = Pair().connected()
    pair.world.log("str_2")
    pair.do(pair.core.subscribe("str_2", 0, pair.now))
    pair.send(1, EventsReset(epoch="e1", offset=0, reason="slow_consumer"))
    pair.break_link(1)
    pair.wait_until_due()
    pair.settle()
    assert [type(f) for f in pair.heard()] == [Hello], "the hello asks for both"


def test_close_is_final_and_idempotent() -> None:
    pair = following()
    pair.take(pair.core.close())
    pair.take(pair.core.close())
    assert pair.closed == [(1, 1000)]
    assert pair.core.deadline(pair.now) is None
    assert pair.take(pair.core.closed(1, 1000, pair.now)) == []


def test_ack_of_a_send_for_a_stream_that_is_followed_already_goes_on_from_there() -> None:
    pair = Pair().connected()
    pair.do(pair.core.command(send(), pair.now))
    pair.up(1)
    ack = pair.links[1].down.pop()
    pair.world.logs["str_1"].say("a ")
    pair.do(pair.core.subscribe("str_1", 0, pair.now))  # the event was faster than the ack
    pair.settle()
    pair.links[1].peer.cursors["str_1"] = 0  # what the server does with the ack
    pair.links[1].down.append(ack)
    pair.world.logs["str_1"].say("b ")
    pair.settle()
    assert pair.folds["str_1"].parts[-1]["text"] == "a b "
