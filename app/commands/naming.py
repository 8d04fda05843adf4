"""Names that people give to chats and projects. Pure."""

from protocol.errors import Refusal
from protocol.parts.clean import clean_text


def title_of(title: str | None) -> str | None:
    """Return a title as it is kept, on one line; None when none was given.

    Raises:
        Refusal: `invalid_argument`, when there is nothing in it to read.
    """
    if title is None:
        return None
    words = " ".join(clean_text(title).split())
    if not words:
        raise Refusal("invalid_argument", "The title is empty: write at least one character.", param="$.title")
    return words
