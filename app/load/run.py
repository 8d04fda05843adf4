"""Runs the load from its first guest to its last comparison."""

import argparse
import asyncio
import gc
import json
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

import tidewire

from app.load.arguments import LoadOptions
from app.load.tally import Tally
from app.load.user import User

# More handshakes at once only measure each other.
_OPENING = 64
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def command(given: argparse.Namespace) -> int:
    """Run `tidewire load` on the fastest loop there is; returns the exit status."""
    try:
        import uvloop
    except ImportError:  # Windows has none
        return asyncio.run(run(given))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run(given))


async def run(given: argparse.Namespace) -> int:
    """Run `tidewire load`; 0 when every tab was shown exactly what is stored, 1 when not, 2 when it could not begin."""
    options = LoadOptions.read(given)
    if options.token is not None and options.users != 1:
        return _give_up("--token is one user, so it needs --users 1.")
    tally = Tally()
    try:
        await drive(options, tally)
    except BaseExceptionGroup as failures:
        first = _first(failures)
        if not isinstance(first, tidewire.TidewireError | ValueError | TimeoutError):
            raise
        return _give_up(str(first))
    if options.json:
        sys.stdout.write(json.dumps(tally.told()) + "\n")
    else:
        sys.stdout.write(tally.table())
    return 1 if tally.failed else 0


async def drive(options: LoadOptions, tally: Tally) -> None:
    """Open everything, ask until the time is over, and compare.

    Raises:
        ExceptionGroup: of what kept the load from running, as an address where nobody answers.
    """
    opening = asyncio.Semaphore(_OPENING)
    users = [User(options, tally, opening, lambda: time.time_ns() // 1000) for _ in range(options.users)]
    async with AsyncExitStack() as stack:
        async with asyncio.TaskGroup() as group:
            for user in users:
                group.create_task(user.open(stack))
        # The clients live to the end; the collector need not visit them again and again.
        gc.collect()
        gc.freeze()
        await _measure(options, users, tally)
        gc.unfreeze()
        async with asyncio.TaskGroup() as group:
            for user in users:
                group.create_task(user.check())


async def _measure(options: LoadOptions, users: list[User], tally: Tally) -> None:
    started, cpu, server = time.monotonic(), time.process_time(), _cpu(options.pid)
    progress = asyncio.create_task(_report(tally, started))
    try:
        async with asyncio.TaskGroup() as group:
            for user in users:
                group.create_task(user.ask(started + options.seconds))
    finally:
        progress.cancel()
    tally.elapsed = time.monotonic() - started
    tally.client_cpu = time.process_time() - cpu
    if server is not None:
        tally.server_cpu = (_cpu(options.pid) or server) - server


async def _report(tally: Tally, started: float) -> None:
    """Say how it goes: a line that is rewritten on a terminal, a line every five seconds elsewhere."""
    terminal = sys.stderr.isatty()
    while True:
        await asyncio.sleep(1 if terminal else 5)
        line = tally.progress(time.monotonic() - started)
        sys.stderr.write(f"\r{line}\x1b[K" if terminal else f"{line}\n")
        sys.stderr.flush()


def _cpu(pid: int | None) -> float | None:
    """CPU seconds that a process of this machine has used."""
    if pid is None:
        return None
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _give_up(why: str) -> int:
    sys.stderr.write(f"tidewire load: {why}\n")
    return 2


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
