"""Migrations: numbered SQL files applied once, by whichever process comes first.

`app/store/schema/NNNN_name.sql` holds one step for both dialects. A line that begins `-- sqlite:` or `-- postgresql:`
is a comment in the other dialect and, without the prefix, SQL in its own. Each file is one transaction together with
its line in the table `schema_migrations`, under a lock of the whole database, so processes that start at once apply
each file exactly once and a crash leaves whole steps only.

Synchronous, over the drivers themselves: it runs before the engine, in a thread or in `tidewire migrate`.
"""

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from app.store.engine.session import Version, open_session
from app.store.engine.statement import render
from app.store.engine.url import Dialect, StoreURL, parse_url
from app.store.errors import SchemaTooNew

_FILE = re.compile(r"(\d{4})_(\w+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: its number, its file's name without the suffix, and its SQL for both dialects."""

    version: int
    name: str
    sql: str

    def render(self, dialect: Dialect) -> str:
        """The SQL of one dialect."""
        return render(self.sql, dialect)


def load(folder: Traversable | None = None) -> tuple[Migration, ...]:
    """Read the steps in order.

    Args:
        folder: where the files are; the program's own by default.

    Raises:
        ValueError: a file has another kind of name, or the numbers are not 1, 2, 3 ...
    """
    sources = [file for file in (folder or files("app.store") / "schema").iterdir() if file.name.endswith(".sql")]
    steps = [_read(file) for file in sorted(sources, key=lambda file: file.name)]
    if [step.version for step in steps] != list(range(1, len(steps) + 1)):
        raise ValueError(f"The migrations are not numbered 1, 2, 3 ...: {', '.join(step.name for step in steps)}.")
    return tuple(steps)


def migrate(url: str, steps: Sequence[Migration] | None = None) -> list[str]:
    """Bring the database up to date; a SQLite file that is not there is created.

    Args:
        url: the address, as `Database` takes it.
        steps: what to apply instead of the program's own migrations.

    Returns:
        The names of the steps applied here, in order; none if there was nothing to do.

    Raises:
        SchemaTooNew: a newer program has migrated this database.
        StoreUnavailable: it cannot be reached, or another process held its lock too long.
        BadQuery, ConstraintViolation: a step failed; those before it stay applied.
    """
    steps = load() if steps is None else steps
    address = parse_url(url)
    with closing(open_session(address)) as session:
        missing = _missing(steps, session.version(), address)
        return [step.name for step in missing if session.apply(step.version, step.name, step.render(address.dialect))]


def pending(url: str, steps: Sequence[Migration] | None = None) -> list[str]:
    """The names of the steps this database lacks, in order. Changes nothing.

    Raises:
        SchemaTooNew, StoreUnavailable: as `migrate`.
    """
    steps = load() if steps is None else steps
    address = parse_url(url)
    if address.dialect == "sqlite" and not Path(address.target).exists():
        return [step.name for step in steps]
    with closing(open_session(address)) as session:
        return [step.name for step in _missing(steps, session.version(), address)]


def _read(file: Traversable) -> Migration:
    name = _FILE.fullmatch(file.name)
    if name is None:
        raise ValueError(f"The migration {file.name} is not named like 0001_initial.sql.")
    return Migration(int(name[1]), file.name.removesuffix(".sql"), file.read_text("utf-8"))


def _missing(steps: Sequence[Migration], version: Version, address: StoreURL) -> Sequence[Migration]:
    number, name = version
    if number > len(steps):
        newest = steps[-1].name if steps else "no migration"
        raise SchemaTooNew(
            f"The database {address.shown} was migrated to {name} by a newer Tidewire; this one knows {newest}. "
            "Start the newer program, or restore a backup made before it."
        )
    return steps[number:]
