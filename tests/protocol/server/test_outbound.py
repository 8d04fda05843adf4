"""What leaves a connection, and in which order."""

import gc
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.limits import FlowLimits
from protocol.server.outbound import CONTROL_BYTES, Outbound
from tests.protocol.server.world import FakeEvents, FakeLog, Json, Wire, ready, types

ROOM = 10**9
# Windows so large that nothing but the order is seen.
WIDE = FlowLimits(start=10**8, least=10**8, most=10**8)


def data(frames: list[Json]) -> list[Json]:
    """Frames without the pings among them."""
    return [frame for frame in frames if frame["type"] != "ping"]


def spans(frames: list[Json]) -> list[tuple[int, int]]:
    return [(frame["prev"], frame["seq"]) for frame in frames if frame["type"] == "stream.chunk"]


# One stream


@given(st.lists(st.integers(0, 20), max_size=20), st.integers(0, 5))
def test_g08_each_frame_begins_where_the_one_before_ended(words: list[int], after: int) -> None:
    log, connection = FakeLog(words=5), ready(flow=WIDE, outbound_bytes=150)
    connection.core.subscribe(log, after)
    covered: list[tuple[int, int]] = []
    for count in words:
        for n in range(count):
            log.say(f"{n} ")
        connection.core.touch(log.stream_id)
        covered += spans(connection.take())
    covered += spans(connection.take())
    last = after
    for prev, seq in covered:
        assert prev == last < seq
        last = seq
    assert last == log.head


def test_g08_what_was_missed_comes_as_one_merged_frame() -> None:
    log, connection = FakeLog(words=2_000), ready(flow=WIDE)
    connection.core.subscribe(log, 7)
    assert spans(data(connection.take())) == [(7, 2_000)]


def test_g10_the_ack_comes_before_the_first_chunk() -> None:
    connection = ready()
    connection.receive({"type": "stream.subscribe", "id": "s", "streamId": "str_1", "after": 0})
    connection.core.ack("s", {})
    connection.core.subscribe(FakeLog(words=3), 0)
    assert types(connection.take()) == ["ack", "ping", "stream.chunk"]


def test_g10_nothing_of_an_older_subscription_comes_after_the_new_ack() -> None:
    log, connection = FakeLog(words=5), ready(flow=FlowLimits(start=1, least=1, most=1))
    connection.core.subscribe(log, 0)
    connection.take()
    log.say("more")
    connection.core.touch("str_1")
    connection.core.ack("s2", {})
    connection.core.subscribe(log, 4)
    for _ in range(9):
        connection.take()
        connection.now += 0.2
        connection.pong()
    at = types(connection.sent).index("ack")
    assert spans(connection.sent[:at]) == [(0, 1)]
    assert spans(connection.sent[at:]) == [(4, 5), (5, 6)]


def test_g12_the_end_comes_last_and_once() -> None:
    log, connection = FakeLog(words=3), ready(flow=WIDE)
    connection.core.subscribe(log, 0)
    log.status("Thinking")
    log.finish()
    assert types(data(connection.take())) == ["stream.chunk", "stream.end"]
    connection.core.touch("str_1")
    assert connection.take() == []
    assert connection.core.take_ended() == [log]
    assert connection.core.take_ended() == []
    assert connection.core.close() == []


def test_g12_a_subscription_at_the_end_gets_the_end_alone() -> None:
    log, connection = FakeLog(words=3), ready()
    log.finish()
    connection.core.subscribe(log, 3)
    assert types(data(connection.take())) == ["stream.end"]


def test_g12_an_ended_stream_can_be_followed_again() -> None:
    log, connection = FakeLog(words=3), ready(flow=WIDE)
    log.finish()
    for after in (0, 2, 3):
        connection.core.subscribe(log, after)
        last = data(connection.take())
        assert spans(last) == ([(after, 3)] if after < 3 else [])
        assert last[-1]["type"] == "stream.end"


def test_a_status_comes_after_the_text_before_it_and_only_once() -> None:
    log, connection = FakeLog(words=2), ready(flow=WIDE)
    log.status("Thinking")
    connection.core.subscribe(log, 0)
    assert types(data(connection.take())) == ["stream.chunk", "stream.status"]
    log.say("x")
    connection.core.touch("str_1")
    assert types(data(connection.take())) == ["stream.chunk"]
    log.status("Stopping")
    connection.core.touch("str_1")
    assert [frame["label"] for frame in connection.take()] == ["Stopping"]


def test_after_unsubscribing_nothing_comes() -> None:
    log, connection = FakeLog(words=2), ready()
    connection.core.subscribe(log, 0)
    connection.core.unsubscribe("str_1")
    connection.core.touch("str_1")
    assert connection.take() == []


def test_touching_a_stream_that_is_not_followed_does_nothing() -> None:
    connection = ready()
    connection.core.touch("str_9")
    assert connection.take() == []


# Many streams, and events


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6))
def test_streams_take_turns(words: list[int]) -> None:
    out = Outbound(200)
    logs = [FakeLog(f"s{n}", count) for n, count in enumerate(words)]
    for log in logs:
        out.subscribe(log, 0)
    turns: list[str] = []
    while (frame := out.next_data(ROOM)) is not None:
        turns.append(next(log.stream_id for log in logs if f'"{log.stream_id}"'.encode() in frame))
    counts = {log.stream_id: turns.count(log.stream_id) for log in logs}
    for n in range(max(counts.values())):
        expected = [log.stream_id for log in logs if counts[log.stream_id] > n]
        assert turns[: len(expected)] == expected
        turns = turns[len(expected) :]


def test_events_come_first_and_in_order() -> None:
    connection, events = ready(flow=WIDE), FakeEvents(head=5)
    connection.core.subscribe(FakeLog(words=2), 0)
    connection.core.follow_events(events, 2)
    frames = data(connection.take())
    assert types(frames) == ["event"] * 3 + ["stream.chunk"]
    assert [frame["offset"] for frame in frames[:3]] == [3, 4, 5]


def test_a_connection_knows_whether_it_handed_out_every_event() -> None:
    connection, events = ready(flow=FlowLimits(start=100, least=100, most=100)), FakeEvents(head=5)
    assert not connection.core.has_events(0), "it was not told where they begin"
    connection.core.follow_events(events, 5)
    assert connection.core.has_events(5)
    events.add(2, size=200)
    connection.take()
    assert (connection.core.has_events(6), connection.core.has_events(7)) == (True, False)


def test_g10_the_ack_of_events_resume_is_a_barrier() -> None:
    connection, events = ready(), FakeEvents(head=5)
    connection.core.follow_events(events, 5)
    connection.take()
    events.add(2)
    connection.core.ack("r", {})
    connection.core.follow_events(events, 3)
    frames = data(connection.take())
    assert types(frames) == ["ack"] + ["event"] * 4
    assert [frame["offset"] for frame in frames[1:]] == [4, 5, 6, 7]


def test_events_that_the_feed_has_not_reached_yet_are_waited_for() -> None:
    """A snapshot may be newer than the node's feed: what it holds already must not come again."""
    connection, events = ready(), FakeEvents(head=5)
    connection.core.follow_events(events, 7)
    assert connection.take() == []
    events.add(3)
    assert [frame["offset"] for frame in data(connection.take())] == [8]


def test_g28_a_reader_that_fell_out_of_the_event_log_is_reset_once_and_goes_on_from_the_head() -> None:
    connection, events = ready(flow=WIDE), FakeEvents(head=0, keeps=10)
    connection.core.follow_events(events, 0)
    events.add(11)
    (reset,) = data(connection.take())
    assert (reset["type"], reset["offset"], reset["reason"]) == ("events.reset", 11, "slow_consumer")
    events.add(2)
    assert [frame["offset"] for frame in connection.take()] == [12, 13]


def test_a_flood_of_events_cannot_starve_a_stream_for_longer_than_the_event_log_is() -> None:
    """A client too slow for its events falls out of their log, and then the streams have their turn."""
    connection = ready(flow=FlowLimits(start=1_000, least=1_000, most=1_000))
    events, log = FakeEvents(keeps=100), FakeLog(words=1)
    connection.core.follow_events(events, 0)
    connection.core.subscribe(log, 0)
    for _ in range(200):
        events.add(30, size=100)
        connection.take()
        connection.now += 0.2
        connection.pong()
    assert "events.reset" in types(connection.sent)
    assert spans(connection.sent) == [(0, 1)]


# Flow


def test_g27_control_overtakes_data_that_waits_for_the_window() -> None:
    log, connection = FakeLog(words=500), ready(flow=FlowLimits(start=600, least=600, most=600))
    connection.core.subscribe(log, 0)
    first = connection.take()
    assert types(first)[0] == "ping"
    assert spans(first)[-1][1] < 500
    assert connection.take() == []
    assert types(connection.ask({"type": "ping", "id": "now"})) == ["pong"]


def test_g27_a_data_frame_is_cut_to_the_open_window() -> None:
    log, connection = FakeLog(words=500), ready(flow=FlowLimits(start=600, least=600, most=600))
    connection.core.subscribe(log, 0)
    connection.take()
    assert log.reads[0] == 600
    connection.now += 0.2
    connection.pong()
    connection.take()
    assert max(log.reads) <= 600


def test_g27_no_data_frame_is_longer_than_64_kib() -> None:
    log, connection = FakeLog(words=10), ready(flow=WIDE)
    connection.core.subscribe(log, 0)
    connection.take()
    assert log.reads == [64 * 1024]


def test_g27_pings_are_not_sent_for_every_frame() -> None:
    log, connection = FakeLog(), ready()
    connection.core.subscribe(log, 0)
    for _ in range(100):
        log.say("token ")
        connection.core.touch("str_1")
        connection.take()
        connection.pong()
    assert types(connection.sent).count("stream.chunk") == 100
    assert types(connection.sent).count("ping") < 8


def test_g27_the_client_chooses_a_smaller_window() -> None:
    connection = Wire(ready().core)
    assert connection.core.window_for(8_192) == 8_192
    assert connection.core.window_for(1) == 4_096
    assert connection.core.window_for(10**6) == connection.core.window_for(None) == 16_384


def test_g28_a_client_that_stands_still_costs_numbers_not_copies() -> None:
    """A hundred thousand tokens behind, the connection holds what it held when it was one behind."""

    def held(connection: Wire) -> int:
        out = connection.core._out
        return sum(sys.getsizeof(getattr(out, name)) for name in Outbound.__slots__)

    log, connection = FakeLog(words=1), ready(flow=FlowLimits(start=1, least=1, most=1))
    connection.core.subscribe(log, 0)
    connection.take()
    before = held(connection)
    for _ in range(100_000):
        log.texts.append("token ")
        connection.core.touch("str_1")
    connection.take()
    gc.collect()
    assert held(connection) == before
    assert log.reads == [1]


@pytest.mark.parametrize("count", [0, 1, 20])
def test_the_control_queue_is_bounded_in_bytes_and_empty_once_taken(count: int) -> None:
    out = Outbound(1_000)
    for _ in range(count):
        out.control(b"x" * (CONTROL_BYTES // 10))
    assert out.overflows is (count > 10)
    assert len(out.take_control()) == count
    assert not out.overflows
    assert out.take_control() == []
