"""Cutting a tick into calls: nothing is lost, doubled or moved within its stream, and no call is too long."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from app.backplane.interface import JournalRange, StreamKey
from app.backplane.redis.batches import MOST_BYTES, MOST_CHUNKS, MOST_PUBLISHED, Batch, batches, call
from app.backplane.redis.names import Names
from app.backplane.redis.url import parse

NAMES = Names(parse("redis+cluster://h"))

ranges = st.builds(
    lambda user, stream, prev, count, size: JournalRange(
        StreamKey(f"usr_{user}", f"str_{user}_{stream}"), prev, [b"%d" % seq + size * b"x" for seq in range(count)]
    ),
    st.integers(0, 5),
    st.integers(0, 2),
    st.integers(0, 100),
    st.sampled_from([1, 1, 1, 2, 30, MOST_CHUNKS, MOST_CHUNKS + 1, 2 * MOST_CHUNKS + 5]),
    st.sampled_from([0, 0, 0, 10, 1_000]),
)


def chunks(parts: list[JournalRange], key: StreamKey) -> list[tuple[int, bytes]]:
    """Every chunk of a stream with its seq, in the order of the ranges."""
    return [(part.prev + at, text) for part in parts if part.key == key for at, text in enumerate(part.chunks, start=1)]


@given(st.lists(ranges, max_size=8))
def test_every_chunk_is_in_exactly_one_batch_in_order(parts: list[JournalRange]) -> None:
    cut = batches(parts, NAMES.partition)
    for partition, some in cut.items():
        assert {NAMES.partition(part.key.user_id) for batch in some for part in batch.ranges} == {partition}
    every = [part for some in cut.values() for batch in some for part in batch.ranges]
    for key in {part.key for part in parts} | {part.key for part in every}:
        assert chunks(every, key) == chunks(parts, key)


@given(st.lists(ranges, max_size=8))
def test_no_call_is_too_long(parts: list[JournalRange]) -> None:
    for some in batches(parts, NAMES.partition).values():
        for batch in some:
            texts = [text for part in batch.ranges for text in part.chunks]
            assert 0 < len(texts) <= MOST_CHUNKS
            assert sum(map(len, texts)) <= MOST_BYTES


def test_a_chunk_that_is_longer_than_a_call_has_one_of_its_own() -> None:
    long, short = b"x" * (MOST_BYTES + 1), b"y"
    (cut,) = batches([JournalRange(StreamKey("u", "s"), 0, [short, long, short])], NAMES.partition).values()
    assert [list(batch.ranges[0].chunks) for batch in cut] == [[short], [long], [short]]


def test_an_ordinary_tick_is_one_call() -> None:
    parts = [JournalRange(StreamKey("u", f"s{number}"), 7, [b"{}"]) for number in range(1_000)]
    (cut,) = batches(parts, NAMES.partition).values()
    assert len(cut) == 1


def test_a_call_goes_user_by_user() -> None:
    one, two, other = StreamKey("u", "one"), StreamKey("u", "two"), StreamKey("x", "other")
    parts = [JournalRange(one, 0, [b"1"]), JournalRange(other, 4, [b"2", b"3"]), JournalRange(two, 0, [b"4"])]
    made = call(Batch(ranges=parts), NAMES, lambda user_id: user_id == "x")
    assert made.streams == [one, two, other]
    assert made.keys == [
        NAMES.log(one),
        NAMES.end(one),
        NAMES.log(two),
        NAMES.end(two),
        NAMES.log(other),
        NAMES.end(other),
    ]
    mine = [NAMES.user("u"), 0, 2, 1, b'"one"', 0, 1, b"1", b'"two"', 0, 1, b"4"]
    assert made.words == [*mine, NAMES.user("x"), 1, 1, 1, b'"other"', 4, 2, b"2", b"3"]


def test_what_is_too_long_for_a_message_is_only_announced() -> None:
    text = orjson.dumps("x" * (MOST_PUBLISHED // 2))
    parts = [JournalRange(StreamKey(user, stream), 0, [text]) for user, stream in [("u", "a"), ("u", "b"), ("x", "c")]]
    made = call(Batch(ranges=parts), NAMES, lambda _: False)
    flags = [made.words[at + 3] for at, word in enumerate(made.words) if word in (NAMES.user("u"), NAMES.user("x"))]
    assert flags == [0, 1]
