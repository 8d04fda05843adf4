"""What every admin command works with: the server's database, and a table to show what was found."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app import config
from app.clock import Clock
from app.config import ConfigError, Settings
from app.store.engine import Database
from app.store.errors import StoreError
from app.store.migrations import pending
from app.store.outbox import Outbox


class CannotHelp(Exception):  # noqa: N818 - what the command says to its caller
    """The command cannot do what was asked; a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Desk:
    """An open database, and what else a command needs.

    Args:
        outbox: where facts of users change. Their events are written, and told to nobody: the nodes find them.
    """

    settings: Settings
    database: Database
    outbox: Outbox
    clock: Clock


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Desk]:
    """Open the database of the server that has these settings.

    Raises:
        CannotHelp: there is none, or it is not up to date.
        StoreError: it cannot be used.
    """
    if pending(settings.database_url):
        raise CannotHelp("There is no database yet, or it is older than this program. Run `tidewire migrate` first.")
    clock, database = Clock(), Database(settings.database_url)
    await database.connect()
    try:
        outbox = Outbox(database, clock, lambda _committed: None, keep=settings.limits.event_log_events)
        yield Desk(settings, database, outbox, clock)
    finally:
        await database.close()


def run(work: Callable[[Desk], Awaitable[None]]) -> int:
    """Do an admin command's work; return the exit status, after a sentence on stderr when something is wrong."""

    async def at_the_desk() -> None:
        async with opened(config.load()) as desk:
            await work(desk)

    try:
        asyncio.run(at_the_desk())
    except (CannotHelp, ConfigError, StoreError, ValueError) as problem:
        sys.stderr.write(f"tidewire: {problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def show(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; numbers stand to the right."""
    lines = [[str(head) for head in heads], *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    is_number = [all(isinstance(row[column], int) for row in rows) for column in range(len(heads))]
    for line in lines:
        cells = zip(line, widths, is_number, strict=True)
        text = "  ".join(cell.rjust(width) if number else cell.ljust(width) for cell, width, number in cells)
        sys.stdout.write(text.rstrip() + "\n")


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
