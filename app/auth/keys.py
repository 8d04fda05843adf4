"""Where an identity provider's keys are: a file, or an address they are fetched from."""

import urllib.request
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.auth.origin import LOOPBACK_NAMES

FETCH_TIMEOUT = 5.0
MOST_BYTES = 256 * 1024

Source = Callable[[], bytes]
"""Reads a JWK Set, and may block."""


def source_of(place: str) -> Source:
    """A JWK Set's file or address, as something that reads it."""
    if "://" not in place:
        return Path(place).read_bytes
    return lambda: _fetch(place)


def is_place(place: str) -> bool:
    """Whether this is a file that is there, or an address one can trust: https, or http on this machine."""
    if "://" not in place:
        return Path(place).is_file()
    try:
        parts = urlsplit(place)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_NAMES)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Keys come from where the operator said, and from nowhere else."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


def _fetch(address: str) -> bytes:
    handlers: list[Any] = [_NoRedirect()]
    if urlsplit(address).hostname in LOOPBACK_NAMES:
        handlers.append(urllib.request.ProxyHandler({}))
    response: HTTPResponse
    with urllib.request.build_opener(*handlers).open(address, timeout=FETCH_TIMEOUT) as response:
        document: bytes = response.read(MOST_BYTES + 1)
    if len(document) > MOST_BYTES:
        raise ValueError(f"they are larger than {MOST_BYTES} bytes")
    return document
