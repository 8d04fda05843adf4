"""Who is at the other end: the client's address and scheme, behind proxies that are trusted."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SECURE = {"https": "https", "wss": "https", "http": "http", "ws": "http"}


@dataclass(frozen=True, slots=True)
class Peer:
    """The client as the first trusted proxy saw it.

    Args:
        address: its IP address, or `unknown`.
        scheme: `http` or `https`, as the client spoke it.
    """

    address: str
    scheme: str

    @property
    def is_loopback(self) -> bool:
        """Whether the client is on this machine."""
        ip = _ip(self.address)
        return ip is not None and ip.is_loopback

    def is_within(self, wanted: Sequence[Network]) -> bool:
        """Whether the client is in one of these networks."""
        return _within(self.address, wanted)

    @property
    def site(self) -> str:
        """What to count by, one to a household: the address, and of IPv6 the /64, all of which one host may use."""
        ip = _ip(self.address)
        if isinstance(ip, ipaddress.IPv6Address):
            return str(ipaddress.IPv6Network((int(ip) >> 64 << 64, 64)))
        return self.address if ip is None else str(ip)


def networks(names: Iterable[str]) -> tuple[Network, ...]:
    """Read networks such as `10.0.0.0/8` or `::1`.

    Raises:
        ValueError: one of them is not a network.
    """
    return tuple(ipaddress.ip_network(name, strict=False) for name in names)


def peer_of(scope: Mapping[str, Any], trusted: Sequence[Network]) -> Peer:
    """Find out who a request is from.

    `X-Forwarded-For` is read from the right, because only what trusted proxies appended can be believed; the
    first address that is not such a proxy is the client.

    Args:
        scope: an ASGI scope.
        trusted: the networks of our own proxies.
    """
    address = scope["client"][0] if scope.get("client") else "unknown"
    scheme = _SECURE.get(scope.get("scheme", "http"), "http")
    if not _within(address, trusted):
        return Peer(address, scheme)
    forwarded = _header(scope, b"x-forwarded-for")
    for hop in reversed([hop.strip() for hop in forwarded.split(",") if hop.strip()]):
        address = _without_port(hop)
        if _ip(address) is None:
            address = "unknown"  # not the proxy's own address: that would pass for a client on this machine
        if not _within(address, trusted):
            break
    proto = _header(scope, b"x-forwarded-proto").split(",")[0].strip().lower()
    return Peer(address, _SECURE.get(proto, scheme))


def _header(scope: Mapping[str, Any], name: bytes) -> str:
    values = [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
    return ",".join(values)


def _without_port(hop: str) -> str:
    """The address of a hop; some proxies write `192.0.2.1:4711` or `[2001:db8::1]:4711`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    # A socket that takes both families shows IPv4 peers as ::ffff:192.0.2.1.
    return ip if isinstance(ip, ipaddress.IPv4Address) else ip.ipv4_mapped or ip


def _within(address: str, trusted: Sequence[Network]) -> bool:
    ip = _ip(address)
    return ip is not None and any(ip in network for network in trusted)
