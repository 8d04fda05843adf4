from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.demo_answer import (
    CLOSING,
    EXAMPLES,
    GREETING,
    NOTHING_FOUND,
    OPENINGS,
    RECEIVED,
    Answer,
    title_of,
    tokenize,
)
from app.models.retrieval import Library, shipped_library

LIBRARY = shipped_library()


def answer(*questions: str, seed: int = 0) -> str:
    return "".join(Answer(LIBRARY, questions, seed).tokens)


@given(st.text())
def test_tokens_joined_are_the_text(text: str) -> None:
    tokens = tokenize(text)
    assert "".join(tokens) == text
    assert all(len(token.strip()) <= 6 for token in tokens)


@pytest.mark.parametrize("question", EXAMPLES)
def test_what_the_demo_suggests_it_can_answer(question: str) -> None:
    assert Answer(LIBRARY, [question], 0).sections


def test_every_answer_says_that_it_is_a_demo() -> None:
    assert answer("hello there!").startswith(GREETING)
    assert answer("Who won the world cup?").startswith(NOTHING_FOUND)
    assert answer("How do I stop?").startswith(OPENINGS)
    assert answer().startswith(GREETING)
    assert all("demo" in opening for opening in OPENINGS)


def received(question: str, *files: dict[str, Any]) -> str:
    return "".join(Answer(LIBRARY, [question], 0, files).tokens)


def test_what_was_attached_is_said_before_the_answer() -> None:
    text = {"mediaType": "text/plain", "filename": "a`b.txt", "bytes": b"one two  three\n"}
    image = {"mediaType": "image/png", "filename": "sea.png", "bytes": b"x" * 1_234}
    said = received("How do I stop?", text, image)
    assert said.startswith(RECEIVED)
    assert "- `a'b.txt`: text/plain, 15 bytes, 3 words\n- `sea.png`: image/png, 1,234 bytes\n" in said
    assert answer("How do I stop?") in said
    assert received("", image) == f"{RECEIVED}\n\n- `sea.png`: image/png, 1,234 bytes\n\n{CLOSING}"


def test_the_seed_chooses_the_opening_and_nothing_else_changes_it() -> None:
    assert len({answer("How do I stop?", seed=seed) for seed in range(20)}) == len(OPENINGS)
    assert answer("How do I stop?", seed=7) == answer("How do I stop?", seed=7)


def test_a_follow_up_is_understood_by_the_question_before_it() -> None:
    assert "## Refreshing the page" in answer("What happens when I refresh?", "And why is that so?")


def test_the_endless_answer_begins_with_the_answer_and_never_ends() -> None:
    made = Answer(LIBRARY, ["How do I stop?"], 0)
    long = list(islice(made.endless(), 20_000))
    assert long[: len(made.tokens)] == made.tokens
    assert len(long) == 20_000
    assert len(list(islice(Answer(Library([]), ["?"], 0).endless(), 5_000))) == 5_000


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How do I stop an answer?", "Stop an answer"),
        ("what is tidewire", "Tidewire"),
        ("Hi, can you explain the sidebar to me please?", "The sidebar to me please"),
        ("\n\n  Zürich's weather — tomorrow\nand so on", "Zürich's weather tomorrow"),
        ("one two three four five six seven eight", "One two three four five six"),
        ("", "New chat"),
        ("?!", "New chat"),
    ],
)
def test_a_title_is_made_of_the_telling_words(question: str, title: str) -> None:
    assert title_of(question) == title


@given(st.text())
def test_a_title_has_one_to_six_words_on_one_line(question: str) -> None:
    title = title_of(question)
    assert 1 <= len(title.split()) <= 6
    assert len(title) <= 6 * 41
    assert title.isprintable()
