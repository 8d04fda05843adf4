"""Full text search: which chats have these words. The index keeps itself, see `schema/0003_search.sql`."""

import unicodedata

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
