"""`data:` URLs (RFC 2397), as pages put files into messages. Pure."""

import binascii
import re
from base64 import b64decode
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

_DATA_URL = re.compile(r"data:(?P<media_type>[^,;]*)(?P<parameters>(?:;[^,;]*)*),(?P<data>.*)", re.DOTALL)


class Data(NamedTuple):
    """What is inside: the bytes, and what they are said to be; the RFC's `text/plain` when nothing is said."""

    media_type: str
    body: bytes


def read_data_url(url: str) -> Data | None:
    """Read a `data:` URL; None when it is none, or broken."""
    found = _DATA_URL.fullmatch(url)
    if found is None:
        return None
    body = unquote_to_bytes(found["data"])
    if found["parameters"].lower().endswith(";base64"):
        try:
            body = b64decode(b"".join(body.split()), validate=True)
        except binascii.Error:
            return None
    return Data(found["media_type"].strip() or "text/plain", body)
