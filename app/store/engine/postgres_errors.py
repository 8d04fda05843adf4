"""PostgreSQL's errors in our words. Pure.

Drivers quote rows ("Failing row contains ...") and the statement with its values; here only what the server calls the
object and the SQLSTATE get through.
"""

import re

import psycopg2

from app.store.errors import BadQuery, ConstraintViolation, StoreError, StoreUnavailable, UniqueViolation

# "Key (user_id, id)=(u1, c1) already exists." The words change with the server's language, the brackets do not.
_KEY = re.compile(r"\(([^=]*)\)=\(")

# By SQLSTATE, a whole code or its class of two characters.
_UNAVAILABLE = {
    "57014": "stopped a statement that took too long",
    "55P03": "kept a statement waiting for a lock too long",
    "40001": "asked for this transaction to be tried again",
    "40P01": "broke a deadlock between two transactions",
    "25P03": "ended a transaction that stood still too long",
    "25006": "accepts no writes now",
    "28": "refused the login",
    "3D": "has no database of this name",
    "53": "has run out of something (connections, memory or disk)",
    "57": "is stopping or starting",
    "58": "reported a failure of its system",
    "08": "lost the connection",
    "XX": "reported an internal error",
}


def translate(error: psycopg2.Error, shown: str) -> StoreError:
    """Say what a driver's exception means.

    Args:
        error: from psycopg2.
        shown: the database's address without password, for the sentence.
    """
    code = error.pgcode
    if code is None:
        # libpq's own errors carry no code: the server cannot be reached or went away.
        if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
            return StoreUnavailable(f"The database {shown} cannot be reached, or dropped the connection.")
        return BadQuery(f"psycopg2 refused a statement ({type(error).__name__}).")
    if code == "23505":
        key = _KEY.search(error.diag.message_detail or "")
        return UniqueViolation(error.diag.table_name or "", key[1].split(", ") if key else [])
    if code.startswith("23"):
        return ConstraintViolation(
            f"The database refused a row ({error.diag.constraint_name or type(error).__name__})."
        )
    found = _UNAVAILABLE.get(code) or _UNAVAILABLE.get(code[:2])
    if found is not None:
        return StoreUnavailable(f"The database {shown} {found} ({code}).")
    # Class 42 (syntax, unknown names) speaks of our SQL; other classes quote values.
    detail = error.diag.message_primary if code.startswith("42") else type(error).__name__
    return BadQuery(f"PostgreSQL refused a statement: {detail} ({code}).")
