"""Brings what was written to the disk itself, at most once a second, beside the event loop.

The page cache survives the death of the process, so nothing waits for this; only a power cut may cost what was
written since the last time.
"""

import asyncio
import logging
import os
import sys
from pathlib import Path

from app.tasks import Crew

log = logging.getLogger("tidewire.journal")


def sync(path: Path) -> None:
    """Wait until the content of a file, or the entries of a folder, are on the disk. A file that is gone is fine.

    Opened anew each time, so that no other thread can close the descriptor under it; what counts is the file.
    """
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        if sys.platform == "linux":
            os.fdatasync(fd)
        else:
            os.fsync(fd)  # macOS has no fdatasync
    finally:
        os.close(fd)


class Syncing:
    """Owns the task that syncs the files which were written to.

    Args:
        interval: the shortest time between two rounds, in seconds.
    """

    def __init__(self, interval: float = 1.0) -> None:
        self.failures = 0
        self._interval = interval
        self._written: set[Path] = set()
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._crew = Crew("journal")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; needs the running loop."""
        self._task = self._crew.start(self._run(), name="sync")

    def touch(self, path: Path) -> None:
        """Note that this file or folder was written to."""
        self._written.add(path)
        self._wake.set()

    async def flush(self) -> None:
        """Sync all that was touched, now; what fails is tried again in the next round."""
        paths, self._written = self._written, set()
        problem = await asyncio.to_thread(_sync_all, paths)
        if problem is not None:
            self.failures += 1
            self._written |= paths
            self._wake.set()
            log.error("The journal did not reach the disk; a power cut now would cost answers: %s", problem.strerror)

    async def close(self) -> None:
        """Sync what is left and end. The task is asked, not cancelled: its thread must not outlive it."""
        self._closing.set()
        self._wake.set()
        if self._task is not None:
            await self._task
        await self.flush()

    async def _run(self) -> None:
        while not self._closing.is_set():
            await self._wake.wait()
            self._wake.clear()
            await self.flush()
            try:
                async with asyncio.timeout(self._interval):
                    await self._closing.wait()
            except TimeoutError:
                continue


def _sync_all(paths: set[Path]) -> OSError | None:
    """Sync each and take it from the set; return what went wrong last."""
    problem = None
    for path in list(paths):
        try:
            sync(path)
        except OSError as failure:
            problem = failure
        else:
            paths.discard(path)
    return problem
