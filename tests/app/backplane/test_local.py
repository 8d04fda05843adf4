"""The journal in files: the contract, and what only files can go through."""

import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backplane import syncing
from app.backplane.interface import Held, JournalConflict, JournalUnavailable
from app.backplane.local import LocalJournal, Statistics
from app.backplane.records import encode_chunks
from app.backplane.replay import Replay
from app.backplane.segments import SEGMENT_BYTES, Segments, make_folder
from app.clock import Clock
from tests.contract.journal import RETENTION_MS, HandClock, JournalContract, Make, key, log, opened, part

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where files are synced for nothing: a law opens hundreds of journals."""


class TestContract(JournalContract):
    @contextmanager
    def place(self) -> Iterator[Make]:
        with TemporaryDirectory(dir=MEMORY) as folder:
            yield lambda clock: made(Path(folder, "journal"), clock, segment_bytes=400, sync_interval=0)


Room = Callable[[int | None], None]
"""Sets how large a file may grow, in bytes; None for as large as before."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def hand() -> HandClock:
    return HandClock()


def made(folder: Path, clock: Clock, *, segment_bytes: int = SEGMENT_BYTES, sync_interval: float = 1.0) -> LocalJournal:
    return LocalJournal(
        folder, clock, retention_ms=RETENTION_MS, segment_bytes=segment_bytes, sync_interval=sync_interval
    )


def small(folder: Path, clock: Clock) -> LocalJournal:
    """A journal that begins a new segment with every write."""
    return made(folder, clock, segment_bytes=1, sync_interval=0)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def segments(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def room_for() -> Iterator[Room]:
    """Let files grow up to a size only: the kernel writes what fits, then refuses, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (before[0] if size is None else size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


async def test_only_the_owner_may_read_the_files(folder: Path, hand: HandClock) -> None:
    async with opened(lambda clock: small(folder, clock), hand.clock) as journal:
        await journal.append([part("str_a", 0, 1)])
    assert mode(folder) == 0o700
    assert [mode(folder / name) for name in segments(folder)] == [0o600]


async def test_a_tick_is_one_write(folder: Path, hand: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    real = os.write

    def counted(fd: int, data: bytes) -> int:
        writes.append(len(data))
        return real(fd, data)

    async with opened(lambda clock: made(folder, clock), hand.clock) as journal:
        monkeypatch.setattr(os, "write", counted)
        await journal.append([part(f"str_{number}", 0, 2) for number in range(100)])
        monkeypatch.undo()
        assert len(writes) == 1
        assert len(await journal.streams()) == 100


async def test_a_full_disk_refuses_and_leaves_no_piece_behind(folder: Path, hand: HandClock, room_for: Room) -> None:
    async with opened(lambda clock: made(folder, clock), hand.clock) as journal:
        await journal.append([part("str_a", 0, 2)])
        size = (folder / "00000001.journal").stat().st_size
        room_for(size + 30)
        with pytest.raises(JournalUnavailable, match="cannot be written: File too large"):
            await journal.append([part("str_a", 2, 2), part("str_b", 0, 1)])
        assert (folder / "00000001.journal").stat().st_size == size + 30
        assert await journal.streams() == {key("str_a"): Held(2, None)}
        room_for(None)
        await journal.append([part("str_a", 2, 1)])
        assert await journal.read(key("str_a")) == log("str_a", 3)
    again = made(folder, hand.clock)
    async with opened(lambda clock: again, hand.clock) as journal:
        assert await journal.read(key("str_a")) == log("str_a", 3)
        assert (again.recovered.torn_bytes, again.recovered.damaged_bytes) == (0, 0)


async def test_a_process_that_dies_on_a_full_disk_leaves_a_torn_tail_only(
    folder: Path, tmp_path: Path, hand: HandClock, room_for: Room
) -> None:
    async with opened(lambda clock: made(folder, clock), hand.clock) as journal:
        await journal.append([part("str_a", 0, 2)])
        room_for((folder / "00000001.journal").stat().st_size + 30)
        with pytest.raises(JournalUnavailable):
            await journal.append([part("str_a", 2, 2)])
        room_for(None)
        dead = shutil.copytree(folder, tmp_path / "dead")
    for left, torn in ((dead, 30), (folder, 0)):  # the one that ended in good order took the piece away
        again = made(left, hand.clock)
        await again.open()
        assert again.recovered.torn_bytes == torn
        assert await again.read(key("str_a")) == log("str_a", 2)
        await again.close()


async def test_a_torn_segment_that_is_written_no_more_passes_for_damaged_by_nobody(
    folder: Path, hand: HandClock, room_for: Room
) -> None:
    writer = Segments(folder, {}, 1, 1_000, lambda _: None)
    make_folder(folder)
    writer.write(encode_chunks("str_a", 0, part("str_a", 0, 2).chunks))
    room_for(writer.total + 30)
    with pytest.raises(OSError, match="File too large"):
        writer.write(encode_chunks("str_a", 2, part("str_a", 0, 2).chunks))
    room_for(None)
    writer.rest()
    writer.write(encode_chunks("str_b", 0, part("str_b", 0, 1).chunks))
    writer.rest()
    assert Replay(folder).recovered.damaged_bytes == 0


@settings(deadline=None, max_examples=8)
@given(st.lists(st.tuples(st.sampled_from(["str_a", "str_b"]), st.integers(1, 3)), min_size=1, max_size=5), st.data())
async def test_g19b_torn_at_any_byte_what_was_whole_before_is_there(
    writes: list[tuple[str, int]], data: st.DataObject
) -> None:
    clock = HandClock().clock
    with TemporaryDirectory(dir=MEMORY) as root:
        folder = Path(root)
        file = folder / "00000001.journal"
        heads: dict[str, int] = {}
        sizes: list[tuple[int, dict[str, int]]] = [(0, {})]
        async with opened(lambda clock: made(folder, clock), clock) as journal:
            for name, count in writes:
                await journal.append([part(name, heads.get(name, 0), count)])
                heads[name] = heads.get(name, 0) + count
                sizes.append((file.stat().st_size, dict(heads)))
        whole = file.read_bytes()
        tail = data.draw(st.sampled_from([b"", bytes(50), b"\xfe\xed", b"\xfe\xed\x00\x00", b"\xff" * 9]), "tail")
        for cut in range(len(whole) + 1):
            file.write_bytes(whole[:cut] + tail)
            size, expected = max((entry for entry in sizes if entry[0] <= cut), key=lambda entry: entry[0])
            async with opened(lambda clock: made(folder, clock), clock) as journal:
                assert isinstance(journal, LocalJournal)
                assert {stream.stream_id: held.head for stream, held in (await journal.streams()).items()} == expected
                assert journal.recovered.torn_bytes == cut - size + len(tail)
                assert file.stat().st_size == size
                for name, head in expected.items():
                    assert await journal.read(key(name)) == log(name, head)


async def test_damage_costs_what_stood_there_and_keeps_the_file_aside(folder: Path, hand: HandClock) -> None:
    ends = []
    async with opened(lambda clock: made(folder, clock), hand.clock) as journal:
        for name, prev in [("str_a", 0), ("str_b", 0), ("str_a", 1), ("str_b", 1), ("str_a", 2)]:
            await journal.append([part(name, prev, 1)])
            ends.append((folder / "00000001.journal").stat().st_size)
    raw = bytearray((folder / "00000001.journal").read_bytes())
    raw[ends[2] - 5] ^= 1  # the second chunk of str_a
    (folder / "00000001.journal").write_bytes(raw)
    again = made(folder, hand.clock)
    async with opened(lambda clock: again, hand.clock) as journal:
        assert await journal.read(key("str_a")) == log("str_a", 1)  # up to the hole, never across it
        assert await journal.read(key("str_b")) == log("str_b", 2)
        assert again.recovered.damaged_bytes == ends[2] - ends[1]
        assert again.recovered.damaged == (folder / "00000001.journal.damaged",)
        await journal.append([part("str_a", 1, 1)])
        for name in ("str_a", "str_b"):
            await journal.close_stream(key(name), b"end")
        await journal.retire(hand.pass_ms(RETENTION_MS))
        assert segments(folder) == ["00000001.journal.damaged"]
        assert (folder / "00000001.journal.damaged").read_bytes() == raw


async def test_a_closed_log_with_a_hole_is_gone_rather_than_wrong(folder: Path, hand: HandClock) -> None:
    async with opened(lambda clock: small(folder, clock), hand.clock) as journal:
        for prev in range(3):
            await journal.append([part("str_a", prev, 1)])
        await journal.close_stream(key("str_a"), b"end")
    (folder / "00000002.journal").unlink()
    async with opened(lambda clock: small(folder, clock), hand.clock) as journal:
        assert await journal.streams() == {}
        await journal.retire(hand.clock.now_ms())
        assert segments(folder) == []


async def test_damage_found_while_reading_is_said(folder: Path, hand: HandClock) -> None:
    async with opened(lambda clock: made(folder, clock), hand.clock) as journal:
        await journal.append([part("str_a", 0, 1)])
        file = folder / "00000001.journal"
        file.write_bytes(file.read_bytes().replace(b"text-delta", b"text-DELTA"))
        with pytest.raises(JournalUnavailable, match=r"00000001\.journal is damaged at byte 0"):
            await journal.read(key("str_a"))


async def test_a_segment_is_deleted_once_no_stream_needs_it(folder: Path, hand: HandClock) -> None:
    async with opened(lambda clock: small(folder, clock), hand.clock) as journal:
        await journal.append([part("str_long", 0, 1)])
        for number in range(3):
            await journal.append([part(f"str_{number}", 0, 1)])
            await journal.close_stream(key(f"str_{number}"), b"end")
        assert len(segments(folder)) == 7
        await journal.retire(hand.pass_ms(RETENTION_MS))
        assert segments(folder) == ["00000001.journal"]
        await journal.append([part("str_long", 1, 1)])
        assert await journal.read(key("str_long")) == log("str_long", 2)
        await journal.close_stream(key("str_long"), b"end")
        await journal.retire(hand.pass_ms(RETENTION_MS))
        assert segments(folder) == []


async def test_a_forgotten_stream_stays_forgotten_when_its_end_is_deleted_first(folder: Path, hand: HandClock) -> None:
    async with opened(lambda clock: small(folder, clock), hand.clock) as journal:
        await journal.append([part("str_long", 0, 1), part("str_a", 0, 1)])
        await journal.close_stream(key("str_a"), b"end")
        await journal.append([part("str_long", 1, 1)])
        for _ in range(3):  # nothing is written again and again
            await journal.retire(hand.pass_ms(RETENTION_MS))
            assert segments(folder) == ["00000001.journal", "00000003.journal", "00000004.journal"]
    async with opened(lambda clock: small(folder, clock), hand.clock) as journal:
        assert await journal.streams() == {key("str_long"): Held(2, None)}


async def test_nothing_is_withdrawn_that_is_deleted_already(folder: Path, hand: HandClock) -> None:
    async with opened(lambda clock: small(folder, clock), hand.clock) as journal:
        assert isinstance(journal, LocalJournal)
        await journal.append([part("str_a", 0, 1)])
        await journal.append([part("str_a", 1, 1), part("str_long", 0, 1)])
        await journal.close_stream(key("str_a"), b"end")
        await journal.retire(hand.pass_ms(RETENTION_MS))
        assert segments(folder) == ["00000002.journal", "00000003.journal"]
        assert journal.statistics().segments == 2
        await journal.close_stream(key("str_long"), b"end")
        await journal.retire(hand.pass_ms(RETENTION_MS))
        assert segments(folder) == []
        assert journal.statistics() == Statistics(streams=0, segments=0, bytes=0, sync_failures=0)


async def test_what_was_forgotten_is_on_the_disk_before_anything_is_deleted(
    folder: Path, hand: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    journal = made(folder, hand.clock, segment_bytes=1, sync_interval=3600)
    async with opened(lambda clock: journal, hand.clock):
        await journal.append([part("str_long", 0, 1), part("str_a", 0, 1)])
        await journal.close_stream(key("str_a"), b"end")
        await journal.append([part("str_long", 1, 1)])
        monkeypatch.setattr(syncing, "sync", lambda path: done.append(f"sync {path.name}"))
        monkeypatch.setattr(Path, "unlink", lambda path, missing_ok: done.append(f"delete {path.name}"))
        await journal.retire(hand.pass_ms(RETENTION_MS))
        monkeypatch.undo()
    assert done.index("sync 00000004.journal") < done.index("delete 00000002.journal")


async def test_a_second_end_is_not_written(folder: Path, hand: HandClock) -> None:
    async with opened(lambda clock: made(folder, clock), hand.clock) as journal:
        assert isinstance(journal, LocalJournal)
        await journal.close_stream(key("str_a"), b"end")
        before = journal.statistics()
        await journal.close_stream(key("str_a"), b"end")
        assert journal.statistics() == before


names = st.sampled_from(["str_a", "str_b", "str_c", "str_d"])
lives = st.lists(st.tuples(names, st.sampled_from(["grow", "end", "wait", "reopen"])), max_size=40)


@settings(deadline=None)
@given(lives)
async def test_g12_whatever_is_deleted_no_stream_is_cut_and_none_comes_back(lives: list[tuple[str, str]]) -> None:
    hand = HandClock()
    heads: dict[str, int] = {}
    ended: dict[str, int] = {}
    with TemporaryDirectory(dir=MEMORY) as root:
        folder = Path(root)
        journal = made(folder, hand.clock, segment_bytes=150, sync_interval=0)
        await journal.open()
        for name, step in [*lives, *((name, "end") for name in sorted({name for name, _ in lives})), ("", "wait")]:
            if step == "grow" and name not in ended:
                await journal.append([part(name, heads.get(name, 0), 1)])
                heads[name] = heads.get(name, 0) + 1
            elif step == "end":
                await journal.close_stream(key(name), b"end") if name not in ended else None
                ended.setdefault(name, hand.clock.now_ms())
            elif step == "wait":
                now = hand.pass_ms(RETENTION_MS - 1 if name == "str_a" else RETENTION_MS)
                await journal.retire(now)
                heads = {name: head for name, head in heads.items() if ended.get(name, now) > now - RETENTION_MS}
            elif step == "reopen":
                await journal.close()
                journal = made(folder, hand.clock, segment_bytes=150, sync_interval=0)
                await journal.open()
                await journal.retire(hand.clock.now_ms())
            left = await journal.streams()
            held = {stream.stream_id: held.head for stream, held in left.items() if held.head}
            assert held == heads
            for stream, head in heads.items():
                assert await journal.read(key(stream)) == log(stream, head)
        assert segments(folder) == []
        await journal.close()


async def test_a_journal_that_is_not_open_says_so(folder: Path, hand: HandClock) -> None:
    journal = made(folder, hand.clock)
    with pytest.raises(JournalUnavailable, match="is not open"):
        await journal.append([part("str_a", 0, 1)])
    with pytest.raises(JournalUnavailable, match="is not open"):
        await journal.retire(0)


async def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path, hand: HandClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalUnavailable, match="cannot be opened: Not a directory"):
        await made(tmp_path / "file" / "journal", hand.clock).open()


async def test_conflicts_are_known_after_a_restart(folder: Path, hand: HandClock) -> None:
    async with opened(lambda clock: made(folder, clock), hand.clock) as journal:
        await journal.append([part("str_a", 0, 5)])
    async with opened(lambda clock: made(folder, clock), hand.clock) as journal:
        with pytest.raises(JournalConflict) as caught:
            await journal.append([part("str_a", 3, 3)])
        assert caught.value.heads == {key("str_a"): 5}
