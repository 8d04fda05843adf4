"""The fold against the vectors of ai's own reducer, and the laws it adds."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import protocol
from protocol.parts import chunks as make
from protocol.parts.chunks import Chunk
from protocol.parts.coalesce import coalesce
from protocol.parts.fold import Fold, FoldError, fold, merged
from protocol.parts.grammar import Grammar, GrammarError
from tests.protocol.parts.logs import LOGS

VECTORS = json.loads((Path(protocol.__file__).parent / "vectors" / "folds.json").read_text("utf-8"))
BODY = [make.start("msg_1"), make.start_step()]


@pytest.fixture(params=VECTORS, ids=lambda vector: vector["name"])
def vector(request: pytest.FixtureRequest) -> Any:
    """One log and the message that ai's reducer makes of it."""
    return request.param


def test_g13_fold_equals_the_reducer_of_ai(vector: Any) -> None:
    assert fold(vector["chunks"]).message() == vector["message"]


def test_g09_vectors_fold_the_same_when_merged(vector: Any) -> None:
    assert fold(coalesce(vector["chunks"])).message() == vector["message"]


def test_fold_leaves_the_chunks_alone(vector: Any) -> None:
    before = json.dumps(vector["chunks"])
    fold(vector["chunks"]).message()
    assert json.dumps(vector["chunks"]) == before


def test_vectors_are_legal_logs_unless_they_say_so(vector: Any) -> None:
    grammar = Grammar()
    if vector["name"].startswith("beyond the grammar"):
        with pytest.raises(GrammarError):
            grammar.extend(vector["chunks"])
    else:
        grammar.extend(vector["chunks"])


@given(LOGS)
def test_looking_after_every_chunk_changes_nothing(log: list[Chunk]) -> None:
    watched = Fold()
    for chunk in log:
        watched.apply(chunk)
        json.dumps(watched.message())
    assert watched.message() == fold(log).message()


@given(LOGS)
def test_what_was_read_does_not_move(log: list[Chunk]) -> None:
    half = fold(log[: len(log) // 2])
    read = half.message()
    before = json.dumps(read)
    half.extend(log[len(log) // 2 :]).message()
    assert json.dumps(read) == before


@pytest.mark.parametrize(
    ("chunk", "words"),
    [
        (make.text_delta("t", "x"), "A text-delta came for the text part 't', which is not open"),
        (make.text_end("t"), "A text-end came for the text part 't'"),
        (make.reasoning_delta("r", "x"), "a reasoning-start must come before it"),
        (make.reasoning_end("r"), "which is not open"),
        (make.tool_input_delta("c", "x"), "before its tool-input-start"),
        (make.tool_output_available("c", 1), "which no chunk before it made"),
        (make.tool_approval_response("ok", approved=True), "which nobody requested"),
        ({"type": "text-start"}, "without its field 'id'"),
    ],
)
def test_a_chunk_that_cannot_follow_says_what_came(chunk: Chunk, words: str) -> None:
    folded = fold(BODY)
    with pytest.raises(FoldError, match=words) as raised:
        folded.apply(chunk)
    assert raised.value.chunk_type == chunk["type"]
    assert folded.parts == [{"type": "step-start"}]


def test_an_error_names_the_part() -> None:
    with pytest.raises(FoldError) as raised:
        fold([make.tool_input_delta("call_9", "{")])
    assert (raised.value.chunk_type, raised.value.chunk_id) == ("tool-input-delta", "call_9")


def test_a_delta_that_is_not_text_is_an_error() -> None:
    with pytest.raises(FoldError, match="must be a string, not int"):
        fold([*BODY, make.text_start("t"), {"type": "text-delta", "id": "t", "delta": 5}])


def test_open_parts_are_those_still_written() -> None:
    folded = fold([*BODY, make.text_start("t"), make.tool_input_start("c", "search"), make.reasoning_start("r")])
    assert [part["type"] for part in folded.open] == ["text", "tool-search", "reasoning"]
    folded.extend([make.text_end("t"), make.tool_input_available("c", "search", {}), make.reasoning_end("r")])
    assert folded.open == []


@pytest.mark.parametrize("last", [make.finish("stop"), make.abort("user"), make.error("Broken.")])
def test_the_last_chunk_finishes(last: Chunk) -> None:
    folded = fold(BODY)
    assert "finished=False" in repr(folded)
    folded.apply(last)
    assert folded.finished
    assert folded.last == last


def test_merging_metadata_changes_neither_side() -> None:
    base, change = {"a": {"b": 1}, "c": [1]}, {"a": {"d": 2}, "c": [2]}
    assert merged(base, change) == {"a": {"b": 1, "d": 2}, "c": [2]}
    assert (base, change) == ({"a": {"b": 1}, "c": [1]}, {"a": {"d": 2}, "c": [2]})
