"""SQLite's errors in our words. Pure."""

import re

from app.store.errors import BadQuery, ConstraintViolation, StoreError, StoreUnavailable, UniqueViolation

_UNIQUE = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"})
_COLUMN = re.compile(r"(\w+)\.(\w+)")

# By primary result code: what the operator can look at.
_UNAVAILABLE = {
    "SQLITE_BUSY": "is locked by another program",
    "SQLITE_LOCKED": "is locked by another connection",
    "SQLITE_CANTOPEN": "cannot be opened; check that its folder exists and may be written",
    "SQLITE_READONLY": "may not be written",
    "SQLITE_FULL": "has no room: the disk is full",
    "SQLITE_IOERR": "cannot be read or written: the disk reported an error",
    "SQLITE_CORRUPT": "is damaged",
    "SQLITE_NOTADB": "is not a SQLite database",
    "SQLITE_INTERRUPT": "was interrupted",
    "SQLITE_NOMEM": "ran out of memory",
    "SQLITE_PROTOCOL": "is locked by another program",
}


def translate(error: Exception, path: str) -> StoreError:
    """Say what a driver's exception means.

    Args:
        error: from sqlite3, or the OverflowError and ValueError it raises for values it cannot bind.
        path: the database file, for the sentence.
    """
    code: str = getattr(error, "sqlite_errorname", None) or type(error).__name__
    if code in _UNIQUE:
        return _unique(str(error))
    if code.startswith("SQLITE_CONSTRAINT"):
        return ConstraintViolation(f"The database refused a row ({code}).")
    primary = "_".join(code.split("_")[:2])
    if primary in _UNAVAILABLE:
        return StoreUnavailable(f"The database {path} {_UNAVAILABLE[primary]}.")
    # SQLite's own messages name tables, columns and types, never values.
    return BadQuery(f"SQLite refused a statement: {error} ({code}).")


def _unique(message: str) -> UniqueViolation:
    # "UNIQUE constraint failed: streams.user_id, streams.id", or "... failed: index 'name'" for expressions.
    found = _COLUMN.findall(message)
    return UniqueViolation(found[0][0] if found else "", [column for _, column in found])
