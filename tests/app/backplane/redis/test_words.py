"""Words between nodes are read as they were said, whatever a node is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from app.backplane.news import Answered, Asked, Ended, IsVisible, Probe, StopStream, Word
from app.backplane.redis.words import decode, encode, is_from, sender_of

WORDS: list[Word] = [
    Ended("str_1", 3, Raw(b'{"type":"stream.end"}')),
    StopStream("usr_1", "str_1"),
    Asked(7, IsVisible("chat_1")),
    Answered(7, answer=True),
    Probe(1),
]
nodes = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(nodes, st.sampled_from(WORDS))
def test_a_word_is_read_as_it_was_said(node: str, word: Word) -> None:
    assert decode(encode(sender_of(node), word)) == (node, word)


@given(nodes, nodes)
def test_a_node_knows_its_own_words(node: str, other: str) -> None:
    assert is_from(sender_of(node), encode(sender_of(other), Probe(1))) == (node == other)


@pytest.mark.parametrize(
    "message", [b"", b"node", b"node {", b'node {"type":"new"}', b'node {"type":"probe"}', b"n []"]
)
def test_what_is_no_word_says_so(message: bytes) -> None:
    with pytest.raises(ValueError):
        decode(message)
