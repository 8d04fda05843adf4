"""Database addresses: which are understood, and what each library needs of them."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn

Dialect = Literal["sqlite", "postgresql"]

_POSTGRES_SCHEMES = ("postgresql", "postgres", "postgresql+aiopg")
_FORMS = "sqlite:///relative/path, sqlite:////absolute/path or postgresql://user:password@host/name"


@dataclass(frozen=True, slots=True)
class StoreURL:
    """An understood database address.

    Attributes:
        dialect: which SQL is spoken there.
        target: the file of a SQLite database, or the address libpq understands (`postgresql://…`).
        shown: the address for people and logs, without its password and options.
    """

    dialect: Dialect
    target: str
    shown: str

    @property
    def for_databases(self) -> str:
        """The address by which `databases` finds our backend; it holds no secret because the backend gets `target`."""
        return "sqlite:///" if self.dialect == "sqlite" else "postgresql:///"

    def __repr__(self) -> str:
        return f"StoreURL({self.shown})"


def parse_url(url: str) -> StoreURL:
    """Understand a database address.

    Raises:
        ValueError: a sentence that names the forms that are understood; it never repeats the password.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(parts.netloc, unquote(parts.path), parts.query)
    if parts.scheme not in _POSTGRES_SCHEMES:
        raise ValueError(f"DATABASE_URL starts with {parts.scheme or 'nothing'}:, but only {_FORMS} are understood.")
    return _postgres(parts, f"postgresql:{url.partition(':')[2]}")


def _postgres(parts: SplitResult, target: str) -> StoreURL:
    try:
        parse_dsn(target)
        # A password with a bare / or @ splits in the wrong place, and a part of it would pass for a port or a path.
        understood = parts.port != 0 and "@" not in parts.path
    except (ValueError, ProgrammingError):
        understood = False
    if not understood:
        raise ValueError(
            "DATABASE_URL is not a PostgreSQL address: special characters of the user and password must be "
            "percent-encoded, and the options after ? must be those of libpq."
        )
    return StoreURL("postgresql", target, f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}")


def _sqlite(host: str, path: str, query: str) -> StoreURL:
    file = path[1:]
    if host or query:
        raise ValueError(
            "A SQLite address has neither host nor options: sqlite:///relative/path or sqlite:////absolute/path."
        )
    if file in ("", ":memory:"):
        # Each connection to ":memory:" is a database of its own: migrations would fill one, the engine open another.
        raise ValueError("DATABASE_URL names no SQLite file, and SQLite in memory is not supported; give a path.")
    return StoreURL("sqlite", file, f"sqlite:///{file}")
