"""The log of one stream: ranges, cursors, bytes."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.streams.log import KEPT_RANGES, Range, StreamLog
from protocol.parts import chunks as make
from protocol.parts.chunks import Chunk, ChunkError
from protocol.parts.coalesce import coalesce
from protocol.parts.fold import fold
from tests.protocol.parts.logs import LOGS

NO_LIMIT = 1 << 30
LIMITS = st.integers(0, 1500)


def log_of(chunks: list[Chunk]) -> StreamLog:
    """A log whose chunks may all be read."""
    log = StreamLog("str_1")
    log.extend(chunks)
    log.publish(log.tail)
    return log


def tokens(count: int) -> list[Chunk]:
    """An answer of this many chunks, most of them deltas of one part."""
    head = [make.start("msg_1"), make.start_step(), make.text_start("t")]
    return head + [make.text_delta("t", f"tök {n} ") for n in range(count - len(head))]


def frames(log: StreamLog, limit: int, after: int = 0) -> list[Range]:
    """All ranges of a reader who takes them one after another."""
    ranges = []
    while after < log.head:
        ranges.append(log.read(after, limit))
        after = ranges[-1].seq
    return ranges


def chunks_in(ranges: list[Range]) -> list[Chunk]:
    return [chunk for one in ranges for chunk in orjson.loads(one.frame)["chunks"]]


@given(LOGS, LIMITS)
def test_g09_every_cut_folds_to_the_same_message(chunks: list[Chunk], limit: int) -> None:
    assert fold(chunks_in(frames(log_of(chunks), limit))).message() == fold(chunks).message()


@given(LOGS, st.data())
def test_g19_every_cursor_reads_the_rest(chunks: list[Chunk], data: st.DataObject) -> None:
    after = data.draw(st.integers(0, len(chunks) - 1))
    rest = chunks_in(frames(log_of(chunks), NO_LIMIT, after))
    assert rest == json.loads(json.dumps(coalesce(chunks[after:])))
    assert fold(chunks[:after]).extend(rest).message() == fold(chunks).message()


@given(LOGS, LIMITS)
def test_g08_each_prev_is_the_seq_before_it(chunks: list[Chunk], limit: int) -> None:
    ranges = frames(log_of(chunks), limit)
    seqs = [0, *(one.seq for one in ranges)]
    assert [one.prev for one in ranges] == seqs[:-1]
    assert seqs[-1] == len(chunks)
    for one in ranges:
        frame = json.loads(one.frame)
        assert list(frame) == ["type", "streamId", "prev", "seq", "chunks"]
        assert (frame["prev"], frame["seq"], frame["streamId"]) == (one.prev, one.seq, "str_1")


@given(LOGS, LIMITS)
def test_a_frame_keeps_its_limit_unless_one_chunk_is_larger(chunks: list[Chunk], limit: int) -> None:
    for one in frames(log_of(chunks), limit):
        assert len(one.frame) <= limit or one.seq == one.prev + 1


@given(LOGS, st.data())
def test_g07_raw_gives_back_the_chunks_one_by_one(chunks: list[Chunk], data: st.DataObject) -> None:
    after = data.draw(st.integers(0, len(chunks)))
    upto = data.draw(st.integers(after, len(chunks)))
    raw = log_of(chunks).raw(after, upto)
    assert [json.loads(text) for text in raw] == json.loads(json.dumps(chunks[after:upto]))


@given(LOGS, st.data())
def test_g07_a_range_never_changes_while_the_log_grows(chunks: list[Chunk], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(chunks)))
    log = log_of(chunks[:cut])
    early = log.read(0, NO_LIMIT)
    log.extend(chunks[cut:])
    log._ranges.clear()
    assert log.read(0, NO_LIMIT) == early
    log.publish(log.tail)
    assert fold(chunks_in([early, *frames(log, NO_LIMIT, cut)])).message() == fold(chunks).message()


def test_a_frame_is_nearly_as_full_as_it_may_be() -> None:
    log = log_of(tokens(3000))
    for one in frames(log, 4096)[:-1]:
        assert 4096 - 20 <= len(one.frame) <= 4096


def test_two_thousand_tokens_are_one_frame_of_few_bytes() -> None:
    chunks = tokens(2000)
    (one,) = frames(log_of(chunks), 64 * 1024)
    text = "".join(chunk.get("delta", "") for chunk in chunks)
    assert len(one.frame) <= 1.05 * len(orjson.dumps(text)) + 300


def test_g19b_nothing_is_read_before_it_is_published() -> None:
    log = StreamLog("str_1")
    log.extend(tokens(10))
    assert (log.head, log.tail) == (0, 10)
    with pytest.raises(ValueError, match=r"Nothing to read after 0 in the stream str_1: its head is 0\."):
        log.read(0, NO_LIMIT)
    log.publish(4)
    assert log.read(0, NO_LIMIT).seq == 4
    log.publish(2)
    assert log.head == 4
    with pytest.raises(ValueError, match="Chunk 11 of the stream str_1 cannot be published: its tail is 10"):
        log.publish(11)


@pytest.mark.parametrize("after", [-1, 10, 11, 4096])
def test_a_cursor_outside_the_log_is_refused_and_harms_nothing(after: int) -> None:
    log = log_of(tokens(10))
    before = log.read(0, NO_LIMIT)
    with pytest.raises(ValueError, match="Nothing to read after"):
        log.read(after, NO_LIMIT)
    assert log.read(0, NO_LIMIT) == before


@pytest.mark.parametrize(("after", "upto"), [(-1, 3), (5, 4), (0, 11)])
def test_a_raw_range_outside_the_log_is_refused(after: int, upto: int) -> None:
    with pytest.raises(ValueError, match=r"is not inside the stream str_1: 1\.\.10"):
        log_of(tokens(10)).raw(after, upto)


def test_readers_in_lockstep_share_one_frame() -> None:
    log = log_of(tokens(10))
    assert log.read(3, NO_LIMIT).frame is log.read(3, 64 * 1024).frame


def test_few_ranges_are_kept() -> None:
    log = log_of(tokens(50))
    for after in range(49):
        log.read(after, NO_LIMIT)
    assert len(log._ranges) == KEPT_RANGES


def test_a_large_chunk_is_read_alone() -> None:
    log = log_of([make.start("msg_1"), {"type": "data-big", "data": "x" * 5000}, make.finish("stop")])
    assert [one.seq for one in frames(log, 1000)] == [1, 2, 3]


def test_g12_the_end_is_set_once_and_nothing_follows() -> None:
    log = log_of([*tokens(5), make.text_end("t")])
    assert "ended" not in repr(log)
    log.finish(b'{"type":"stream.end"}')
    assert log.ended
    assert log.end == b'{"type":"stream.end"}'
    with pytest.raises(ValueError, match="has ended already"):
        log.finish(b"{}")
    with pytest.raises(ValueError, match="has ended at 6: no chunk can follow"):
        log.append(make.text_start("u"))
    assert log.read(0, NO_LIMIT).seq == 6


def test_a_chunk_that_is_not_json_is_refused_and_adds_nothing() -> None:
    log = log_of(tokens(5))
    for wrong in ({"type": "data-x", "data": object()}, make.text_delta("t", "\ud800")):
        with pytest.raises(TypeError):
            log.append(wrong)
    with pytest.raises(ChunkError):
        log.append({"type": "text-delta", "id": "t", "delta": 7})
    assert log.tail == 5
    log.append(make.text_delta("t", "!"))
    assert fold(log.merged()).parts[1]["text"].endswith("!")


def test_an_id_with_quotes_stays_json() -> None:
    log = StreamLog('a"b')
    log.extend([make.start("msg_1"), make.start_step(), make.text_start('t"\\'), make.text_delta('t"\\', "x")])
    log.publish(4)
    assert orjson.loads(log.read(0, NO_LIMIT).frame)["streamId"] == 'a"b'
    assert orjson.loads(log.read(3, NO_LIMIT).frame)["chunks"] == [make.text_delta('t"\\', "x")]


def test_a_token_costs_its_own_bytes() -> None:
    log = log_of(tokens(1000))
    text = sum(len(f"tök {n} ".encode()) for n in range(997))
    assert log.size - text < 200
    assert "head=1000 tail=1000" in repr(log)


@given(LOGS)
def test_g09_the_merged_log_is_the_coalesced_one_beyond_the_head_too(chunks: list[Chunk]) -> None:
    log = StreamLog("str_1")
    assert log.merged() == []
    log.extend(chunks)
    assert log.merged() == coalesce(chunks)
