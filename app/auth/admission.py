"""Which pages may talk to this server, one rule for the socket's handshake and for the forms beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.auth.origin import Origin, is_allowed
from app.auth.peer import Network, Peer, peer_of
from app.auth.tokens import bearer_of, cookie_of


@dataclass(frozen=True, slots=True)
class Admission:
    """Decides by what a request says of where it comes from.

    Args:
        origins: the configured origins; empty means the page's own host.
        loopback_only: the server listens on loopback only.
        proxies: the networks of our own proxies.
    """

    origins: Sequence[Origin]
    loopback_only: bool
    proxies: Sequence[Network]

    def peer(self, scope: Mapping[str, Any]) -> Peer:
        """Who is at the other end."""
        return peer_of(scope, self.proxies)

    def admits(self, scope: Mapping[str, Any]) -> bool:
        """Say whether a request may go on (guarantee 31).

        A page of a foreign origin never may. A client that names no origin is no browser, unless it comes with a
        cookie: then somebody makes a browser act, and only a bearer token beside it proves intent.
        """
        headers = scope["headers"]
        origin = _header(headers, b"origin")
        if origin is None:
            return cookie_of(headers) is None or bearer_of(headers) is not None
        return is_allowed(
            origin,
            host=_header(headers, b"host"),
            scheme=self.peer(scope).scheme,
            allowed=self.origins,
            loopback_only=self.loopback_only,
        )


def has_origin(scope: Mapping[str, Any]) -> bool:
    """Whether a request says which page it comes from."""
    return _header(scope["headers"], b"origin") is not None


def _header(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), None)
