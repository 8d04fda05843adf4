"""What a question may hold. Pure."""

from typing import Any

from protocol.errors import Refusal
from protocol.frames.objects import Question
from protocol.parts.clean import clean_text

MOST_PARTS = 64
MOST_CHARACTERS = 200_000


def checked(question: Question) -> Question:
    """Return a question that can be stored and asked: known parts, cleaned text, something to say.

    Raises:
        Refusal: `invalid_argument`, `frame_too_large` or `content_refused`, naming the part.
    """
    if len(question.parts) > MOST_PARTS:
        raise Refusal("frame_too_large", f"A message holds at most {MOST_PARTS} parts.", param="$.message.parts")
    parts = [_part(part, f"$.message.parts[{n}]") for n, part in enumerate(question.parts)]
    said = sum(len(part["text"]) for part in parts)
    if said > MOST_CHARACTERS:
        raise Refusal(
            "frame_too_large", f"A message holds at most {MOST_CHARACTERS:,} characters.", param="$.message.parts"
        )
    if not any(part["text"].strip() for part in parts):
        raise Refusal("invalid_argument", "The message is empty: write something first.", param="$.message.parts")
    return Question(id=question.id, role="user", parts=parts)


def _part(part: dict[str, Any], param: str) -> dict[str, Any]:
    kind = part.get("type")
    if kind != "text":
        raise Refusal(
            "invalid_argument",
            f"A message may hold parts of type `text`, not {str(kind)[:40]!r}.",
            param=f"{param}.type",
        )
    text = part.get("text")
    if not isinstance(text, str):
        raise Refusal("invalid_argument", "A text part needs its `text` as a string.", param=f"{param}.text")
    return {"type": "text", "text": clean_text(text)}
