"""A parent with three workers that do nothing but live, for tests/app/test_workers.py to watch and to kill.

It prints `ready` once, and each worker `worker NUMBER PID` when it begins and `end NUMBER` when it was told to end.
"""

import os
import signal
import sys
from functools import partial

from app.workers import Worker, Workers


def say(text: str) -> None:
    """Write a line at once and whole, whoever else writes."""
    os.write(1, f"{text}\n".encode())


def live(failing: str, worker: Worker) -> int:
    """Be ready, and wait to be told to end."""
    if failing:
        say(f"failed {worker.number}")
        return 7
    told = signal.sigwait
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    say(f"worker {worker.number} {os.getpid()}")
    worker.ready()
    number = told({signal.SIGTERM, signal.SIGINT})
    say(f"end {worker.number} {signal.Signals(number).name}")
    return 0


if __name__ == "__main__":
    failing = sys.argv[1] if len(sys.argv) > 1 else ""
    sys.exit(Workers(3, [], partial(live, failing), partial(say, "ready")).run())
