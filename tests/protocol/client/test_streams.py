"""Streams that a client follows: every chunk once, in order, over as many sockets as that takes."""

import pytest

from protocol.client import Lost, Subscribed
from protocol.frames.client import (
    Hello,
    StreamSubscribe,
    StreamUnsubscribe,
)
from protocol.frames.server import Error, StreamChunk, StreamEnd
from tests.protocol.client.pair import Pair, following, send
from tests.protocol.client.peer import refused


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
