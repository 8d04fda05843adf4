"""Reads REDIS_URL: which servers, how they are joined, and how to log in.

redis://[user:password@]host[:port][/database]              one server
redis+sentinel://[...]host[:port],host[:port]/name[/database]  the master that the sentinels call `name`
redis+cluster://[...]host[:port],host[:port]                a cluster, found through any of its servers

`rediss` instead of `redis` means TLS. Options behind `?`: `prefix` begins every key and channel (for deployments that
share one Redis), `sentinel_password` is for the sentinels themselves, `ca` is a file with certificates to trust.
"""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

Kind = Literal["single", "sentinel", "cluster"]

_KINDS: dict[str, Kind] = {"": "single", "sentinel": "sentinel", "cluster": "cluster"}
_PORTS: dict[Kind, int] = {"single": 6379, "sentinel": 26379, "cluster": 6379}
_OPTIONS = ("prefix", "sentinel_password", "ca")


class RedisUrlError(ValueError):
    """REDIS_URL cannot be used; the message says why, without its password."""


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """Where Redis is.

    Args:
        kind: what the hosts are: the server itself, sentinels, or some servers of a cluster.
        hosts: each with its port.
        master: what the sentinels call the server.
        database: its number; a cluster has only 0.
        prefix: begins every key and channel.
        ca: a file with the certificates to trust; empty: those of the system.
    """

    kind: Kind
    hosts: tuple[tuple[str, int], ...]
    master: str = ""
    database: int = 0
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)
    prefix: str = "tidewire"
    ca: str = ""

    def __str__(self) -> str:
        return ", ".join(f"{host}:{port}" for host, port in self.hosts)


def parse(text: str) -> RedisUrl:
    """Read an address.

    Raises:
        RedisUrlError: it cannot be used.
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        raise RedisUrlError("REDIS_URL cannot be read as an address.") from None
    scheme, _, joined = parts.scheme.partition("+")
    if scheme not in ("redis", "rediss") or joined not in _KINDS:
        raise RedisUrlError(
            "REDIS_URL must begin with redis://, redis+sentinel:// or redis+cluster:// (with rediss for TLS), "
            f"not {parts.scheme or text.partition(':')[0]!r}."
        )
    kind = _KINDS[joined]
    options = _options(parts.query)
    login, _, places = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    master, database = _path(kind, parts.path)
    return RedisUrl(
        kind=kind,
        hosts=_hosts(kind, places),
        master=master,
        database=database,
        tls=scheme == "rediss",
        username=unquote(username) or None,
        password=unquote(password) or None,
        sentinel_password=options.get("sentinel_password"),
        prefix=options.get("prefix", "tidewire"),
        ca=options.get("ca", ""),
    )


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query))
    for name in options:
        if name not in _OPTIONS:
            raise RedisUrlError(f"REDIS_URL has no option {name!r}; there are {', '.join(_OPTIONS)}.")
    if set(options.get("prefix", "")) & set("{} "):
        raise RedisUrlError("The prefix in REDIS_URL must not contain braces or spaces.")
    return options


def _hosts(kind: Kind, places: str) -> tuple[tuple[str, int], ...]:
    hosts = tuple(_host(place, _PORTS[kind]) for place in places.split(","))
    if kind == "single" and len(hosts) > 1:
        raise RedisUrlError(
            "REDIS_URL names several servers: say redis+sentinel:// or redis+cluster:// if they belong together."
        )
    return hosts


def _host(place: str, port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname or "", port if parts.port is None else parts.port
    except ValueError:
        raise RedisUrlError(f"REDIS_URL has a port that is no number up to 65535: {place!r}.") from None
    if not host:
        raise RedisUrlError("REDIS_URL lacks a host.")
    return host, port


def _path(kind: Kind, path: str) -> tuple[str, int]:
    """The name of the master and the number of the database."""
    pieces = [unquote(piece) for piece in path.strip("/").split("/") if piece]
    master = ""
    if kind == "sentinel":
        if not pieces:
            raise RedisUrlError("REDIS_URL must say what the sentinels call the master: redis+sentinel://host/name.")
        master = pieces.pop(0)
    if kind == "cluster" and pieces:
        raise RedisUrlError("A Redis Cluster has no numbered databases: leave the path of REDIS_URL away.")
    if len(pieces) > 1 or any(not piece.isdecimal() for piece in pieces):
        raise RedisUrlError(f"The database in REDIS_URL must be a number, not {'/'.join(pieces)!r}.")
    return master, int(pieces[0]) if pieces else 0
