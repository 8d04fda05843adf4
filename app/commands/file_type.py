"""What a file is, by its bytes, and what it may be called. Pure."""

import re
from typing import NamedTuple

from protocol.errors import Refusal
from protocol.parts.clean import clean_text

ACCEPTED = "Files may be text, PNG, JPEG, GIF, WebP or PDF"
LONGEST_NAME = 120


class _Kind(NamedTuple):
    """A type that a file's first bytes tell."""

    media_type: str
    suffix: str
    magic: re.Pattern[bytes]


_KINDS = (
    _Kind("image/png", ".png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    _Kind("image/jpeg", ".jpg", re.compile(rb"\xff\xd8\xff")),
    _Kind("image/gif", ".gif", re.compile(rb"GIF8[79]a")),
    _Kind("image/webp", ".webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
    _Kind("application/pdf", ".pdf", re.compile(rb"%PDF-")),
)
_SUFFIXES = {kind.media_type: kind.suffix for kind in _KINDS}
_ALIASES = {"image/jpg": "image/jpeg", "application/x-pdf": "application/pdf"}
# What says nothing: then the bytes alone count.
_UNSAID = ("", "application/octet-stream")
# Text by another name.
_TEXTUAL = re.compile(r"application/(?:json|xml|javascript|yaml|toml|sql|[\w.-]+\+(?:json|xml))")
_TEXT = re.compile(r"text/[a-z0-9][a-z0-9.+-]{0,60}")
# Controls, and what turns the direction of what stands behind it: `gpj.exe` can be made to read `exe.jpg`.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def is_image(media_type: str) -> bool:
    """Whether a stored file may be shown in a page."""
    return media_type.startswith("image/")


def is_text(media_type: str) -> bool:
    """Whether a stored file is text."""
    return media_type.startswith("text/")


def media_type_of(body: bytes, declared: str, *, param: str) -> str:
    """Decide what a file is stored as.

    Args:
        declared: what its sender says it is; empty when they do not.
        param: where they say so, for the refusal.

    Raises:
        Refusal: `content_refused`: its bytes are not what they are said to be, or nothing that is taken.
    """
    said = declared.partition(";")[0].strip().lower()
    said = _ALIASES.get(said, said)
    found = _magic(body)
    if said in _UNSAID:
        said = found or "text/plain"
    if said in _SUFFIXES:
        if found != said:
            raise _refusal(f"This is called {said}, but its bytes are {found or 'something else'}.", param)
        return said
    if not (said.startswith("text/") or _TEXTUAL.fullmatch(said)):
        raise _refusal(f"{ACCEPTED}, not {said[:60]!r}.", param)
    if found is not None:
        raise _refusal(f"This is called text, but its bytes are {found}.", param)
    if not _reads_as_text(body):
        raise _refusal(f"{ACCEPTED}. Text must be UTF-8.", param)
    return said if _TEXT.fullmatch(said) else "text/plain"


def filename_of(given: str, media_type: str) -> str:
    """Make a name that can be shown and saved: the last part of a path, on one line, not too long, never empty."""
    last = re.split(r"[/\\]", clean_text(given))[-1]
    words = _UNSHOWABLE.sub("", " ".join(last.split())).lstrip(". ").rstrip()
    stem, dot, suffix = words.rpartition(".")
    if not dot or not stem or len(suffix) > 16:
        stem, suffix = words, ""
    kept = (stem[: LONGEST_NAME - len(suffix) - 1].rstrip() + dot + suffix) if suffix else words[:LONGEST_NAME].rstrip()
    return kept or f"file{_SUFFIXES.get(media_type, '.txt')}"


def _magic(body: bytes) -> str | None:
    return next((kind.media_type for kind in _KINDS if kind.magic.match(body)), None)


def _reads_as_text(body: bytes) -> bool:
    if b"\0" in body:
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _refusal(sentence: str, param: str) -> Refusal:
    return Refusal("content_refused", sentence, param=param)
