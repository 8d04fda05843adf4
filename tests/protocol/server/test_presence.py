"""What a tab says of its screen, and how that slows down what it is sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.frames.server import Goodbye
from protocol.limits import FlowLimits
from protocol.server.presence import STATUS, TICK
from tests.protocol.server.world import FakeEvents, FakeLog, Json, Wire, code, ready, shows, types

# Windows so large that nothing but the pace is seen.
WIDE = FlowLimits(start=10**8, least=10**8, most=10**8)
HIDDEN = shows(None, "hidden")
FAREWELL = Goodbye(reason="draining", reconnect_after_ms=(0, 1), close_after_ms=1)


def follows(*logs: FakeLog, capabilities: tuple[str, ...] = (), says: Json | None = HIDDEN) -> Wire:
    """A tab that follows streams from their start, and has said what it shows."""
    connection = ready(flow=WIDE, capabilities=capabilities)
    for log in logs:
        connection.core.subscribe(log, 0)
    if says is not None:
        connection.receive(says)
    return connection


def say(connection: Wire, log: FakeLog, text: str = "x") -> list[Json]:
    """A stream has a word more; what leaves now."""
    log.say(text)
    connection.core.touch(log.stream_id)
    return connection.take()


def spans(frames: list[Json]) -> list[tuple[int, int]]:
    return [(frame["prev"], frame["seq"]) for frame in frames if frame["type"] == "stream.chunk"]


def data(frames: list[Json]) -> list[Json]:
    return [frame for frame in frames if frame["type"] not in ("ping", "pong", "ack", "error", "goodbye")]


# Who sees what


def test_g02_presence_has_no_answer_but_a_bad_one_is_refused() -> None:
    connection = ready()
    assert connection.ask(shows("c")) == []
    assert connection.core.in_flight == 0
    (error,) = connection.ask({"type": "presence.update", "visibility": "asleep"})
    assert (code(error), error["error"]["param"], error.get("id")) == ("invalid_argument", "$.visibility", None)
    assert connection.core.watches("c", connection.now), "what was said before still holds"


def test_g26_a_person_sees_the_chat_that_a_visible_tab_names() -> None:
    connection = ready()
    assert not connection.core.watches("c", connection.now), "it has said nothing"
    for frame, seen in [
        (shows("c"), True), (shows("d"), False), (shows("c"), True), (shows("c", "hidden"), False),
        (shows("c"), True), (shows(None), False), (shows(None, "hidden"), False),
    ]:  # fmt: skip
        connection.receive(frame)
        assert connection.core.watches("c", connection.now) is seen, frame


def test_g26_whoever_does_not_answer_a_ping_for_ten_seconds_sees_nothing() -> None:
    connection = ready(phase=0, heartbeat_timeout_ms=60_000)
    connection.receive(shows("c"))
    connection.wait(9.9)
    assert connection.core.watches("c", connection.now)
    connection.wait(0.2)
    assert not connection.core.watches("c", connection.now)
    connection.pong()
    assert connection.core.watches("c", connection.now)


def test_g26_a_connection_that_is_closed_sees_nothing() -> None:
    connection = ready()
    connection.receive(shows("c"))
    connection.core.goodbye(FAREWELL)
    assert connection.core.watches("c", connection.now), "it is still read"
    connection.receive("[]")
    assert not connection.core.watches("c", connection.now)


# The slow tick of a hidden tab


@pytest.mark.parametrize("says", [None, shows("c"), shows(None)])
def test_a_tab_that_is_not_hidden_waits_for_nothing(says: Json | None) -> None:
    log = FakeLog()
    connection = follows(log, says=says)
    assert [spans(say(connection, log)) for _ in range(3)] == [[(0, 1)], [(1, 2)], [(2, 3)]]


def test_a_hidden_tab_gets_the_first_word_at_once_and_the_rest_as_one_range() -> None:
    log = FakeLog()
    connection = follows(log)
    assert spans(say(connection, log)) == [(0, 1)]
    assert [say(connection, log) for _ in range(25)] == [[]] * 25
    assert connection.core.deadline() == connection.now + TICK
    assert spans(connection.wait(TICK)) == [(1, 26)]
    connection.wait(TICK)
    assert spans(say(connection, log)) == [(26, 27)], "after a pause, at once again"


def test_events_and_ends_of_a_hidden_tab_leave_together() -> None:
    log, other, events = FakeLog("a", words=1), FakeLog("b"), FakeEvents()
    connection = follows(log, other)
    connection.core.follow_events(events, 0)
    connection.take()
    for frames in (say(connection, log), say(connection, other)):
        assert frames == []
    events.add(3)
    other.status("Thinking")
    log.finish()
    connection.core.touch("a")
    assert connection.take() == []
    kinds = types(data(connection.wait(TICK)))
    assert sorted(kinds) == ["event"] * 3 + ["stream.chunk"] * 2 + ["stream.end", "stream.status"]


def test_g27_answers_and_pongs_of_a_hidden_tab_never_wait() -> None:
    log = FakeLog()
    connection = follows(log)
    say(connection, log)
    say(connection, log)
    assert types(connection.ask({"type": "ping", "id": "a"})) == ["pong"]
    connection.receive({"type": "chat.get", "id": "b", "chatId": "c"})
    connection.core.ack("b", {})
    assert types(connection.take()) == ["ack"]


def test_a_tab_that_becomes_visible_gets_everything_at_once() -> None:
    log, events = FakeLog(), FakeEvents()
    connection = follows(log)
    connection.core.follow_events(events, 0)
    say(connection, log)
    say(connection, log)
    events.add()
    assert types(connection.ask(shows("c"))) == ["event", "stream.chunk"]
    assert spans(say(connection, log)) == [(2, 3)]


def test_a_node_that_goes_lets_no_hidden_tab_wait() -> None:
    log = FakeLog()
    connection = follows(log)
    say(connection, log)
    assert say(connection, log) == []
    connection.core.goodbye(FAREWELL)
    assert types(connection.take()) == ["goodbye", "stream.chunk"]


def test_g27_a_hidden_tab_whose_window_is_full_is_not_woken_for_nothing() -> None:
    log = FakeLog()
    connection = ready(flow=FlowLimits(start=1, least=1, most=1), phase=0.9)
    connection.core.subscribe(log, 0)
    connection.receive(HIDDEN)
    say(connection, log)
    say(connection, log)
    assert connection.core.deadline() == connection.now + 10, "the pong is awaited, and nothing before"
    connection.now += TICK
    connection.pong()
    connection.take()
    connection.now += 0.1
    connection.pong()
    assert spans(connection.take() or connection.wait(TICK)) == [(1, 2)]


STEP = st.one_of(
    st.tuples(st.just("say"), st.integers(0, 2)),
    st.tuples(st.just("event"), st.integers(1, 3)),
    st.tuples(st.just("wait"), st.sampled_from([0.016, 0.1, 0.25, 0.3])),
    st.tuples(st.just("look"), st.sampled_from(["visible", "hidden"])),
    st.tuples(st.just("end"), st.integers(0, 2)),
)


class Pace:
    """A tab of three streams and events, and the law of what it gets when."""

    def __init__(self, capabilities: tuple[str, ...]) -> None:
        self.logs = [FakeLog(f"s{n}") for n in range(3)]
        self.events = FakeEvents()
        self.connection = follows(*self.logs, capabilities=capabilities, says=None)
        self.connection.core.follow_events(self.events, 0)
        self.only_status = STATUS in capabilities
        self.hidden = False
        self.last: float | None = None  # when data left last, while it was hidden
        self.seqs = {log.stream_id: 0 for log in self.logs}
        self.ended: set[str] = set()
        self.offset = 0

    def do(self, kind: str, what: Any) -> None:
        connection = self.connection
        if kind == "wait":
            self.take(until=connection.now + what)
            return
        if kind == "look":
            self.hidden, self.last = what == "hidden", self.last if what == "hidden" else None
            connection.receive(shows("c", what))
        elif kind == "event":
            self.events.add(what)
        elif (log := self.logs[what]).end is None:
            log.say("x ") if kind == "say" else log.finish()
            connection.core.touch(log.stream_id)
        self.take()
        if not self.hidden:
            assert self.is_whole, "a visible tab waits for nothing"

    def take(self, until: float | None = None) -> None:
        """Let what may leave, leave: now, and whenever the core asks to be woken."""
        connection = self.connection
        self.check(data(connection.take()))
        while until is not None and (due := connection.core.deadline()) <= until:
            connection.now = max(due, connection.now)
            connection.core.expire(connection.now)
            self.check(data(connection.take()))
            connection.pong()
        connection.now = until or connection.now

    def check(self, frames: list[Json]) -> None:
        for frame in frames:
            if frame["type"] == "event":
                assert frame["offset"] == self.offset + 1, "guarantee 20"
                self.offset += 1
                continue
            stream_id = frame["streamId"]
            assert stream_id not in self.ended, "guarantee 12: the end is last"
            if frame["type"] == "stream.chunk":
                assert frame["prev"] == self.seqs[stream_id], "guarantee 8"
                self.seqs[stream_id] = frame["seq"]
                is_over = self.logs[int(stream_id[1:])].end is not None
                assert is_over or not (self.hidden and self.only_status), "it did not ask for words"
            else:
                assert frame["seq"] == self.seqs[stream_id], "guarantee 12"
                self.ended.add(stream_id)
        if frames and self.hidden:
            assert self.last is None or self.connection.now >= self.last + TICK
            self.last = self.connection.now

    @property
    def is_whole(self) -> bool:
        """Whether it has been sent everything it is to be sent."""
        running = [log for log in self.logs if log.end is None]
        whole = [log for log in self.logs if log.end is not None or not (self.hidden and self.only_status)]
        return (
            self.offset == self.events.head
            and all(self.seqs[log.stream_id] == log.head for log in whole)
            and len(self.ended) == len(self.logs) - len(running)
        )


@pytest.mark.parametrize("capabilities", [(), (STATUS,)])
@given(st.lists(STEP, max_size=40))
def test_g08_g12_g20_whoever_looks_when_nothing_is_lost_and_nothing_is_early(
    capabilities: tuple[str, ...], steps: list[tuple[str, Any]]
) -> None:
    pace = Pace(capabilities)
    for step in steps:
        pace.do(*step)
    pace.do("wait", TICK)
    assert pace.is_whole, "a timer, and nobody's word, brings the rest"
    pace.do("look", "visible")


# The capability `status`


def test_a_hidden_tab_that_wants_the_status_gets_no_words() -> None:
    log = FakeLog(words=2)
    connection = follows(log, capabilities=(STATUS,))
    log.status("Thinking")
    assert types(connection.take()) == ["ping", "stream.status"]
    assert say(connection, log) == []
    assert connection.wait(1) == []
    assert spans(connection.ask(shows("c"))) == [(0, 3)], "and all of them when somebody looks"
    assert spans(say(connection, log)) == [(3, 4)]


def test_g12_before_the_end_such_a_tab_gets_what_it_misses() -> None:
    log = FakeLog(words=500)
    connection = follows(log, capabilities=(STATUS,))
    assert connection.take() == []
    log.finish()
    connection.core.touch(log.stream_id)
    *chunks, end = data(connection.take())
    assert spans(chunks)[0][0] == 0
    assert (end["type"], end["seq"], spans(chunks)[-1][1]) == ("stream.end", 500, 500)


def test_whoever_did_not_ask_for_the_status_gets_words_while_hidden() -> None:
    log = FakeLog(words=2)
    assert spans(follows(log).take()) == [(0, 2)]


def test_g10_a_subscription_of_such_a_tab_waits_behind_its_ack_until_somebody_looks() -> None:
    log = FakeLog(words=3)
    connection = follows(capabilities=(STATUS,))
    connection.receive({"type": "stream.subscribe", "id": "s", "streamId": "str_1", "after": 1})
    connection.core.ack("s", {})
    connection.core.subscribe(log, 1)
    assert types(connection.take()) == ["ack"]
    assert spans(connection.ask(shows("c"))) == [(1, 3)]
