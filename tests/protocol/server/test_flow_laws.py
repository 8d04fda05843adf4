"""Guarantee 27 as a model: whatever the client and the logs do, the window holds and nothing is lost or stuck."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from app.realtime.feed import Feed
from app.store.events import StoredEvent
from app.streams.log import StreamLog
from protocol.limits import FlowLimits
from protocol.parts.chunks import text_delta, text_start
from tests.protocol.server.world import Json, Wire, ready

LEAST, START, MOST, FRAME = 200, 400, 1_600, 500
FLOW = FlowLimits(start=START, least=LEAST, most=MOST)
STREAMS = ("str_a", "str_b", "str_c")
LONGEST = 300  # the longest frame that cannot be cut here: one delta or one event, with what is around it
STEPS = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(STREAMS), st.integers(1, 60), st.integers(0, 30)),
    st.tuples(st.just("event"), st.integers(1, 4)),
    st.tuples(st.just("wait"), st.sampled_from([0.01, 0.05, 0.2, 0.4, 0.6, 3.0])),
    st.tuples(st.just("read"), st.integers(1, 12)),
    st.tuples(st.just("command")),
    st.tuples(st.just("again"), st.sampled_from(STREAMS)),
)  # fmt: skip


@dataclass
class Tab:
    """A client at the end of a pipe: it reads when told, and what it reads it applies as the protocol says."""

    wire: Wire
    logs: dict[str, StreamLog] = field(default_factory=dict)
    feed: Feed = field(default_factory=lambda: Feed("e", 0))
    pipe: deque[bytes] = field(default_factory=deque)
    texts: dict[str, str] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)
    offset: int = 0
    pinged: bool = False
    unread: int = 0  # bytes of data that left after the last ping that was ponged
    since_ping: int = 0  # of these, those after the ping that is unanswered

    def __post_init__(self) -> None:
        self.wire.core.follow_events(self.feed, 0)
        for stream_id in STREAMS:
            log = self.logs[stream_id] = StreamLog(stream_id)
            log.publish(log.append(text_start("t")))
            self.follow(stream_id)

    def follow(self, stream_id: str) -> None:
        """Follow, or follow anew: the cursor starts where the client will be when it has read the pipe."""
        after = self.logs[stream_id].head if stream_id not in self.seqs else self.seqs[stream_id]
        self.texts.setdefault(stream_id, "")
        self.seqs[stream_id] = after
        self.wire.core.subscribe(_Endless(self.logs[stream_id]), after)

    def pump(self) -> None:
        """What the driver does after everything: write what may be written."""
        window = self.wire.core._window
        for frame in self.wire.core.take(self.wire.now):
            self.pipe.append(frame)
            decoded = orjson.loads(frame)
            if decoded["type"] == "ping":
                self.pinged = True
                self.since_ping = 0
            elif decoded["type"] in ("stream.chunk", "event"):
                assert self.pinged, "data left before the first ping"
                self.unread += len(frame)
                self.since_ping += len(frame)
                assert self.unread - len(frame) < window.size, "data left beyond the window"
                assert len(frame) <= max(FRAME, LONGEST)

    def read(self) -> None:
        """Take one frame from the pipe."""
        frame: Json = orjson.loads(self.pipe.popleft())
        kind = frame["type"]
        if kind == "ping":
            self.unread = self.since_ping
            self.wire.receive({"type": "pong", "id": frame["id"]})
        elif kind == "stream.chunk":
            stream_id = frame["streamId"]
            assert frame["prev"] == self.seqs[stream_id], "guarantee 8"
            self.seqs[stream_id] = frame["seq"]
            self.texts[stream_id] += "".join(chunk.get("delta", "") for chunk in frame["chunks"])
        elif kind == "event":
            assert frame["offset"] == self.offset + 1, "guarantee 20"
            self.offset = frame["offset"]
        self.pump()


class _Endless:
    """The stream of a log that does not end."""

    end = None
    label = None

    def __init__(self, log: StreamLog) -> None:
        self.log = log
        self.stream_id = log.stream_id

    @property
    def head(self) -> int:
        return self.log.head

    def read(self, after: int, limit: int) -> Any:
        return self.log.read(after, limit)


def step(tab: Tab, what: tuple[Any, ...]) -> None:
    wire = tab.wire
    match what:
        case ("say", stream_id, words, size):
            log = tab.logs[stream_id]
            for n in range(words):
                log.append(text_delta("t", chr(97 + n % 26) * size))
            log.publish(log.tail)
            wire.core.touch(stream_id)
        case ("event", count):
            at = tab.feed.head
            tab.feed.follow(
                [StoredEvent(at + n, "chat.updated", 1, None, '{"chatId":"c"}') for n in range(1, count + 1)]
            )
        case ("wait", seconds):
            wire.now += seconds
        case ("read", count):
            for _ in range(min(count, len(tab.pipe))):
                tab.read()
        case ("command",):
            behind = len(tab.pipe)
            wire.receive({"type": "ping", "id": "c1"})
            tab.pump()
            assert orjson.loads(tab.pipe[behind]) == {"type": "pong", "id": "c1"}, "control must overtake data"
        case ("again", stream_id):
            while tab.pipe:
                tab.read()
            tab.follow(stream_id)
    tab.pump()


def settle(tab: Tab, rtt: float) -> None:
    """Read everything, with a round trip of so many seconds."""
    while tab.pipe:
        tab.wire.now += rtt
        for _ in range(len(tab.pipe)):
            tab.read()


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=40), st.sampled_from([0.01, 0.2, 0.7]))
def test_g27_the_window_holds_and_everything_arrives_once_pongs_come(steps: list[tuple[Any, ...]], rtt: float) -> None:
    tab = Tab(ready(flow=FLOW, outbound_bytes=FRAME))
    for what in steps:
        step(tab, what)
    settle(tab, rtt)
    assert tab.seqs == {stream_id: log.head for stream_id, log in tab.logs.items()}
    assert tab.offset == tab.feed.head
    for stream_id, log in tab.logs.items():
        assert tab.texts[stream_id] == "".join(orjson.loads(text).get("delta", "") for text in log.raw(0, log.tail))


@settings(deadline=None)
@given(st.sampled_from([0.05, 0.2, 0.45, 0.7, 2.0]))
def test_g27_a_window_that_a_pong_does_not_open_is_not_left_shut(rtt: float) -> None:
    """The first pong confirms nothing, so a second ping must follow at once, not with the next heartbeat."""
    tab = Tab(ready(flow=FLOW, outbound_bytes=FRAME))
    step(tab, ("say", "str_a", 60, 30))
    settle(tab, rtt)
    assert tab.seqs["str_a"] == 61
