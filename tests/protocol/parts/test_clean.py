"""What a model may not write never enters a log."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.parts.chunks import ChunkError
from protocol.parts.clean import MAX_DEPTH, clean, clean_text, clean_value

ANY_TEXT = st.text(st.characters(codec=None), max_size=20)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(ANY_JSON)
def test_clean_chunks_can_be_encoded_and_hold_no_nul(value: Any) -> None:
    chunk = clean({"type": "data-x", "data": value})
    assert b"\\u0000" not in orjson.dumps(chunk)
    assert clean(chunk) is chunk


@given(ANY_TEXT)
def test_only_the_forbidden_characters_go(text: str) -> None:
    kept = "".join(c for c in text if c != "\0" and not "\ud800" <= c <= "\udfff")
    assert clean_text(text) == kept
    assert clean({"type": "text-delta", "id": "t", "delta": text})["delta"] == kept


@pytest.mark.parametrize("text", ["", "plain", "wörld", "🙂", "\ufffd\uffff"])
def test_clean_text_is_the_same_object(text: str) -> None:
    chunk = {"type": "text-delta", "id": "t", "delta": text, "providerMetadata": {"a": ["b", {"c": 1}]}}
    assert clean(chunk) is chunk
    assert clean_text(text) is text


def test_keys_and_nested_values_are_cleaned_and_the_rest_is_shared() -> None:
    kept = {"b": [1, "c"]}
    chunk = {"type": "tool-input-available", "input": {"a\0": ["x\ud800y", kept]}}
    cleaned = clean(chunk)
    assert cleaned["input"] == {"a": ["xy", {"b": [1, "c"]}]}
    assert cleaned["input"]["a"][1] is kept
    assert chunk["input"] == {"a\0": ["x\ud800y", kept]}


def test_endless_nesting_is_refused_with_a_sentence() -> None:
    value: object = "x"
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert clean_value([value]) == [value]
    with pytest.raises(ChunkError, match="A data-x chunk is nested deeper than 64 levels"):
        clean({"type": "data-x", "data": [value]})
