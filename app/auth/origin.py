"""Which pages may use a person's cookie: an exact check of the Origin header.

A browser sends cookies along with a websocket handshake from any page on the web, and CORS does not apply to it, so
the server itself must compare. With no list configured, a page may talk to the host it came from. On a loopback
bind only the loopback names count as hosts: a name that somebody else controls can be made to resolve to 127.0.0.1
(DNS rebinding).
"""

from collections.abc import Collection
from urllib.parse import urlsplit

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def is_allowed(
    origin: str | None, *, host: str | None, scheme: str, allowed: Collection[str], loopback_only: bool
) -> bool:
    """Say whether a page of this origin may act with the user's cookie.

    Args:
        origin: the Origin header; None when the client sent none.
        host: the Host header.
        scheme: of the request, as the browser saw it: http, https, ws or wss.
        allowed: the configured origins; when there are any, only they count.
        loopback_only: the server listens on loopback addresses only.
    """
    if origin is None:
        return False
    if allowed:
        return origin in allowed
    if host is None:
        return False
    theirs, ours = _place(origin), _place(f"{scheme}://{host}")
    if theirs is None or ours is None or theirs != ours:
        return False
    return not loopback_only or theirs[0] in LOOPBACK_NAMES


def _place(url: str) -> tuple[str, int] | None:
    """The host and port of a URL, with its scheme's default port."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None
