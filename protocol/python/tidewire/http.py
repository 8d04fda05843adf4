"""Calls of a server's HTTP routes, in a thread: they are few, and need no library."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from protocol.frames.objects import ErrorObject
from tidewire.errors import CommandRefused, Unreachable
from tidewire.transport import is_loopback


def http_url(url: str) -> str:
    """The server's address for plain HTTP: scheme and host, without a path."""
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    if scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not the address of a server; it should look like http://127.0.0.1:8000.")
    return urlunsplit((scheme, parts.netloc, "", "", ""))


def socket_url(url: str) -> str:
    """The address of the server's websocket."""
    base = http_url(url)
    return f"ws{base.removeprefix('http')}/v1/socket"


async def post(url: str, path: str, body: bytes, headers: Mapping[str, str], *, timeout: float) -> dict[str, Any]:  # noqa: ASYNC109 - of the thread
    """POST a body and return the JSON that comes back.

    Args:
        url: the address of the server; the path in it does not count.
        timeout: how long the connection may stand still, in seconds.

    Raises:
        CommandRefused: the server says no; its `command` is the path.
        Unreachable: nobody answered there.
    """
    return await asyncio.to_thread(_post, http_url(url), path, body, headers, timeout)


def _post(base: str, path: str, body: bytes, headers: Mapping[str, str], timeout: float) -> dict[str, Any]:
    request = urllib.request.Request(base + path, body, dict(headers), method="POST")  # noqa: S310 - http_url checked it
    handlers = [urllib.request.ProxyHandler({})] if is_loopback(urlsplit(base).hostname) else []
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=timeout) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as refusal:
        with refusal:
            raise CommandRefused(path, _error(refusal)) from None
    except OSError as failure:
        raise Unreachable(f"No server answered at {base}: {failure}") from failure


def _error(refusal: urllib.error.HTTPError) -> ErrorObject:
    try:
        fields = json.loads(refusal.read())["error"]
        return ErrorObject(code=fields["code"], message=fields["message"], retryable=fields["retryable"],
                           retry_after_ms=fields.get("retryAfterMs"), param=fields.get("param"))  # fmt: skip
    except (ValueError, KeyError, TypeError):
        message = f"The server answered with status {refusal.code}."
        return ErrorObject(code="internal", message=message, retryable=refusal.code >= 500)
