"""Which pages may use a person's cookie: an exact check of the Origin header.

A browser sends cookies along with a websocket handshake from any page on the web, and CORS does not apply to it, so
the server itself must compare. With no list configured, a page may talk to the host it came from. On a loopback
bind only the loopback names count as hosts: a name that somebody else controls can be made to resolve to 127.0.0.1
(DNS rebinding).
"""

from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import urlsplit

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Where a page comes from, in lower case and with its port, so that two spellings of one origin are equal.

    The page inside a mobile app has a scheme of its own, such as `capacitor://localhost`, and no port (0).
    """

    scheme: str
    host: str
    port: int


def parse(text: str) -> Origin | None:
    """Read an origin such as `https://chat.example.com`; None when it is not one."""
    try:
        parts = urlsplit(text)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    if (
        not parts.scheme
        or not parts.hostname
        or parts.username is not None
        or parts.path
        or parts.query
        or parts.fragment
    ):
        return None
    return Origin(parts.scheme, parts.hostname, port)


def is_allowed(
    origin: str | None, *, host: str | None, scheme: str, allowed: Collection[Origin], loopback_only: bool
) -> bool:
    """Say whether a page of this origin may act with the user's cookie.

    Args:
        origin: the Origin header; None when the client sent none.
        host: the Host header.
        scheme: of the request, as the browser saw it: http or https.
        allowed: the configured origins; when there are any, only they count.
        loopback_only: the server listens on loopback addresses only.
    """
    if origin is None:
        return False
    theirs = parse(origin)
    if theirs is None:
        return False
    if allowed:
        return theirs in allowed
    ours = None if host is None else parse(f"{scheme}://{host}")
    if ours is None or (theirs.host, theirs.port) != (ours.host, ours.port):
        return False
    return not loopback_only or theirs.host in LOOPBACK_NAMES
