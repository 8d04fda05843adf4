"""Files: uploaded over HTTP, named in questions."""

import asyncio
import mimetypes
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from protocol.frames.objects import WireObject
from tidewire.http import post

PATH = "/v1/files"
_TIMEOUT = 120.0
# What the server tells by the bytes; of anything else it finds out itself whether it is text.
_TOLD = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf")


class UploadedFile(WireObject, frozen=True, kw_only=True):
    """A file the server has; `size` in bytes. It goes after a day unless a question names it."""

    file_id: str
    url: str
    media_type: str
    filename: str
    size: int

    @property
    def part(self) -> dict[str, Any]:
        """The part of a message that names it."""
        return {"type": "file", "url": self.url, "mediaType": self.media_type, "filename": self.filename}


async def upload(
    url: str, token: str, file: bytes | str | PathLike[str], *, filename: str | None, media_type: str | None
) -> UploadedFile:
    """Upload the bytes, or the file at a path; see `Client.upload`."""
    name = filename or ("" if isinstance(file, bytes) else Path(file).name)
    body = file if isinstance(file, bytes) else await asyncio.to_thread(Path(file).read_bytes)
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": media_type or _guess(name),
        "x-filename": quote(name, errors="replace"),
    }
    return msgspec.convert(await post(url, PATH, body, headers, timeout=_TIMEOUT), UploadedFile)


def _guess(name: str) -> str:
    guessed = mimetypes.guess_type(name)[0] or ""
    return guessed if guessed in _TOLD or guessed.startswith("text/") else "application/octet-stream"
