"""Following a stream of another node: whatever is lost, doubled or overtaken, its readers get all of it, in order."""

import asyncio
from collections.abc import Iterable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backplane.interface import Held, JournalUnavailable, StreamKey
from app.streams.following import Following
from app.streams.generation import STOPPED, Ending
from app.streams.stream import Stream
from protocol.codec import encode
from protocol.frames.objects import StreamStatus
from protocol.frames.server import StreamStatusFrame
from protocol.parts.chunks import Chunk
from tests.app.fakes import MemoryJournal, Noting
from tests.virtual import run_virtual

COMPLETED = Ending("completed", finish_reason="stop")


def chunk(seq: int) -> Chunk:
    return {"type": "text-delta", "id": "t", "delta": f"{seq} "}


class Elsewhere:
    """A stream that another node writes, and this node's side of it."""

    def __init__(self, status: StreamStatus = "streaming", journal: MemoryJournal | None = None) -> None:
        self.journal = journal or MemoryJournal()
        self.stream = Stream("s", user_id="u", chat_id="c", message_id="m", status=status, started_at=0)
        self.known = {"s": self.stream}
        self.following = Following(self.journal, self.known.values, self.known.get, lambda: 1)

    @property
    def log(self) -> list[Chunk]:
        return self.journal.logs.setdefault("s", [])

    def write(self, count: int = 1) -> tuple[int, list[Chunk]]:
        """The other node appends; return what it tells."""
        prev = len(self.log)
        chunks = [chunk(seq) for seq in range(prev + 1, prev + count + 1)]
        self.log.extend(chunks)
        return prev, chunks

    def tell(self, told: tuple[int, list[Chunk]]) -> None:
        for reader in self.following.told_range("s", *told):
            reader.flush()

    def end(self, ending: Ending = COMPLETED) -> bytes:
        """The other node ends it; return what it tells."""
        frame = encode(ending.frame("s", "c", "m", len(self.log)))
        self.journal.ends["s"] = frame
        return frame

    def is_whole(self) -> bool:
        stream = self.stream
        written = [orjson.loads(raw) for raw in stream.log.raw(0, stream.log.tail)]
        return written == self.log and stream.head == len(self.log)


async def settled() -> None:
    """Let everything that was begun come to its end."""
    await asyncio.sleep(0.01)


def test_what_follows_directly_goes_straight_to_the_readers() -> None:
    async def main() -> None:
        other = Elsewhere()
        reader = Noting(other.stream)
        for _ in range(3):
            other.tell(other.write(2))
        assert reader.heads == [2, 4, 6]
        assert other.journal.reads == 0, "the journal is read only for what is missing"
        other.following.told_end("s", other.end())
        assert other.stream.ended
        assert other.is_whole()

    run_virtual(main())


def test_whoever_asks_first_gets_what_was_written_before() -> None:
    async def main() -> None:
        other = Elsewhere()
        other.write(5)
        await other.following.join(other.stream)
        assert other.is_whole()
        other.tell(other.write())
        assert other.is_whole()

    run_virtual(main())


def test_what_is_told_while_the_journal_is_read_is_not_lost() -> None:
    async def main() -> None:
        other = Elsewhere()
        other.write(5)
        other.journal.read_gate = asyncio.Event()
        joining = asyncio.create_task(other.following.join(other.stream))
        await settled()
        other.tell(other.write(2))  # does not fit yet: nothing is here
        other.journal.read_gate.set()
        await joining
        assert other.is_whole()

    run_virtual(main())


def test_a_journal_that_is_away_is_told_to_whoever_joins_and_repaired_later() -> None:
    async def main() -> None:
        other = Elsewhere()
        other.write(5)
        other.journal.away = True
        with pytest.raises(JournalUnavailable):
            await other.following.join(other.stream)
        other.journal.away = False
        await other.following.check()
        await settled()
        assert other.is_whole()

    run_virtual(main())


def test_a_last_message_that_was_lost_is_found_by_the_round() -> None:
    async def main() -> None:
        other = Elsewhere()
        other.tell(other.write(3))
        other.write(2)
        other.end(STOPPED)
        await other.following.check()
        await settled()
        assert other.is_whole()
        assert other.stream.status == "stopped"

    run_virtual(main())


class Torn(MemoryJournal):
    """A journal in two parts, of which the one that has the user "away" cannot be read."""

    partitions = 2

    def partition(self, user_id: str) -> int:
        return int(user_id == "away")

    async def held_of(self, keys: Iterable[StreamKey]) -> dict[StreamKey, Held]:
        some = list(keys)
        if any(key.user_id == "away" for key in some):
            raise JournalUnavailable("That part is away.")
        return await super().held_of(some)


def test_the_round_finds_what_was_lost_though_another_part_of_the_journal_is_away() -> None:
    async def main() -> None:
        other = Elsewhere(journal=Torn())
        other.known["away"] = Stream(
            "away", user_id="away", chat_id="c", message_id="m", status="streaming", started_at=0
        )
        other.write(3)
        with pytest.raises(JournalUnavailable):
            await other.following.check()
        await settled()
        assert other.is_whole()

    run_virtual(main())


def test_g11_an_end_beyond_what_the_journal_has_is_never_a_silent_hole(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        other = Elsewhere()
        other.tell(other.write(3))
        other.journal.ends["s"] = encode(COMPLETED.frame("s", "c", "m", 9))
        other.following.told_end("s", other.journal.ends["s"])
        await settled()
        assert not other.stream.ended
        assert "ended beyond what the journal holds" in caplog.text

    run_virtual(main())


def test_what_this_node_has_claimed_takes_nothing_from_its_former_owner() -> None:
    async def main() -> None:
        other = Elsewhere()
        other.tell(other.write(3))
        other.stream.is_ours = True
        other.tell(other.write(2))
        other.following.told_end("s", other.end())
        await settled()
        assert (other.stream.log.tail, other.stream.ended) == (3, False)

    run_virtual(main())


def test_words_for_people_travel_too() -> None:
    async def main() -> None:
        other = Elsewhere("queued")
        other.tell(other.write())
        assert other.stream.summary().status == "streaming"
        label = encode(StreamStatusFrame(stream_id="s", status="stopping", label="Stopping"))
        other.following.told_label("s", label)
        assert (other.stream.summary().status, other.stream.label) == ("stopping", label)

    run_virtual(main())


STEP = st.sampled_from(["write", "tell", "tell", "lose", "again", "swap", "check"])


@given(steps=st.lists(STEP, max_size=40), is_told=st.booleans())
def test_g19_the_law_whatever_the_backplane_does_the_readers_have_all_of_it_in_the_end(
    steps: list[str], is_told: bool
) -> None:
    async def main() -> None:
        other = Elsewhere()
        reader = Noting(other.stream)
        told: list[tuple[int, list[Chunk]]] = []
        for step in steps:
            if step == "write":
                told.append(other.write(2))
            elif step == "tell" and told:
                other.tell(told.pop(0))
            elif step == "lose" and told:
                told.pop(0)
            elif step == "again" and told:
                other.tell(told[0])
            elif step == "swap":
                told.reverse()
            elif step == "check":
                await other.following.check()
                await settled()
        frame = other.end()
        if is_told:
            other.following.told_end("s", frame)
        await other.following.check()
        await settled()
        assert other.is_whole()
        assert other.stream.ended
        assert reader.heads == sorted(reader.heads)

    run_virtual(main())
