import pytest

from app.models.retrieval import Library, shipped_library, split_page, stem, unwrap

PAGE = """# Boats

About boats,
all of them.

## Sails

Made of cloth:

- canvas, the old
  way
- dacron

```sh
# not a heading
hoist --sail
```

## Empty

## Anchors
| a | b |
|---|---|
| 1 | 2 |
"""


def test_a_page_is_cut_at_its_headings_and_its_lines_are_unwrapped() -> None:
    sections = split_page("boats", PAGE)
    assert [(s.title, s.heading) for s in sections] == [("Boats", "Boats"), ("Boats", "Sails"), ("Boats", "Anchors")]
    assert sections[0].body == "About boats, all of them."
    assert "- canvas, the old way\n- dacron" in sections[1].body
    assert "```sh\n# not a heading\nhoist --sail\n```" in sections[1].body
    assert sections[2].body == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_unwrapping_keeps_paragraphs_apart() -> None:
    assert unwrap(["one", "two", "", "three", "1. four", "2. five"]) == "one two\n\nthree\n1. four\n2. five"


@pytest.mark.parametrize("words", ["stop stops stopped stopping", "refresh refreshes refreshed refreshing", "key keys"])
def test_forms_of_a_word_share_a_stem(words: str) -> None:
    assert len({stem(word) for word in words.split()}) == 1


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("How do I stop an answer?", "Stopping an answer"),
        ("what happens when i refresh", "Refreshing the page"),
        ("Can I use a local model?", "Using another server or a local model"),
        ("How do I talk to Claude?", "Talking to Claude"),
        ("several devices", "Several tabs and devices"),
        ("simulate faults", "Faults"),
        ("What is Tidewire?", "What Tidewire is"),
        ("my connection was lost", "Losing the connection"),
        ("Where are my chats kept?", "Where things are kept"),
    ],
)
def test_the_shipped_documentation_answers_what_people_ask(question: str, heading: str) -> None:
    assert shipped_library().find(question)[0].heading == heading


@pytest.mark.parametrize("question", ["", "?!", "Write a poem about the sea", "Wie wird das Wetter?", "is it so"])
def test_what_the_documentation_does_not_speak_of_finds_nothing(question: str) -> None:
    assert shipped_library().find(question) == []


def test_a_library_without_sections_finds_nothing() -> None:
    assert Library([]).find("sails") == []
