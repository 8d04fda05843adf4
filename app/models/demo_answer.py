"""Composing the demo model's answers from the documentation."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any
from zlib import crc32

from app.models.retrieval import Library, Section

OPENINGS = (
    "I am Tidewire's offline demo model. I cannot think or write; I look your question up in the documentation. "
    "This is what it says.",
    "This answer comes from the documentation: no language model is connected to this server, only this demo.",
    "You are talking to the demo model, which knows Tidewire's documentation and nothing else. I found this.",
)
GREETING = (
    "Hello! I am Tidewire's offline demo model. No language model is connected to this server, so I answer from the "
    "documentation that ships with it."
)
NOTHING_FOUND = (
    "I am only Tidewire's offline demo model: I look questions up in the documentation that ships with this server, "
    "and I found nothing about that one."
)
CLOSING = (
    "*To talk to a real model instead, set `ANTHROPIC_API_KEY` and start the server again; "
    "ask me about “models” for the details.*"
)
RECEIVED = "I received what you attached. I cannot look inside pictures or documents, but it has arrived:"
EXAMPLES = (
    "How do I stop an answer?",
    "What happens when I refresh the page?",
    "Where are my chats kept?",
    "How do I talk to a real model?",
    "Which options does the demo model have?",
)

_TOKEN = re.compile(r"\s*(?:\w{1,6}|[^\w\s]{1,4})|\s+")
_GREETINGS = frozenset(
    ["hello", "hi", "hey", "good", "morning", "evening", "day", "thanks", "thank", "you", "there", "test"]
)
_WORDS = re.compile(r"\w+(?:[.'’-]\w+)*")
_FILLER = re.compile(
    r"^(?:(?:please|hello|hi|hey|so|and|then|ok|okay)\b[\s,!.]*)*"
    r"(?:(?:can|could|would|will) you (?:please )?)?(?:(?:tell|show|explain)(?: to)?(?: me)? )?"
    r"(?:(?:how|what|why|where|when|which|who) (?:do|does|did|is|are|can|could|should|would|will) "
    r"(?:i |you |we |the |a |an |my )*|(?:is|are) there (?:a |an |any )?|how to |about )?",
    re.IGNORECASE,
)


def tokenize(text: str) -> list[str]:
    """Cut a text into pieces of a few characters, as a model would emit them; joined they are the text."""
    return _TOKEN.findall(text)


class Answer:
    """What the demo model says to one question: `sections` it found, `tokens` of the whole text.

    `files` are the `file` parts of the question, with their `bytes`; `preface` tells of what the answer did before, and
    is all there is with `is_brief`.
    """

    def __init__(
        self,
        library: Library,
        questions: Sequence[str],
        seed: int,
        files: Sequence[Mapping[str, Any]] = (),
        *,
        preface: str = "",
        is_brief: bool = False,
    ) -> None:
        self._library = library
        self._files = files
        self._question = questions[-1] if questions else ""
        self._is_greeting = all(word in _GREETINGS for word in _WORDS.findall(self._question.lower()))
        # "Hello there" is no question, even where the documentation speaks of a hello.
        self.sections = [] if self._is_greeting and len(questions) < 2 else _look_up(library, questions)
        answer = CLOSING if is_brief else self._compose(seed)
        self.tokens = tokenize("\n\n".join(filter(None, (self._receipt(), preface, answer))))

    def endless(self) -> Iterator[str]:
        """Yield the answer, then the rest of the documentation, over and over."""
        yield from self.tokens
        rest = [section for section in self._library.sections if section not in self.sections]
        further = [_show(section) for section in (*rest, *self.sections)]
        for text in cycle(further or ["…"]):
            yield from tokenize("\n\n" + text)

    def _receipt(self) -> str:
        return "\n".join([f"{RECEIVED}\n", *map(_describe, self._files)]) if self._files else ""

    def _compose(self, seed: int) -> str:
        if self._files and not self._question.strip():
            return CLOSING
        if not self.sections:
            excuse = GREETING if self._is_greeting else NOTHING_FOUND
            return "\n\n".join((excuse, self._suggest(), CLOSING))
        opening = OPENINGS[crc32(f"{seed}\n{self._question}".encode()) % len(OPENINGS)]
        pages = list(dict.fromkeys(f"“{section.title}”" for section in self.sections))
        source = f"*From {' and '.join(pages)}.*"
        return "\n\n".join((opening, *map(_show, self.sections), "---", source, CLOSING))

    def _suggest(self) -> str:
        return "You could ask me:\n\n" + "\n".join(f"- {question}" for question in EXAMPLES)


def _describe(file: Mapping[str, Any]) -> str:
    content: bytes = file["bytes"]
    is_text = file["mediaType"].startswith("text/")
    words = f", {len(content.decode(errors='replace').split()):,} words" if is_text else ""
    # As code: whatever a file is called, it is not markdown.
    name = file["filename"].replace("`", "'")
    return f"- `{name}`: {file['mediaType']}, {len(content):,} bytes{words}"


def _look_up(library: Library, questions: Sequence[str]) -> list[Section]:
    # "And on my phone?" says too little alone: what was asked before says what it is about.
    for question in (questions[-1:], questions[-2:]):
        if found := library.find("\n".join(question)):
            return found
    return []


def _show(section: Section) -> str:
    return f"## {section.heading}\n\n{section.body}"


def title_of(question: str, longest: int = 6) -> str:
    """Name a chat after its first question: its telling words, at most `longest` of them."""
    line = next((line.strip() for line in question.splitlines() if line.strip()), "")
    words = _WORDS.findall(line[:400][len(_leading_filler(line[:400])) :]) or _WORDS.findall(line[:400])
    title = " ".join(word[:40] for word in words[:longest])
    return title[:1].upper() + title[1:] or "New chat"


def _leading_filler(line: str) -> str:
    match = _FILLER.match(line)
    return match.group() if match else ""
