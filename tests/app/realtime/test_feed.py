import json
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.realtime import feed as module
from app.realtime.feed import MOST_BYTES, MOST_EVENTS, Feed, frame_of
from app.store.events import StoredEvent
from protocol.codec import decode_server
from protocol.frames.server import Event, EventsReset


@cache
def event(offset: int, size: int = 0, source: str | None = None) -> StoredEvent:
    data = json.dumps({"chatId": "c", "text": "x" * size})
    return StoredEvent(offset, "chat.updated", 1_000, source, data)


def events(after: int, upto: int, size: int = 0) -> list[StoredEvent]:
    return [event(offset, size) for offset in range(after + 1, upto + 1)]


@given(st.integers(1, 2**53 - 1), st.none() | st.text("abcXYZ019_-", min_size=1, max_size=64))
def test_a_frame_is_the_event_and_its_data_unparsed(offset: int, source: str | None) -> None:
    frame = decode_server(frame_of(event(offset, 3, source)))
    assert frame == Event(
        offset=offset,
        name="chat.updated",
        time=1_000,
        source_client_id=source,
        data={"chatId": "c", "text": "xxx"},
    )


def test_g20_a_doubled_or_overtaken_announcement_changes_nothing() -> None:
    feed = Feed("e", 5)
    assert feed.follow(events(5, 8))
    assert feed.follow(events(5, 8))
    assert feed.follow(events(6, 7))
    assert feed.follow(events(7, 9))
    assert (feed.base, feed.head) == (5, 9)
    assert [feed.read(after) for after in range(5, 9)] == [frame_of(event(offset)) for offset in range(6, 10)]


def test_g20_a_gap_is_noticed_and_nothing_behind_it_is_taken() -> None:
    feed = Feed("e", 5)
    assert not feed.follow(events(6, 8))
    assert feed.head == 5
    assert feed.read(5) is None


def test_older_events_are_taken_only_as_far_as_there_is_room() -> None:
    feed = Feed("e", MOST_EVENTS)
    assert feed.extend_back(events(0, MOST_EVENTS))
    assert feed.base == 0
    assert feed.read(0) == frame_of(event(1))
    full = Feed("e", MOST_EVENTS + 1)
    assert not full.extend_back(events(0, MOST_EVENTS + 1))
    assert full.base == full.head
    heavy = Feed("e", 10)
    assert not heavy.extend_back(events(0, 10, MOST_BYTES // 10))
    assert heavy.read(9) is None


def test_a_reader_that_fell_out_is_sent_to_the_head() -> None:
    feed = Feed("e", 0)
    feed.follow(events(0, MOST_EVENTS + 10))
    assert feed.read(9) is None
    assert feed.read(10) is not None
    assert decode_server(feed.reset()) == EventsReset(epoch="e", offset=MOST_EVENTS + 10, reason="slow_consumer")


def test_a_reader_is_told_whether_it_was_slow_or_the_log_was_trimmed() -> None:
    feed = Feed("e", 0)
    feed.skip_to(10)
    assert decode_server(feed.reset()) == EventsReset(epoch="e", offset=10, reason="trimmed")
    feed.follow(events(10, MOST_EVENTS + 11))
    assert decode_server(feed.reset()) == EventsReset(epoch="e", offset=MOST_EVENTS + 11, reason="slow_consumer")


def test_a_feed_that_rests_holds_nothing_and_goes_on() -> None:
    feed = Feed("e", 0)
    feed.follow(events(0, 10))
    feed.rest()
    assert (feed.base, feed.head) == (10, 10)
    assert " 0 bytes" in repr(feed)
    assert feed.follow(events(8, 12))
    assert [feed.read(after) for after in (9, 10, 11)] == [None, *map(frame_of, events(10, 12))]


class FeedIsAWindow(RuleBasedStateMachine):
    """A feed reads like the newest part of the list of all events, bounded in number and in bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes = [0] * 30
        self.feed = Feed("e", 30)

    def stored(self, after: int, upto: int) -> list[StoredEvent]:
        return [event(offset, self.sizes[offset - 1]) for offset in range(after + 1, upto + 1)]

    @property
    def last(self) -> int:
        return len(self.sizes)

    @rule(sizes=st.lists(st.sampled_from([0, 50, 40_000, 200_000]), max_size=5), overlap=st.integers(0, 5))
    def commit(self, sizes: list[int], overlap: int) -> None:
        known = self.last
        self.sizes += sizes
        assert self.feed.follow(self.stored(max(0, known - overlap), self.last))

    @precondition(lambda self: self.feed.base > 0)
    @rule(data=st.data())
    def reach_back(self, data: st.DataObject) -> None:
        base = self.feed.base
        after = data.draw(st.integers(max(0, base - 10), base - 1))
        if self.feed.extend_back(self.stored(after, base)):
            assert self.feed.base == after
        else:
            assert self.feed.base == base

    @rule(lost=st.integers(1, 5))
    def lose(self, lost: int) -> None:
        self.sizes += [0] * lost
        assert not self.feed.follow(self.stored(self.last - 1, self.last)) or lost == 1
        self.feed.skip_to(self.last)

    @invariant()
    def it_reads_like_the_list(self) -> None:
        assert self.feed.head == self.last
        for after in range(max(0, self.feed.base - 2), self.last):
            expected = frame_of(self.stored(after, after + 1)[0]) if after >= self.feed.base else None
            assert self.feed.read(after) == expected

    @invariant()
    def it_is_bounded(self) -> None:
        held = [self.feed.read(after) or b"" for after in range(self.feed.base, self.feed.head)]
        assert sum(map(len, held)) <= MOST_BYTES
        assert f" {sum(map(len, held))} bytes" in repr(self.feed)


TestFeedIsAWindow = FeedIsAWindow.TestCase
TestFeedIsAWindow.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)


def test_one_event_too_large_for_the_window_leaves_it_empty() -> None:
    feed = Feed("e", 0)
    assert feed.follow([event(1, module.MOST_BYTES + 1)])
    assert (feed.base, feed.head) == (1, 1)
    assert feed.follow([event(2)])
    assert feed.read(1) == frame_of(event(2))
