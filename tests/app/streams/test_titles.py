import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.streams.titles import LONGEST, PROVISIONAL, UNTITLED, provisional, text_of, tidy


@given(st.text(max_size=200))
def test_a_provisional_title_is_one_short_line_that_begins_the_question(text: str) -> None:
    title = provisional(text)
    assert 0 < len(title) <= PROVISIONAL + 1
    assert title == " ".join(title.split()) or title.endswith("…")
    assert title == UNTITLED or " ".join(text.split()).startswith(title.rstrip("…").rstrip())


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("", UNTITLED),
        (" \n ", UNTITLED),
        ("What is\n a  tide?", "What is a tide?"),
        ("word " * 20, "word word word word word word word word word…"),
        ("x" * 60, "x" * PROVISIONAL + "…"),
        ("Explain the tides, " + "y" * 40, "Explain the tides…"),
    ],
)
def test_a_long_question_is_cut_at_a_word(text: str, title: str) -> None:
    assert provisional(text) == title


@given(st.text(max_size=300))
def test_a_models_title_is_one_line_without_decoration(answer: str) -> None:
    title = tidy(answer)
    assert len(title) <= LONGEST
    assert "\n" not in title
    assert title == title.strip(" \"'*`#")


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("Tides and Waves", "Tides and Waves"),
        ('"Tides and Waves."', "Tides and Waves"),
        ("**Title: Tides**\n\nBecause …", "Tides"),
        ("\n\n# Tides\n", "Tides"),
        ("title :  «Tides»", "Tides"),
        ('"Tides".', "Tides"),
        ("0#.", "0"),
        ("***", ""),
        ("", ""),
        ("Title:", ""),
    ],
)
def test_quotes_and_markdown_go(answer: str, title: str) -> None:
    assert tidy(answer) == title


def test_the_text_of_a_message_is_that_of_its_text_parts() -> None:
    parts = [{"type": "step-start"}, {"type": "text", "text": "a"}, {"type": "file"}, {"type": "text", "text": "b"}]
    assert text_of(parts) == "a\nb"
