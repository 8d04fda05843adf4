"""Statements: SQL with `:name` values, made ready for a driver without I/O.

`databases` compiles every query through SQLAlchemy on each call, which costs more than the query (200 us against 40).
Here the text is translated once and kept, and `databases` passes the ready `Statement` through untouched.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.store.engine.url import Dialect
from app.store.errors import BadQuery

# Alternatives in order of precedence: quoted text and comments are opaque, `::` is a cast, then a value.
_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | :: | :(?P<name>[A-Za-z_]\w*) | %""",
    re.VERBOSE | re.DOTALL,
)
_DIALECT_LINE = re.compile(r"^[ \t]*--[ \t]*(sqlite|postgresql):[ \t]?(.*)$", re.MULTILINE)
_READS = re.compile(r"\s*(SELECT|WITH|VALUES|EXPLAIN)\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)

# Statements are constants of our source; the bound only matters to a caller that builds texts without end.
_KEPT = 1024


def render(sql: str, dialect: Dialect) -> str:
    """Return the SQL of one dialect: a line that begins `-- sqlite:` or `-- postgresql:` is SQL in that one only."""
    return _DIALECT_LINE.sub(lambda line: line[2] if line[1] == dialect else "", sql)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement ready for its driver: `args` maps the names in `sql` to values."""

    sql: str
    args: dict[str, Any]
    is_read: bool


@dataclass(frozen=True, slots=True)
class _Template:
    pieces: tuple[str, ...]  # one more than `names`
    names: tuple[str, ...]
    sql: str
    is_read: bool


class Translator:
    """Turns SQL and its values into statements of one dialect, remembering the texts it has seen."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._template = lru_cache(maxsize=_KEPT)(self._parse)

    def bind(self, sql: str, values: Mapping[str, Any]) -> Statement:
        """Join a text and its values.

        A list or tuple stands for a parenthesised list: `WHERE id IN :ids`. It must not be empty, because SQL has no
        empty list and the usual stand-ins turn `NOT IN` into "nothing".

        Raises:
            BadQuery: a value is missing, left over, an empty list, or text with a NUL, which PostgreSQL cannot store.
        """
        template = self._template(sql)
        if values.keys() != set(template.names):
            raise BadQuery(_mismatch(set(template.names), set(values)))
        statement = self._expand(template, values)
        for name, value in statement.args.items():
            if isinstance(value, str) and "\0" in value:
                raise BadQuery(f"The value :{name} holds a NUL character, which PostgreSQL cannot store.")
        return statement

    def _expand(self, template: _Template, values: Mapping[str, Any]) -> Statement:
        if not any(isinstance(value, list | tuple) for value in values.values()):
            return Statement(template.sql, dict(values), template.is_read)
        args: dict[str, Any] = {}
        written = {name: self._write(name, values[name], args) for name in template.names}
        return Statement(_weave(template.pieces, [written[name] for name in template.names]), args, template.is_read)

    def _write(self, name: str, value: Any, args: dict[str, Any]) -> str:
        if not isinstance(value, list | tuple):
            args[name] = value
            return self._placeholder(name)
        if not value:
            raise BadQuery(f"The list :{name} is empty; ask nothing of the database instead.")
        items = {f"{name}__{index}": item for index, item in enumerate(value)}
        args.update(items)
        return "(" + ", ".join(map(self._placeholder, items)) + ")"

    def _placeholder(self, name: str) -> str:
        return f":{name}" if self._dialect == "sqlite" else f"%({name})s"

    def _parse(self, sql: str) -> _Template:
        sql = render(sql, self._dialect)
        pieces, names, start, kept = [], [], 0, ""
        for token in _TOKEN.finditer(sql):
            kept += sql[start : token.start()]
            start = token.end()
            if token["name"] is None:
                kept += self._literal(token[0])
                continue
            pieces.append(kept)
            names.append(token["name"])
            kept = ""
        pieces.append(kept + sql[start:])
        text = _weave(pieces, [self._placeholder(name) for name in names])
        is_read = _READS.match(sql) is not None and _WRITES.search(sql) is None
        return _Template(tuple(pieces), tuple(names), text, is_read)

    def _literal(self, text: str) -> str:
        # psycopg2 formats with %, so every other % must be doubled, inside quoted text too.
        return text if self._dialect == "sqlite" else text.replace("%", "%%")


def _weave(pieces: Sequence[str], between: Sequence[str]) -> str:
    return "".join(piece + placeholder for piece, placeholder in zip(pieces, [*between, ""], strict=True))


def _mismatch(wanted: set[str], given: set[str]) -> str:
    missing, extra = sorted(wanted - given), sorted(given - wanted)
    needs = f" lacks {', '.join(missing)}" if missing else ""
    spare = f" does not use {', '.join(extra)}" if extra else ""
    return f"The statement{needs}{' and' if needs and spare else ''}{spare}."
