"""What every query function takes: the database, or a transaction of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import orjson

Row = Mapping[str, Any]
Item = TypeVar("Item")


class Queries(Protocol):
    """Where a statement runs. A function that takes one says nothing about transactions: its caller decides."""

    async def fetch_all(self, sql: str, values: Mapping[str, Any] = ...) -> Sequence[Row]:
        """Run one statement and return its rows."""

    async def fetch_one(self, sql: str, values: Mapping[str, Any] = ...) -> Row | None:
        """Run one statement and return its first row."""

    async def execute(self, sql: str, values: Mapping[str, Any] = ...) -> None:
        """Run one statement without rows."""


def to_text(value: Any) -> str:
    """Write a JSON value for a text column."""
    return orjson.dumps(value).decode()


def from_text(text: str | None) -> Any:
    """Read a JSON value from a text column; None when it is NULL."""
    return None if text is None else orjson.loads(text)


def batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Cut a list that may be long: SQLite takes at most 32,766 values in one statement."""
    return (items[start : start + size] for start in range(0, len(items), size))


def values_list(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[str, dict[str, Any]]:
    """Build `(:a0, :b0), (:a1, :b1)` and its values, for one INSERT of many rows in one round trip."""
    places = ", ".join("(" + ", ".join(f":{column}{n}" for column in columns) + ")" for n in range(len(rows)))
    values = {f"{column}{n}": value for n, row in enumerate(rows) for column, value in zip(columns, row, strict=True)}
    return places, values
