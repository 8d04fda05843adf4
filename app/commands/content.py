"""What a question may hold. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.commands.data_url import read_data_url
from app.commands.file_type import filename_of, media_type_of
from protocol.errors import Refusal
from protocol.files import PREFIX, file_id_of
from protocol.frames.objects import Question
from protocol.parts.clean import clean_text

MOST_PARTS = 64
MOST_CHARACTERS = 200_000
# More pages than anybody reads at once, and as many images as models look at closely.
MOST_FILES = 20


@dataclass(frozen=True, slots=True)
class Text:
    """Words of a question."""

    text: str


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file that came inside the question, checked; not stored yet.

    Args:
        param: the place in the command that refusals about it name.
    """

    body: bytes
    media_type: str
    filename: str
    param: str


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that was stored before, by its id; whether it is there, and whose it is, only the store knows."""

    file_id: str
    param: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A question that is fit to be asked, once its files are found."""

    message_id: str
    parts: Sequence[Text | GivenFile | NamedFile]


def checked(question: Question) -> Draft:
    """Return a question that can be stored and asked: known parts, cleaned text, something to say or to look at.

    Raises:
        Refusal: `invalid_argument`, `frame_too_large` or `content_refused`, naming the part.
    """
    if len(question.parts) > MOST_PARTS:
        raise Refusal("frame_too_large", f"A message holds at most {MOST_PARTS} parts.", param="$.message.parts")
    parts = [_part(part, f"$.message.parts[{n}]") for n, part in enumerate(question.parts)]
    texts = [part.text for part in parts if isinstance(part, Text)]
    if sum(map(len, texts)) > MOST_CHARACTERS:
        raise Refusal(
            "frame_too_large", f"A message holds at most {MOST_CHARACTERS:,} characters.", param="$.message.parts"
        )
    if len(parts) - len(texts) > MOST_FILES:
        raise Refusal("frame_too_large", f"A message holds at most {MOST_FILES} files.", param="$.message.parts")
    if len(parts) == len(texts) and not any(text.strip() for text in texts):
        raise Refusal("invalid_argument", "The message is empty: write something first.", param="$.message.parts")
    return Draft(question.id, parts)


def _part(part: dict[str, Any], param: str) -> Text | GivenFile | NamedFile:
    kind = part.get("type")
    if kind == "text":
        text = part.get("text")
        if not isinstance(text, str):
            raise Refusal("invalid_argument", "A text part needs its `text` as a string.", param=f"{param}.text")
        return Text(clean_text(text))
    if kind == "file":
        return _file(part, f"{param}.url")
    raise Refusal(
        "invalid_argument",
        f"A message may hold parts of type `text` and `file`, not {str(kind)[:40]!r}.",
        param=f"{param}.type",
    )


def _file(part: dict[str, Any], param: str) -> GivenFile | NamedFile:
    url = part.get("url")
    if (file_id := file_id_of(url)) is not None:
        return NamedFile(file_id, param)
    if not (isinstance(url, str) and url.startswith("data:")):
        raise Refusal(
            "invalid_argument",
            f"A file part needs the `url` of an uploaded file, {PREFIX}…, or a `data:` URL.",
            param=param,
        )
    data = read_data_url(url)
    if data is None:
        raise Refusal("invalid_argument", "This `data:` URL cannot be read.", param=param)
    if not data.body:
        raise Refusal("invalid_argument", "The file is empty.", param=param)
    media_type = media_type_of(data.body, data.media_type, param=param)
    filename = part.get("filename")
    return GivenFile(
        data.body, media_type, filename_of(filename if isinstance(filename, str) else "", media_type), param
    )
