"""What every broker must do; an adapter's test file subclasses `BrokerContract` and says how to make one.

`SharedJournalContract` is for adapters whose journal all nodes share: what one appends, the others hear.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from typing import Any, NamedTuple

import orjson
import pytest
from msgspec import Raw

from app.backplane.broker import Broker, Concerns
from app.backplane.interface import Held, Journal, JournalConflict, JournalRange, StreamKey
from app.backplane.news import (
    Announced,
    Appended,
    AppendedRange,
    Ended,
    HowMany,
    IsVisible,
    Labelled,
    News,
    Order,
    Question,
    SettleRequest,
    StopStream,
)
from tests.contract.journal import chunk, end_of, key, log, part

SOON = 10.0
"""How long a test waits for what must happen, in seconds; nothing is measured by it."""


class Notes:
    """A listener that notes what it is told, answers as the test says, and fails when it should."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, News]] = []
        self.orders: list[Order] = []
        self.questions: list[tuple[str, Question]] = []
        self.gaps: list[tuple[Concerns, bool]] = []
        self.says: int = False
        self.fails = False
        self._changed = asyncio.Event()

    def hear(self, user_id: str, news: News) -> None:
        self._note(self.heard, (user_id, news))

    def obey(self, order: Order) -> None:
        self._note(self.orders, order)

    def answer(self, user_id: str, question: Question) -> int:
        self._note(self.questions, (user_id, question))
        return self.says

    def miss(self, concerns: Concerns, *, wiped: bool) -> None:
        self._note(self.gaps, (concerns, wiped))

    def missed(self, user_id: str, *, wiped: bool = False) -> int:
        """How many gaps of this kind concerned a user."""
        return sum(concerns(user_id) for concerns, was_wiped in self.gaps if was_wiped == wiped)

    async def until(self, done: Callable[[], bool], within: float = SOON) -> None:
        """Wait until what was noted is enough, for so many seconds at most."""
        async with asyncio.timeout(within):
            while not done():
                self._changed.clear()
                await self._changed.wait()

    async def hears(self, *expected: tuple[str, News]) -> None:
        """Wait for exactly this, after what was heard so far."""
        await self.until(lambda: len(self.heard) >= len(expected))
        assert self.heard == list(expected)
        self.heard.clear()

    def changed(self) -> None:
        """Let whoever waits look again."""
        self._changed.set()

    def _note(self, notes: list[Any], note: Any) -> None:
        notes.append(note)
        self.changed()
        if self.fails:
            raise RuntimeError("a listener failed")


class Node(NamedTuple):
    """One node of a backplane."""

    journal: Journal
    broker: Broker
    notes: Notes


Join = Callable[[str], AbstractAsyncContextManager[Node]]
"""Lets a node of that name join the backplane, open."""


@asynccontextmanager
async def joined(journal: Journal, broker: Broker) -> AsyncIterator[Node]:
    """A node that is open."""
    notes = Notes()
    await journal.open()
    await broker.open(notes)
    try:
        yield Node(journal, broker, notes)
    finally:
        await broker.close()
        await journal.close()


_offsets = count(1)


def news() -> Announced:
    """Something to say."""
    return Announced(next(_offsets))


class BrokerContract:
    """The promises of `app.backplane.broker.Broker`."""

    @pytest.fixture
    def join(self) -> Join:
        """How nodes join one backplane that nobody else uses."""
        raise NotImplementedError

    @pytest.fixture
    async def a(self, join: Join) -> AsyncIterator[Node]:
        async with join("node a") as node:
            yield node

    @pytest.fixture
    async def b(self, join: Join) -> AsyncIterator[Node]:
        async with join("node-b") as node:
            yield node

    async def test_news_reach_every_other_node_where_the_user_is_present(self, join: Join, a: Node, b: Node) -> None:
        async with join("c") as c:
            for node in (a, b):
                assert await node.broker.subscribe("usr_1")
            assert await c.broker.subscribe("usr_2")
            said: list[News] = [
                Labelled("str_1", Raw(b'{"type":"stream.status","label":"Thinking \xe2\x80\xa6"}')),
                Ended("str_1", 7, Raw(end_of("str_1"))),
                Appended([AppendedRange("str_1", 0, 1, [chunk("str_1", 1)]), AppendedRange("str_2", 4, 900)]),
                Announced(2**53 - 1),
            ]
            for word in said:
                a.broker.announce("usr_1", word)
            await b.notes.hears(*(("usr_1", word) for word in said))
            other = news()
            a.broker.announce("usr_2", other)
            await c.notes.hears(("usr_2", other))
            assert a.notes.heard == []

    @pytest.mark.parametrize("user_id", ["usr_1", "user:with:colons", "{brace}", "ü ñ", "usr_" + 60 * "x"])
    async def test_any_user_id_is_found_again(self, a: Node, b: Node, user_id: str) -> None:
        await b.broker.subscribe(user_id)
        said = news()
        a.broker.announce(user_id, said)
        await b.notes.hears((user_id, said))

    async def test_subscriptions_are_counted(self, a: Node, b: Node) -> None:
        assert await b.broker.subscribe("usr_1")
        assert await b.broker.subscribe("usr_1")
        b.broker.unsubscribe("usr_1")
        first, last = news(), news()
        a.broker.announce("usr_1", first)
        await b.notes.hears(("usr_1", first))
        b.broker.unsubscribe("usr_1")
        assert await b.broker.subscribe("usr_2")
        a.broker.announce("usr_1", news())
        assert await b.broker.subscribe("usr_1")
        a.broker.announce("usr_1", last)
        await b.notes.until(lambda: ("usr_1", last) in b.notes.heard)

    async def test_after_an_unsubscription_nothing_is_heard(self, a: Node, b: Node) -> None:
        await b.broker.subscribe("usr_1")
        await b.broker.subscribe("usr_2")
        b.broker.unsubscribe("usr_1")
        await asyncio.sleep(0)
        while await a.broker.ask("usr_1", IsVisible("c")):  # until b is subscribed no more, nobody says yes
            b.notes.says = False
        await self.settled(a, b, "usr_2")
        a.broker.announce("usr_1", news())
        await self.settled(a, b, "usr_2")

    async def settled(self, a: Node, b: Node, user_id: str) -> None:
        """What `a` has said before is heard by `b`, and nothing else was."""
        said = news()
        a.broker.announce(user_id, said)
        await b.notes.hears((user_id, said))

    async def test_whoever_subscribes_and_leaves_in_a_moment_hears_all_the_same(self, a: Node, b: Node) -> None:
        for _ in range(20):
            b.broker.unsubscribe("usr_1") if await b.broker.subscribe("usr_1") else None
        pending = [asyncio.create_task(b.broker.subscribe("usr_1")) for _ in range(3)]
        await asyncio.sleep(0)
        b.broker.unsubscribe("usr_1")
        b.broker.unsubscribe("usr_1")
        assert await asyncio.gather(*pending) == [True, True, True]
        await self.settled(a, b, "usr_1")

    async def test_the_last_announcement_is_heard_however_many_there_are(self, a: Node, b: Node) -> None:
        await b.broker.subscribe("usr_1")
        for offset in range(1, 5_001):
            a.broker.announce("usr_1", Announced(offset))
        await b.notes.until(lambda: ("usr_1", Announced(5_000)) in b.notes.heard)
        offsets = [word.offset for _, word in b.notes.heard if isinstance(word, Announced)]
        assert offsets == sorted(offsets)

    async def test_g15_an_order_is_obeyed_once_by_whom_it_is_for(self, a: Node, b: Node) -> None:
        orders: list[Order] = [
            StopStream("usr_1", "str_1"),
            SettleRequest("usr_1", "str_1", "approval", "apr_1", {"approved": False, "reason": "no"}),
            SettleRequest("usr_1", "str_1", "output", "call_1", {"output": {"choice": [1, None, "é"]}}),
        ]
        for order in orders:
            assert await a.broker.tell("node-b", order)
        await b.notes.until(lambda: len(b.notes.orders) >= len(orders))
        assert b.notes.orders == orders
        assert await b.broker.tell("node a", orders[0])
        await a.notes.until(lambda: a.notes.orders == [orders[0]])

    async def test_nobody_obeys_for_a_node_that_is_not_there(self, a: Node) -> None:
        assert not await a.broker.tell("gone", StopStream("usr_1", "str_1"))

    async def test_g26_one_node_that_says_yes_is_enough(self, join: Join, a: Node, b: Node) -> None:
        async with join("c") as c:
            for node in (a, b, c):
                await node.broker.subscribe("usr_1")
            assert not await a.broker.ask("usr_1", IsVisible("chat_1"))
            c.notes.says = True
            assert await a.broker.ask("usr_1", IsVisible("chat_1"))
            assert await b.broker.ask("usr_1", IsVisible("chat_1"))
            assert not await c.broker.ask("usr_1", IsVisible("chat_1")), "a node does not ask itself"
            assert c.notes.questions == [("usr_1", IsVisible("chat_1"))] * 3

    async def test_g26_where_the_user_is_not_present_nobody_is_asked(self, a: Node, b: Node) -> None:
        b.notes.says = True
        await b.broker.subscribe("usr_2")
        assert not await a.broker.ask("usr_1", IsVisible("chat_1"))
        assert b.notes.questions == []

    async def test_how_many_there_are_on_all_other_nodes_together(self, join: Join, a: Node, b: Node) -> None:
        async with join("c") as c:
            for node in (a, b):
                await node.broker.subscribe("usr_1")
            a.notes.says, b.notes.says, c.notes.says = 100, 2, 3
            assert await a.broker.ask("usr_1", HowMany(), enough=50) == 2, "the user is not present at c"
            await c.broker.subscribe("usr_1")
            assert await a.broker.ask("usr_1", HowMany(), enough=50) == 5
            assert await a.broker.ask("usr_1", HowMany(), enough=2) >= 2
            assert await c.broker.ask("usr_1", HowMany(), enough=500) == 102
            b.notes.says = 0
            assert await a.broker.ask("usr_1", HowMany(), enough=50) == 3

    async def test_a_listener_that_fails_hears_the_next_word(
        self, a: Node, b: Node, caplog: pytest.LogCaptureFixture
    ) -> None:
        await b.broker.subscribe("usr_1")
        b.notes.fails = True
        first, second = news(), news()
        a.broker.announce("usr_1", first)
        await b.notes.hears(("usr_1", first))
        assert not await a.broker.ask("usr_1", IsVisible("chat_1"))
        await a.broker.tell("node-b", StopStream("usr_1", "str_1"))
        await b.notes.until(lambda: bool(b.notes.orders))
        b.notes.fails = False
        a.broker.announce("usr_1", second)
        await b.notes.hears(("usr_1", second))
        assert any(record.exc_info for record in caplog.records)

    async def test_beginning_to_hear_is_a_gap(self, a: Node) -> None:
        await a.notes.until(lambda: a.notes.missed("usr_1") > 0)
        assert a.notes.missed("usr_1", wiped=True) == 0

    async def test_a_closed_broker_is_silent(self, join: Join, a: Node, caplog: pytest.LogCaptureFixture) -> None:
        async with join("c") as c:
            await c.broker.subscribe("usr_1")
            await a.broker.subscribe("usr_1")
            await c.broker.close()
            a.broker.announce("usr_1", news())
            c.broker.announce("usr_1", news())
            assert not await a.broker.ask("usr_1", IsVisible("chat_1"))
            assert not await a.broker.tell("c", StopStream("usr_1", "str_1"))
            assert c.notes.heard == a.notes.heard == []
            await c.broker.close()
        await a.broker.close()
        assert [record.message for record in caplog.records if "did not end" in record.message] == []


class SharedJournalContract:
    """What follows from a journal that all nodes share, together with the broker that goes with it."""

    @pytest.fixture
    async def owner(self, join: Join) -> AsyncIterator[Node]:
        async with join("owner") as node:
            yield node

    @pytest.fixture
    async def other(self, join: Join) -> AsyncIterator[Node]:
        async with join("other") as node:
            yield node

    async def test_what_is_appended_is_heard_by_the_others_as_one_word_for_each_user(
        self, owner: Node, other: Node
    ) -> None:
        for node in (owner, other):
            for user_id in ("usr_a", "usr_b"):
                await node.broker.subscribe(user_id)
        await owner.journal.append([part("str_a", 0, 2), part("str_b", 0, 1), part("str_a2", 0, 3)])
        await other.notes.until(lambda: len(other.notes.heard) >= 2)
        assert sorted(other.notes.heard, key=lambda heard: heard[0]) == [
            ("usr_a", Appended([appended("str_a", 0, 2), appended("str_a2", 0, 3)])),
            ("usr_b", Appended([appended("str_b", 0, 1)])),
        ]
        assert owner.notes.heard == []

    async def test_g08_ranges_of_one_stream_are_heard_in_order(self, owner: Node, other: Node) -> None:
        await other.broker.subscribe("usr_a")
        for prev in range(50):
            await owner.journal.append([part("str_a", prev, 1)])
        await other.notes.hears(*(("usr_a", Appended([appended("str_a", prev, 1)])) for prev in range(50)))

    async def test_g19b_what_is_refused_is_never_heard_and_a_repeat_not_again(self, owner: Node, other: Node) -> None:
        await other.broker.subscribe("usr_a")
        await owner.journal.append([part("str_a", 0, 2)])
        await owner.journal.append([part("str_a", 0, 2)])
        with pytest.raises(JournalConflict):
            await owner.journal.append([part("str_a", 3, 1)])
        await owner.journal.append([part("str_a", 2, 1)])
        await other.notes.hears(
            ("usr_a", Appended([appended("str_a", 0, 2)])), ("usr_a", Appended([appended("str_a", 2, 1)]))
        )

    async def test_g18_after_the_seal_nothing_of_a_zombie_is_heard(self, owner: Node, other: Node) -> None:
        await owner.journal.append([part("str_a", 0, 1)])
        await owner.broker.subscribe("usr_a")
        await other.broker.subscribe("usr_a")
        await other.journal.close_stream(key("str_a"), end_of("str_a"))
        with pytest.raises(JournalConflict):
            await owner.journal.append([part("str_a", 1, 1)])
        await owner.journal.close_stream(key("str_a"), end_of("str_a", "another"))
        await owner.notes.hears(("usr_a", Ended("str_a", 1, Raw(end_of("str_a")))))
        said = news()
        owner.broker.announce("usr_a", said)
        await other.notes.hears(("usr_a", said))

    async def test_g18_whoever_claims_a_stream_is_the_only_one_to_write_it(self, owner: Node, other: Node) -> None:
        await other.broker.subscribe("usr_a")
        await owner.journal.append([part("str_a", 0, 2)])
        await other.journal.claim(key("str_a"))
        with pytest.raises(JournalConflict) as caught:
            await owner.journal.append([part("str_a", 2, 1), part("str_b", 0, 1)])
        assert (caught.value.heads, caught.value.closed) == ({key("str_a"): 2}, frozenset({key("str_a")}))
        await owner.journal.append([part("str_a", 0, 2)])  # it is there, so nothing is refused
        await owner.journal.close_stream(key("str_a"), end_of("str_a", "of a zombie"))
        assert await owner.journal.end_of(key("str_a")) is None
        assert await owner.journal.held(key("str_a")) == Held(2, None)
        await other.journal.append([part("str_a", 2, 1)])
        await other.journal.close_stream(key("str_a"), end_of("str_a"))
        await other.notes.hears(("usr_a", Appended([appended("str_a", 0, 2)])))
        await owner.journal.claim(key("str_a"))
        assert await owner.journal.end_of(key("str_a")) == end_of("str_a"), "what is closed cannot be claimed"

    async def test_g18_the_last_claim_counts(self, owner: Node, other: Node) -> None:
        await owner.journal.claim(key("str_a"))
        await other.journal.claim(key("str_a"))
        assert await owner.journal.held(key("str_a")) is None
        with pytest.raises(JournalConflict):
            await owner.journal.append([part("str_a", 0, 1)])
        await other.journal.append([part("str_a", 0, 1)])

    async def test_a_long_range_is_announced_and_read_from_the_journal(self, owner: Node, other: Node) -> None:
        await other.broker.subscribe("usr_a")
        text = chunk("str_a", 1) | {"delta": "x" * 70_000}
        await owner.journal.append([JournalRange(key("str_a"), 0, [orjson.dumps(text)])])
        await other.notes.hears(("usr_a", Appended([AppendedRange("str_a", 0, 1)])))
        assert await other.journal.read(key("str_a")) == [text]

    async def test_what_one_node_writes_every_node_reads(self, owner: Node, other: Node) -> None:
        await owner.journal.append([part("str_a", 0, 9)])
        assert await other.journal.read(key("str_a"), 4) == log("str_a", 9, 4)
        await other.journal.append([part("str_a", 9, 1)])
        with pytest.raises(JournalConflict) as caught:
            await owner.journal.append([part("str_a", 9, 2)])
        assert caught.value.heads == {key("str_a"): 10}

    async def test_logs_of_different_users_are_apart(self, owner: Node, other: Node) -> None:
        await owner.journal.append([part("str_a", 0, 2)])
        assert await other.journal.read(StreamKey("usr_x", "str_a")) == []


def appended(name: str, prev: int, count: int) -> AppendedRange:
    """The word about `part(name, prev, count)`."""
    return AppendedRange(name, prev, prev + count, [chunk(name, seq) for seq in range(prev + 1, prev + count + 1)])
