"""What people write about chats and projects: names and instructions. Pure."""

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


def instructions_of(instructions: str | None) -> str | None:
    """Return a project's instructions as they are kept; empty when blank, None when none were given."""
    return None if instructions is None else clean_text(instructions).strip()
