"""The tool `search_chats`: what was said in the person's other chats. It shows them to the model, so they are asked."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Meta

from app.store import search
from app.store.queries import Queries
from app.store.search import Finding
from app.tools.interface import Arguments, Scope, Tool, ToolError

MOST_PLACES = 12
EXCERPT = 300
"""Characters around the first word that is found."""


class Search(Arguments, frozen=True, kw_only=True):
    """What `search_chats` takes."""

    query: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            description="A few telling words; a place is found that has all of them, or words that begin with them.",
        ),
    ]


def search_chats(database: Queries) -> Tool[Search]:
    """Make the tool over the store in which the chats are."""

    async def run(arguments: Search, scope: Scope) -> dict[str, Any]:
        words = search.words_of(arguments.query)
        if not words:
            raise ToolError("The query has no words to look for.")
        found = await search.places(database, scope.user_id, words, beside=scope.chat_id, limit=MOST_PLACES)
        return {"chats": _by_chat(found, arguments.query.split())}

    return Tool(
        name="search_chats",
        description=(
            "Searches the person's other chats with you, titles and messages, and returns the newest places with an "
            "excerpt of each. Use it when they speak of something from an earlier chat. They are asked first, and may "
            "say no."
        ),
        arguments=Search,
        run=run,
        needs_approval=True,
    )


def _by_chat(found: Iterable[Finding], words: list[str]) -> list[dict[str, Any]]:
    chats: dict[str, dict[str, Any]] = {}
    for place in found:
        day = datetime.fromtimestamp(place.asked_at / 1000, UTC).date().isoformat()
        chat = chats.setdefault(place.chat_id, {"title": place.title, "lastAsked": day, "excerpts": []})
        if place.role is not None:
            said = {"by": "person" if place.role == "user" else "you", "text": excerpt(_text(place.parts), words)}
            chat["excerpts"].append(said)
    return list(chats.values())


def _text(parts: Iterable[Mapping[str, Any]]) -> str:
    return " ".join(part["text"] for part in parts if part["type"] == "text")


def excerpt(text: str, words: Iterable[str]) -> str:
    """Cut a text to what stands around the first of these words; to its beginning when none is there as written."""
    text = " ".join(text.split())
    if len(text) <= EXCERPT:
        return text
    places = (re.search(re.escape(word), text, re.IGNORECASE) for word in words)
    first = min((place.start() for place in places if place), default=0)
    start = max(0, min(first - EXCERPT // 3, len(text) - EXCERPT))
    cut = text[start : start + EXCERPT].strip()
    return ("…" if start else "") + cut + ("…" if start + EXCERPT < len(text) else "")
