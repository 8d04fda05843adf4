"""Small files of every kind that is taken, and a question that holds parts."""

from base64 import b64decode, b64encode
from itertools import count
from typing import Any

_ids = count(1)

# One pixel, valid, so that a browser shows it.
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00 and so on"
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00"
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
TEXT = "Ebbe und Flut, drei Wörter".encode()

KINDS = {
    "image/png": PNG,
    "image/jpeg": JPEG,
    "image/gif": GIF,
    "image/webp": WEBP,
    "application/pdf": PDF,
    "text/plain": TEXT,
}


def data_url(body: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{b64encode(body).decode()}"


def file_part(url: str, **fields: Any) -> dict[str, Any]:
    return {"type": "file", "url": url} | fields


def asking(*parts: dict[str, Any] | str) -> dict[str, Any]:
    """A user's message of these parts; a string is a text part."""
    made = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
    return {"id": f"f_{next(_ids)}", "role": "user", "parts": made}
