"""Full text search: which chats have these words, and where. The index keeps itself, see `schema/0003_search.sql`."""

import unicodedata
from dataclasses import dataclass
from typing import Any

from app.store.queries import Queries, from_text

# Each word costs a walk through the index; these many say what is meant.
MOST_WORDS = 8

# A condition on `chats c` with the values :user_id and :query. The owner goes first: its entries are all that is read.
# IS TRUE makes PostgreSQL ask the index once; as a join it may ask again for every chat, when it has no statistics yet.
FOUND = """
    AND (c.chat_id IN (
        SELECT e.chat_id FROM search_entries e
        -- sqlite: JOIN search_words w ON w.rowid = e.entry
        -- sqlite: WHERE w.search_words MATCH 'owner : "' || hex(:user_id) || '" AND words : (' || :query || ')'
        -- postgresql: WHERE e.words @@ search_query(:user_id, :query)
    )) IS TRUE
"""


def words_of(query: str) -> str:
    """Write a query as FTS5 wants it: every word in quotes, of which the beginning is enough.

    Inside the quotes nothing has a meaning. PostgreSQL's side takes the punctuation out again. Of very many words the
    longest count, which say most.

    Returns:
        The words; empty when there is nothing to look for.
    """
    words = dict.fromkeys(unicodedata.normalize("NFC", query).split())
    telling = [word for word in words if any(letter.isalnum() for letter in word)]
    longest = sorted(telling, key=len, reverse=True)[:MOST_WORDS]
    return " ".join('"' + word.replace('"', '""') + '"*' for word in longest)


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where the words were found: the title of a chat, or one of its messages.

    `parts` are those of the message, and `asked_at` is when the chat was last asked something (Unix milliseconds).
    """

    chat_id: str
    title: str
    asked_at: int
    role: str | None
    parts: list[dict[str, Any]]


async def places(q: Queries, user_id: str, words: str, *, beside: str, limit: int) -> list[Finding]:
    """Find the titles and messages that have all of these words, those of the chats asked last first.

    Args:
        words: as `words_of` writes them.
        beside: a chat to leave out.
    """
    rows = await q.fetch_all(
        """
        SELECT c.chat_id, c.title, c.updated_at, m.role, m.parts FROM search_entries e
        -- sqlite: JOIN search_words w ON w.rowid = e.entry
        JOIN chats c ON c.user_id = e.user_id AND c.chat_id = e.chat_id
        LEFT JOIN messages m ON m.user_id = e.user_id AND m.message_id = e.message_id
        WHERE e.user_id = :user_id AND e.chat_id <> :beside AND c.deleted_at IS NULL
        -- sqlite: AND w.search_words MATCH 'owner : "' || hex(:user_id) || '" AND words : (' || :query || ')'
        -- postgresql: AND e.words @@ search_query(:user_id, :query)
        ORDER BY c.updated_at DESC, c.chat_id, m.created_at LIMIT :limit
        """,
        {"user_id": user_id, "beside": beside, "query": words, "limit": limit},
    )
    return [
        Finding(row["chat_id"], row["title"], row["updated_at"], row["role"], from_text(row["parts"]) or [])
        for row in rows
    ]
