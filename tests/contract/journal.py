"""What every journal must do; an adapter's test file subclasses `JournalContract` and says how to make one."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.backplane.interface import Held, Journal, JournalConflict, JournalRange, StreamKey
from app.clock import Clock
from protocol.parts.chunks import Chunk

RETENTION_MS = 600_000
MARGIN_MS = 10_000
"""How long a test may take where time cannot be moved by hand alone."""

Make = Callable[[Clock], Journal]
"""Makes a journal on one and the same storage, closed; each call stands for another process."""


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_790_000_000.0
        self.clock = Clock(monotonic=lambda: self.seconds, unix=lambda: self.seconds)

    def pass_ms(self, ms: int) -> int:
        """Let time pass; return the time it is then (Unix ms)."""
        self.seconds += ms / 1000
        return self.clock.now_ms()


def key(name: str) -> StreamKey:
    """The stream of that name; each letter behind `str_` is a user."""
    return StreamKey(f"usr_{name[4]}", name)


def end_of(name: str, word: str = "over") -> bytes:
    """A frame that ends a stream."""
    return orjson.dumps({"type": "stream.end", "streamId": name, "word": word})


def chunk(name: str, seq: int) -> Chunk:
    """The chunk with that number: its content never changes (guarantee 7)."""
    return {"type": "text-delta", "id": name, "delta": f"«{seq}»\n"}


def part(name: str, prev: int, count: int) -> JournalRange:
    """The range `(prev, prev + count]` of a stream."""
    return JournalRange(key(name), prev, [orjson.dumps(chunk(name, seq)) for seq in range(prev + 1, prev + count + 1)])


def log(name: str, head: int, after: int = 0) -> list[Chunk]:
    """A stream as it must be read."""
    return [chunk(name, seq) for seq in range(after + 1, head + 1)]


@asynccontextmanager
async def opened(make: Make, clock: Clock) -> AsyncIterator[Journal]:
    """A journal, open."""
    journal = make(clock)
    await journal.open()
    try:
        yield journal
    finally:
        await journal.close()


class Close(NamedTuple):
    """Close a stream."""

    name: str


class Reopen(NamedTuple):
    """Let another process go on."""


class Grow(NamedTuple):
    """Append some chunks behind the head, or `off` by some."""

    name: str
    off: int
    chunks: int


names = st.sampled_from(["str_a", "str_a2", "str_b"])
ticks = st.lists(st.builds(Grow, names, st.sampled_from([0, 0, 0, 0, -1, -3, 1]), st.integers(0, 4)), max_size=4)
steps = st.lists(st.one_of(ticks, ticks, ticks, st.builds(Close, names), st.builds(Reopen)), max_size=25)
text = st.text(st.characters(exclude_categories=["Cs"]))
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
law = settings(suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow], deadline=None)


class Model:
    """The simplest journal there is: the head of each stream, and those that are closed."""

    def __init__(self) -> None:
        self.heads: dict[str, int] = {}
        self.closed: set[str] = set()

    def append(self, tick: list[Grow]) -> tuple[list[JournalRange], dict[StreamKey, int]]:
        """Take what follows; return the ranges as they are appended, and the heads of the refused."""
        parts: list[JournalRange] = []
        refused: dict[StreamKey, int] = {}
        for name, off, count in tick:
            head = self.heads.get(name, 0)
            prev = max(0, head + off)
            parts.append(part(name, prev, count))
            if prev + count <= head:
                continue
            if prev == head and name not in self.closed:
                self.heads[name] = head + count
            else:
                refused[key(name)] = head
        return parts, refused


class JournalContract:
    """The promises of `app.backplane.interface.Journal`."""

    def place(self) -> AbstractContextManager[Make]:
        """Fresh storage, gone afterwards."""
        raise NotImplementedError

    async def pass_ms(self, journal: Journal, hand: HandClock, ms: int) -> None:
        """Let time pass, and the journal notice; `hand` is its clock."""
        await journal.retire(hand.pass_ms(ms))

    @pytest.fixture
    def make(self) -> Iterator[Make]:
        with self.place() as make:
            yield make

    @pytest.fixture
    def hand(self) -> HandClock:
        return HandClock()

    @pytest.fixture
    async def journal(self, make: Make, hand: HandClock) -> AsyncIterator[Journal]:
        async with opened(make, hand.clock) as journal:
            yield journal

    @law
    @given(steps)
    async def test_g19b_every_cut_of_every_history_reads_as_it_was_appended(self, steps: list[Any]) -> None:
        model, clock = Model(), HandClock().clock
        with self.place() as make:
            journal = make(clock)
            await journal.open()
            for step in steps:
                if isinstance(step, Close):
                    await journal.close_stream(key(step.name), end_of(step.name))
                    model.heads.setdefault(step.name, 0)
                    model.closed.add(step.name)
                elif isinstance(step, Reopen):
                    await journal.close()
                    journal = make(clock)
                    await journal.open()
                else:
                    await self.append_like(journal, model, step)
            await self.agree(journal, model)
            await journal.close()

    async def append_like(self, journal: Journal, model: Model, tick: list[Grow]) -> None:
        parts, refused = model.append(tick)
        if not refused:
            await journal.append(parts)
            return
        with pytest.raises(JournalConflict) as caught:
            await journal.append(parts)
        assert caught.value.heads == refused
        assert caught.value.closed == refused.keys() & set(map(key, model.closed))

    async def agree(self, journal: Journal, model: Model) -> None:
        streams = await journal.streams()
        assert {stream: held.head for stream, held in streams.items()} == {
            key(name): head for name, head in model.heads.items()
        }
        assert {stream for stream, held in streams.items() if held.ended_at_ms is not None} == set(
            map(key, model.closed)
        )
        for name, head in model.heads.items():
            assert await journal.held(key(name)) == streams[key(name)]
            assert await journal.held_of([key(name), key("str_none")]) == {key(name): streams[key(name)]}
            assert await journal.end_of(key(name)) == (end_of(name) if name in model.closed else None)
            for after in range(head + 2):
                assert await journal.read(key(name), after) == log(name, head, after)

    @law
    @given(st.lists(st.dictionaries(text, json), min_size=1, max_size=4))
    async def test_g07_chunks_are_read_exactly_as_they_were(self, chunks: list[Chunk]) -> None:
        with self.place() as make:
            async with opened(make, HandClock().clock) as journal:
                await journal.append([JournalRange(key("str_a"), 0, list(map(orjson.dumps, chunks)))])
                assert await journal.read(key("str_a")) == chunks

    async def test_a_repeat_neither_doubles_nor_refuses(self, journal: Journal) -> None:
        await journal.append([part("str_a", 0, 3)])
        await journal.append([part("str_a", 0, 3)])
        await journal.append([part("str_a", 1, 1)])
        assert await journal.read(key("str_a")) == log("str_a", 3)

    async def test_ranges_of_one_call_are_each_read_as_their_own(self, journal: Journal) -> None:
        await journal.append([part("str_a", 0, 2), part("str_b", 0, 1), part("str_a", 2, 1)])
        assert await journal.read(key("str_a")) == log("str_a", 3)
        assert await journal.read(key("str_b")) == log("str_b", 1)

    async def test_a_long_range_is_read_whole(self, journal: Journal) -> None:
        await journal.append([part("str_a", 0, 5000)])
        assert await journal.read(key("str_a"), 4000) == log("str_a", 5000, 4000)

    async def test_a_refused_range_names_the_head_and_spoils_no_other(self, journal: Journal) -> None:
        await journal.append([part("str_a", 0, 3)])
        with pytest.raises(JournalConflict) as caught:
            await journal.append([part("str_a", 4, 1), part("str_b", 0, 2), part("str_c", 1, 1)])
        assert caught.value.heads == {key("str_a"): 3, key("str_c"): 0}
        assert await journal.read(key("str_a")) == log("str_a", 3)
        assert await journal.read(key("str_b")) == log("str_b", 2)
        assert await journal.held(key("str_c")) is None

    async def test_a_range_longer_than_the_last_try_is_told_where_to_go_on(self, journal: Journal) -> None:
        await journal.append([part("str_a", 0, 3)])
        with pytest.raises(JournalConflict) as caught:
            await journal.append([part("str_a", 0, 5)])
        await journal.append([part("str_a", caught.value.heads[key("str_a")], 2)])
        assert await journal.read(key("str_a")) == log("str_a", 5)

    async def test_a_closed_stream_takes_nothing_more(self, journal: Journal) -> None:
        await journal.append([part("str_a", 0, 3)])
        await journal.close_stream(key("str_a"), end_of("str_a"))
        with pytest.raises(JournalConflict) as caught:
            await journal.append([part("str_a", 3, 1)])
        assert caught.value.closed == {key("str_a")}
        await journal.append([part("str_a", 1, 2)])
        assert await journal.read(key("str_a")) == log("str_a", 3)

    async def test_g12_a_stream_ends_once(self, journal: Journal, hand: HandClock) -> None:
        await journal.close_stream(key("str_a"), end_of("str_a", "first"))
        ended = await journal.held(key("str_a"))
        hand.pass_ms(5)
        await journal.close_stream(key("str_a"), end_of("str_a", "second"))
        assert await journal.end_of(key("str_a")) == end_of("str_a", "first")
        assert await journal.held(key("str_a")) == ended == Held(0, hand.clock.now_ms() - 5)

    async def test_g12_log_and_end_stay_ten_minutes_also_over_a_restart(self, make: Make, hand: HandClock) -> None:
        async with opened(make, hand.clock) as journal:
            await journal.append([part("str_a", 0, 3), part("str_open", 0, 1)])
            await journal.close_stream(key("str_a"), end_of("str_a"))
            await self.pass_ms(journal, hand, RETENTION_MS - MARGIN_MS)
            assert await journal.read(key("str_a")) == log("str_a", 3)
        async with opened(make, hand.clock) as journal:
            await journal.retire(hand.clock.now_ms())
            assert await journal.read(key("str_a"), 1) == log("str_a", 3, 1)
            assert await journal.end_of(key("str_a")) == end_of("str_a")

    async def test_after_the_retention_only_unfinished_streams_are_held(self, make: Make, hand: HandClock) -> None:
        async with opened(make, hand.clock) as journal:
            await journal.append([part("str_a", 0, 3), part("str_open", 0, 1)])
            await journal.close_stream(key("str_a"), end_of("str_a"))
            await self.pass_ms(journal, hand, RETENTION_MS)
            assert await journal.read(key("str_a")) == []
            assert await journal.end_of(key("str_a")) is None
            assert await journal.streams() == {key("str_open"): Held(1, None)}
        async with opened(make, hand.clock) as journal:
            await journal.retire(hand.clock.now_ms())
            assert await journal.streams() == {key("str_open"): Held(1, None)}

    async def test_a_stream_that_was_claimed_is_written_and_closed_as_before(self, journal: Journal) -> None:
        await journal.append([part("str_a", 0, 1)])
        await journal.claim(key("str_a"))
        await journal.append([part("str_a", 1, 1)])
        await journal.close_stream(key("str_a"), end_of("str_a"))
        assert await journal.read(key("str_a")) == log("str_a", 2)
        assert await journal.end_of(key("str_a")) == end_of("str_a")

    async def test_an_unknown_stream_reads_as_an_empty_one(self, journal: Journal) -> None:
        assert await journal.read(key("str_none")) == []
        assert await journal.end_of(key("str_none")) is None
        assert await journal.held(key("str_none")) is None

    async def test_closing_twice_does_nothing(self, make: Make, hand: HandClock) -> None:
        async with opened(make, hand.clock) as journal:
            await journal.close()
