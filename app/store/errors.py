"""What can go wrong in the store, with the blame in the type.

    StoreError
    ├── StoreUnavailable      the database's doing: away, full, locked, too slow. Trying again may help.
    ├── ConstraintViolation   the data's doing: the database refused a row.
    │   └── UniqueViolation   ... because one with that key exists
    ├── SchemaTooNew          the operator's doing: an older program on a newer database
    └── BadQuery              our own mistake: the SQL, its values, or the use of a transaction

No message holds a value of a query. Drivers quote whole rows and whole statements in theirs, and message text and
tokens must never reach a log (guarantee 33), which is why the engine does not chain the driver's exception either.
"""

from collections.abc import Iterable


class StoreError(Exception):
    """Base of everything the store raises."""


class StoreUnavailable(StoreError):  # noqa: N818  # says what happened
    """The database cannot serve this now; the same call may work later."""


class BadQuery(StoreError):  # noqa: N818  # says what happened
    """A mistake of this program: repeating the call cannot help."""


class ConstraintViolation(StoreError):  # noqa: N818  # says what happened
    """The database refused a row: a foreign key, a NOT NULL or a CHECK."""


class UniqueViolation(ConstraintViolation):
    """A row with this key exists already.

    Args:
        table: the table that refused, empty when the database did not say.
        columns: the columns of the key, in the order of the index; empty for an index over expressions.
    """

    def __init__(self, table: str, columns: Iterable[str]) -> None:
        self.table = table
        self.columns = tuple(columns)
        super().__init__(
            f"Table {table or '(unknown)'} already has a row with this {', '.join(self.columns) or 'key'}."
        )


class SchemaTooNew(StoreError):  # noqa: N818  # says what happened
    """The database was migrated by a newer program than this one."""
