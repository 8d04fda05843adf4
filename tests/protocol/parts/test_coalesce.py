"""Coalescing never changes what a log says."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from protocol.parts import chunks as make
from protocol.parts.chunks import Chunk
from protocol.parts.coalesce import coalesce, merge_key
from protocol.parts.fold import fold
from protocol.parts.grammar import Grammar
from tests.protocol.parts.logs import LOGS


@given(LOGS, st.data())
def test_g09_fold_is_the_same_for_every_coalescing(log: list[Chunk], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(log)), max_size=6)) | {0, len(log)})
    ranges = [log[a:b] for a, b in pairwise(cuts)]
    merged = [chunk for chunks in ranges for chunk in coalesce(chunks)]
    assert fold(merged).message() == fold(log).message()


@given(LOGS)
def test_merging_again_finds_nothing(log: list[Chunk]) -> None:
    once = coalesce(log)
    keys = [merge_key(chunk) for chunk in once]
    assert all(a is None or a != b for a, b in pairwise(keys))
    assert coalesce(once) == once


@given(LOGS)
def test_a_merged_log_is_as_legal_as_the_raw_one(log: list[Chunk]) -> None:
    assert Grammar().extend(coalesce(log)).state == Grammar().extend(log).state


def test_only_neighbours_of_one_kind_and_id_merge() -> None:
    log = [
        make.text_delta("a", "1"),
        make.text_delta("a", "2"),
        make.text_delta("b", "3"),
        make.text_delta("a", "4"),
        make.reasoning_delta("a", "5"),
        make.reasoning_delta("a", "6"),
        make.tool_input_delta("a", "7"),
        make.tool_input_delta("a", "8"),
        make.text_end("a"),
    ]
    assert coalesce(log) == [
        make.text_delta("a", "12"),
        make.text_delta("b", "3"),
        make.text_delta("a", "4"),
        make.reasoning_delta("a", "56"),
        make.tool_input_delta("a", "78"),
        make.text_end("a"),
    ]


def test_a_delta_with_another_field_stands_alone() -> None:
    odd = {**make.text_delta("a", "2"), "providerMetadata": {"p": {}}}
    log = [make.text_delta("a", "1"), odd, make.text_delta("a", "3")]
    assert coalesce(log) == log


def test_the_chunks_given_are_not_changed() -> None:
    log = [make.text_delta("a", "1"), make.text_delta("a", "2")]
    coalesce(log)
    assert [chunk["delta"] for chunk in log] == ["1", "2"]


def test_two_thousand_tokens_are_one_chunk() -> None:
    assert len(coalesce(make.text_delta("a", str(n)) for n in range(2000))) == 1
