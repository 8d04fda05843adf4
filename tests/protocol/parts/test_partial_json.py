"""Half-written JSON is read as ai reads it (the vectors hold its own answers)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.parts.partial_json import parse_partial

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_whole_json_is_what_it_is(value: Any, ascii_only: bool, indent: int | None) -> None:
    assert parse_partial(json.dumps(value, ensure_ascii=ascii_only, indent=indent)) == (value, True)


@given(st.dictionaries(st.text("abc", min_size=1), VALUES, max_size=4), st.data())
def test_every_beginning_of_an_object_reads_as_an_object_with_some_of_its_keys(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=False)
    cut = data.draw(st.integers(1, len(text)))
    read, ok = parse_partial(text[:cut])
    assert ok
    assert list(read) == list(value)[: len(read)]
    for key in list(read)[:-1]:  # only the last one may be unfinished
        assert read[key] == value[key]


@given(st.text(max_size=30) | st.text('{}[]",:\\0123-+.eEtrufalsn ', max_size=30))
def test_garbage_never_raises(text: str) -> None:
    value, ok = parse_partial(text)
    assert ok or value is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", None),
        ("nul", None),
        ('{"a', {}),
        ('{"a":', {}),
        ('{"a":"b', {"a": "b"}),
        ('{"a":"b\\', {"a": "b"}),
        ('{"a":"b\\n', {"a": "b\n"}),
        ('{"a":"\\u00e', {"a": ""}),
        ('{"a":tr', {"a": True}),
        ('{"a":-', {}),
        ('{"a":1.', {"a": 1}),
        ('{"a":1e', {"a": 1}),
        ('[1,[2,{"b":nu', [1, [2, {"b": None}]]),
        ("[1,2 ,", [1, 2]),
        ('{"a":1}', {"a": 1}),
        ("12345678901234567890", 12345678901234567890.0),
        ('{"n":1e999}', {"n": None}),
    ],
)
def test_examples(text: str, read: Any) -> None:
    assert parse_partial(text)[0] == read


def test_null_is_read_and_nothing_is_not() -> None:
    assert parse_partial("null") == (None, True)
    assert parse_partial("?") == (None, False)


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity", '{"a":-Infinity', '{"__proto__":{}}', '{"constructor":{"prototype":1}}']
)
def test_what_javascript_would_not_take_is_unreadable(text: str) -> None:
    assert parse_partial(text)[0] in (None, [], {})


def test_what_cannot_be_stored_is_dropped() -> None:
    assert parse_partial('{"a":"x\\u0000y\\ud83d') == ({"a": "xy"}, True)
    assert parse_partial("[" * 200) == (None, False)
    assert parse_partial("[" * 100_000) == (None, False)
