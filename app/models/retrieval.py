"""Finding the sections of the documentation that answer a question (Okapi BM25)."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from math import log

K1 = 1.4
"""How soon repeating a word stops helping; the usual choice is 1.2 to 2."""
B = 0.6
"""How much a long section is held against; below the usual 0.75, our sections are of one size."""
HEADING_WEIGHT = 4
"""A word of the heading counts as this many in the text."""
PAGE_WEIGHT = 1
NEAR = 0.6
"""A further section is shown when it scores at least this share of the best."""
ENOUGH = 0.3
"""Share of the question, its words weighed by rarity, that a section must speak of to answer it."""

_WORD = re.compile(r"[a-z0-9_]+")
_HEADING = re.compile(r"^(#{1,3})\s+(.+?)\s*$")
_CONTINUES = re.compile(r"\s*(?![-*+|>]\s|\||\d+\.\s)\S")
_SUFFIXES = ("ingly", "ing", "edly", "ed", "ies", "es", "s", "e", "y")
_STOP_WORDS = frozenset(
    _WORD.findall(
        """
        a about after all also am an and any are as at be because been but by can could did do does for from get give
        had has have how i if in into is it its just know like make many may me more much my no not of on or our please
        say should so some tell than that the their them then there these they this to up us use used want was we were
        what when where which while who why will with work would you your
        """
    )
)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of a page and the text under it.

    `page` is the file's name without `.md`, `title` the page's first heading, `body` markdown without the heading.
    """

    page: str
    title: str
    heading: str
    body: str
    words: Counter[str] = field(repr=False, compare=False)
    length: int = field(repr=False, compare=False)


class Library:
    """The documentation, cut into sections and ready to be asked."""

    def __init__(self, sections: Iterable[Section]) -> None:
        self.sections: Sequence[Section] = tuple(sections)
        count = max(1, len(self.sections))
        self._average = sum(section.length for section in self.sections) / count or 1.0
        holding = Counter(word for section in self.sections for word in section.words)
        self._rarity = {word: log(1 + (count - n + 0.5) / (n + 0.5)) for word, n in holding.items()}

    def rank(self, question: str) -> list[tuple[float, Section]]:
        """Return the sections that say anything about the question with their scores, best first."""
        asked = terms(question)
        scored = [(self._score(asked, section), section) for section in self.sections]
        return sorted((entry for entry in scored if entry[0] > 0), key=lambda entry: -entry[0])

    def find(self, question: str, limit: int = 3) -> list[Section]:
        """Return the sections worth showing: near the best one, and about enough of the question."""
        ranked = self.rank(question)
        asked = terms(question)
        return [
            section
            for score, section in ranked[:limit]
            if score >= NEAR * ranked[0][0] and self._coverage(asked, section) >= ENOUGH
        ]

    def _coverage(self, asked: Sequence[str], section: Section) -> float:
        unknown = log(1 + 2 * len(self.sections))  # a word found nowhere tells the most
        weights = {word: self._rarity.get(word, unknown) for word in asked}
        return sum(weight for word, weight in weights.items() if word in section.words) / sum(weights.values())

    def _score(self, asked: Sequence[str], section: Section) -> float:
        norm = K1 * (1 - B + B * section.length / self._average)
        return sum(
            self._rarity[word] * section.words[word] * (K1 + 1) / (section.words[word] + norm)
            for word in asked
            if word in section.words
        )


def shipped_library() -> Library:
    """Read the documentation that is part of this package."""
    return Library(read_sections(files("app").joinpath("docs")))


def read_sections(folder: Traversable) -> list[Section]:
    """Read every `.md` file of a folder; `index.md` comes first, the others by name."""
    pages = [entry for entry in folder.iterdir() if entry.name.endswith(".md")]
    pages.sort(key=lambda entry: (entry.name != "index.md", entry.name))
    return [
        section
        for entry in pages
        for section in split_page(entry.name.removesuffix(".md"), entry.read_text(encoding="utf-8"))
    ]


def split_page(page: str, text: str) -> list[Section]:
    """Cut a markdown page at its headings; a heading with nothing under it is dropped."""
    blocks: list[tuple[str, list[str]]] = [(page, [])]
    fenced = False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        heading = None if fenced else _HEADING.match(line)
        if heading:
            blocks.append((heading.group(2), []))
        else:
            blocks[-1][1].append(line)
    title = blocks[1][0] if len(blocks) > 1 else page
    made = (_section(page, title, heading, unwrap(lines).strip()) for heading, lines in blocks)
    return [section for section in made if section.body]


def unwrap(lines: Iterable[str]) -> str:
    """Join the lines of each paragraph and list item: a model does not wrap its lines, and pages do it better."""
    joined: list[str] = []
    fenced = open_ended = False
    for line in lines:
        fence = line.startswith("```")
        if open_ended and not fence and _CONTINUES.match(line):
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
        fenced ^= fence
        open_ended = not fenced and not fence and bool(line.strip()) and not line.startswith("|")
    return "\n".join(joined)


def _section(page: str, title: str, heading: str, body: str) -> Section:
    words = Counter(terms(body))
    words.update({word: n * HEADING_WEIGHT for word, n in Counter(terms(heading)).items()})
    words.update({word: n * PAGE_WEIGHT for word, n in Counter(terms(title)).items()})
    return Section(page, title, heading, body, words, words.total())


def terms(text: str) -> list[str]:
    """Reduce a text to the stems of its telling words."""
    return [stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]


def stem(word: str) -> str:
    """Strip an English ending, so that stop, stops, stopped and stopping are one word."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            if suffix in ("ing", "ed") and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word
