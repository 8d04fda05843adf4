"""A client that moves to another socket when its server says goodbye."""

from protocol.client import Connected, Disconnected
from protocol.frames.client import (
    PresenceUpdate,
    StreamSubscribe,
)
from protocol.frames.server import Error, Goodbye, StreamChunk
from tests.protocol.client.pair import Pair, following, send
from tests.protocol.client.peer import refused

GOODBYE = Goodbye(reason="draining", reconnect_after_ms=(1000, 3000), close_after_ms=9000)


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


def test_g30_what_a_server_that_goes_refuses_waits_for_the_next_one_however_long_that_takes() -> None:
    pair = Pair().connected()
    pair.send(1, GOODBYE)
    pair.do(pair.core.command(send(), pair.now))
    pair.links[1].up.clear()
    pair.send(1, Error(id="send_1", error=refused("draining")))
    for number in range(2, 9):  # a balancer that leads nowhere
        pair.wait_until_due()
        assert pair.connecting == [number]
        pair.break_link(number)
    assert not pair.links[1].up, "it is not asked again of the one that goes"
    assert pair.answers() == {}
    pair.wait_until_due()
    pair.settle()
    assert pair.world.effects == ["send_1"]


def test_g30_what_was_refused_as_we_moved_goes_over_the_new_socket_at_once() -> None:
    pair = Pair().connected()
    pair.do(pair.core.command(send(), pair.now))
    pair.links[1].up.clear()
    pair.send(1, GOODBYE)
    pair.wait_until_due()
    pair.accept()
    pair.up(2)
    pair.down(2)
    pair.send(1, Error(id="send_1", error=refused("draining")))
    pair.settle()
    assert pair.world.effects == ["send_1"]


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
