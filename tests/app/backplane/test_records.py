"""The file format: what is written is found again, and nothing else is."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from app.backplane.records import (
    CHUNKS,
    END,
    GONE,
    MARK,
    NOTHING,
    decode_chunks,
    decode_end,
    decode_gone,
    encode_chunks,
    encode_end,
    encode_gone,
    record_at,
    scan,
    size_of,
)
from protocol.parts.chunks import text_delta

texts = st.builds(text_delta, st.text("abc"), st.text("ü\n ")).map(orjson.dumps)
names = st.text("abc_", min_size=1, max_size=6)
records = st.one_of(
    st.builds(encode_chunks, names, st.integers(0, 2**53), st.lists(texts)),
    st.builds(encode_end, names, st.integers(0, 2**53), st.integers(0, 2**53), st.binary(max_size=9)),
    st.builds(encode_gone, st.lists(names)),
)


def found(data: bytes) -> list[bytes]:
    """The records in it, as bytes."""
    return [data[start:stop] for start, stop, kind, *_ in scan(data) if kind != NOTHING]


def test_a_range_is_read_as_it_was_written() -> None:
    chunks = [text_delta("txt_0", "“hé”\n"), {"type": "data-x", "data": [None, 1.5, 2**53]}]
    raw = encode_chunks("str_a", 41, list(map(orjson.dumps, chunks)))
    record = record_at(raw)
    assert record == (0, len(raw), CHUNKS, "str_a", 41, 2, raw.index(b"["))
    assert decode_chunks(raw[record[6] :]) == chunks
    assert size_of(raw[:10]) == len(raw)


def test_an_end_is_read_as_it_was_written() -> None:
    raw = encode_end("str_a", 7, 1_790_000_000_123, b'{"type":"stream.end"}')
    record = record_at(raw)
    assert record is not None
    assert record[2:6] == (END, "str_a", 7, 0)
    assert decode_end(raw[record[6] :]) == (1_790_000_000_123, b'{"type":"stream.end"}')


def test_a_withdrawal_is_read_as_it_was_written() -> None:
    raw = encode_gone(["str_a", "str_b"])
    record = record_at(raw)
    assert record is not None
    assert record[2:6] == (GONE, "", 0, 2)
    assert decode_gone(raw[record[6] :]) == ["str_a", "str_b"]


@given(st.lists(records, max_size=5))
def test_a_scan_covers_every_byte_once_and_in_order(written: list[bytes]) -> None:
    data = b"".join(written)
    spans = [(start, stop) for start, stop, *_ in scan(data)]
    assert [stop for _, stop in spans[:-1]] == [start for start, _ in spans[1:]]
    assert found(data) == written


@given(st.lists(records, min_size=1, max_size=4), st.data())
def test_a_changed_byte_costs_one_record_and_no_other(written: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(b"".join(written))
    at = data.draw(st.integers(0, len(whole) - 1), "at")
    whole[at] ^= data.draw(st.integers(1, 255), "bits")
    ends = [sum(map(len, written[: count + 1])) for count in range(len(written))]
    hit = next(index for index, end in enumerate(ends) if at < end)
    assert found(bytes(whole)) == written[:hit] + written[hit + 1 :]


@given(st.lists(records, max_size=3), st.binary(max_size=40), st.lists(records, max_size=3))
def test_records_behind_rubbish_are_found(before: list[bytes], rubbish: bytes, after: list[bytes]) -> None:
    assert found(b"".join([*before, rubbish, *after])) == before + after


def test_pages_of_zeros_are_no_records() -> None:
    assert found(bytes(4096)) == []


@given(st.binary(max_size=200))
def test_rubbish_is_no_record(rubbish: bytes) -> None:
    assert found(MARK + rubbish + MARK) == []
    assert record_at(rubbish) is None
