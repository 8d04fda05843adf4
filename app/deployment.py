"""The three shapes of a deployment, told apart by two settings. Pure."""

from typing import Literal

Shape = Literal["embedded", "lone", "many"]
"""`embedded`: one process with SQLite; the lock on its data folder keeps it alone. `lone`: one process with PostgreSQL;
its journal is in its data folder, and a lease keeps it alone in the database. `many`: any number of nodes, which share
PostgreSQL and Redis."""


class Misfit(ValueError):  # noqa: N818 - says what the settings are to each other
    """Settings that do not go together; a sentence that names what to change."""


def shape_of(database_url: str, redis_url: str, workers: int = 1) -> Shape:
    """Say which shape these settings ask for.

    Args:
        database_url: SQLite or PostgreSQL.
        redis_url: empty for none.
        workers: how many processes are to share the address.

    Raises:
        Misfit: they do not go together.
    """
    has_postgres = database_url.startswith("postgres")
    if redis_url and not has_postgres:
        raise Misfit(
            "REDIS_URL is for several nodes, which need DATABASE_URL=postgresql://…; SQLite serves exactly one "
            "process. Set DATABASE_URL as well, or unset REDIS_URL."
        )
    if workers > 1 and not redis_url:
        lacking = "REDIS_URL" if has_postgres else "DATABASE_URL=postgresql://… and REDIS_URL"
        raise Misfit(f"{workers} workers are {workers} nodes, which need {lacking}. Set it, or start one worker.")
    if redis_url:
        return "many"
    return "lone" if has_postgres else "embedded"
