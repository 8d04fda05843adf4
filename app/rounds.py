"""Work that is done again and again for as long as a node lives; what fails is reported, and tried again next time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.backplane.interface import JournalUnavailable
from app.store.errors import StoreUnavailable

log = logging.getLogger("tidewire.rounds")


@dataclass(frozen=True, slots=True)
class Round:
    """One kind of recurring work.

    Args:
        name: what it does, as the log says it.
        every: seconds from the end of one time to the beginning of the next; the first time comes after as long.
        work: does it once; it may fail.
    """

    name: str
    every: float
    work: Callable[[], Awaitable[None]]

    async def run(self) -> None:
        """Work for ever; owned by the node."""
        while True:
            await asyncio.sleep(self.every)
            try:
                await self.work()
            except (StoreUnavailable, JournalUnavailable) as problem:
                log.warning("%s failed; the next round tries again: %s", self.name, problem)
            except Exception:
                log.exception("%s failed; the next round tries again", self.name)
