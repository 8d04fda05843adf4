"""Commands of a client: each is answered once, over as many sockets as that takes."""

import pytest

from protocol.client import Answered, Refused
from protocol.errors import Refusal
from protocol.frames.client import (
    AuthRefresh,
    ChatGet,
    ChatUpdate,
    Hello,
    StreamStop,
)
from protocol.frames.server import Error, EventsReset
from tests.protocol.client.pair import Pair, send
from tests.protocol.client.peer import refused


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


def rename(command_id: str, chat_id: str = "c") -> ChatUpdate:
    return ChatUpdate(id=command_id, chat_id=chat_id, title="x")


def say_away(pair: Pair, command_id: str, **more: int) -> None:
    pair.links[1].up.clear()
    pair.send(1, Error(id=command_id, error=refused("unavailable", **more)))


def test_g03_command_without_a_database_is_tried_again_under_the_same_id() -> None:
    pair = Pair().connected()
    pair.do(pair.core.command(rename("u1"), pair.now))
    say_away(pair, "u1")
    pair.wait(0.5)
    say_away(pair, "u1", retry_after_ms=1500)
    assert pair.core.deadline(pair.now) == pair.now + 1.5
    pair.wait(1.5)
    pair.settle()
    assert pair.world.effects == ["u1"]
    assert isinstance(pair.answers()["u1"], Answered)


def test_five_seconds_without_a_database_are_told_to_the_person() -> None:
    pair = Pair().connected()
    pair.do(pair.core.command(rename("u1"), pair.now))
    start = pair.now
    say_away(pair, "u1")
    while not pair.answers():
        pair.wait(0.5)
        say_away(pair, "u1")
    assert pair.now - start == 5.0
    assert isinstance(pair.answers()["u1"], Refused)


def test_command_that_is_tried_again_keeps_its_place() -> None:
    pair = Pair().connected()
    pair.do(pair.core.command(rename("u1"), pair.now))
    say_away(pair, "u1")
    pair.do(pair.core.command(rename("u2"), pair.now))
    assert not pair.links[1].up
    pair.do(pair.core.command(StreamStop(id="s", chat_id="c"), pair.now))
    pair.do(pair.core.command(rename("u3", "another"), pair.now))
    assert len(pair.links[1].up) == 2  # neither a stop nor another chat waits
    pair.links[1].up.popleft()
    pair.wait(0.5)
    pair.settle()
    assert [effect for effect in pair.world.effects if effect.startswith("u")] == ["u3", "u1", "u2"]


def test_command_that_was_overtaken_is_not_tried_again() -> None:
    pair = Pair().connected()
    pair.do(pair.core.command(rename("u1"), pair.now))
    pair.do(pair.core.command(rename("u2"), pair.now))
    pair.links[1].up.popleft()
    pair.send(1, Error(id="u1", error=refused("unavailable")))
    pair.settle()
    assert isinstance(pair.answers()["u1"], Refused)
    assert pair.world.effects == ["u2"]


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


def test_questions_of_a_lost_socket_are_not_asked_on_the_next() -> None:
    pair = Pair().connected()
    pair.world.log("str_2")
    pair.do(pair.core.subscribe("str_2", 0, pair.now))
    pair.send(1, EventsReset(epoch="e1", offset=0, reason="slow_consumer"))
    pair.break_link(1)
    pair.wait_until_due()
    pair.settle()
    assert [type(f) for f in pair.heard()] == [Hello], "the hello asks for both"
