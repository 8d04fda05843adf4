"""Guest sessions: an account that needs no sign-in."""

import asyncio
import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from protocol.frames.objects import ErrorObject
from tidewire.errors import CommandRefused, Unreachable
from tidewire.transport import is_loopback

_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class GuestSession:
    """A guest: keep the token to be the same user again.

    Args:
        expires_at: Unix milliseconds.
    """

    user_id: str
    token: str = field(repr=False)
    expires_at: int


async def guest_session(url: str) -> GuestSession:
    """Make a guest session at a server (`POST /v1/auth/guest`).

    Args:
        url: the address of the server, as `http://127.0.0.1:8000`.

    Raises:
        CommandRefused: the server takes no guests, or too many came from this address.
        Unreachable: nobody answered there.
    """
    fields = await asyncio.to_thread(_post, http_url(url), "/v1/auth/guest")
    return GuestSession(fields["userId"], fields["token"], fields["expiresAt"])


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


def _post(base: str, path: str) -> dict[str, Any]:
    # The answer sets a cookie, so the server wants to see where the request comes from.
    headers = {"content-type": "application/json", "origin": base}
    request = urllib.request.Request(base + path, b"{}", headers, method="POST")  # noqa: S310 - http_url checked it
    handlers = [urllib.request.ProxyHandler({})] if is_loopback(urlsplit(base).hostname) else []
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=_TIMEOUT) as response:
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
                           retry_after_ms=fields.get("retryAfterMs"))  # fmt: skip
    except (ValueError, KeyError, TypeError):
        message = f"The server answered with status {refusal.code}."
        return ErrorObject(code="internal", message=message, retryable=refusal.code >= 500)
