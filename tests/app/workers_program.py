"""A parent with three workers that do nothing but live, for tests/app/test_workers.py to watch and to kill.

It prints `ready` once, and each worker `worker NUMBER PID` when it begins and `end NUMBER` when it was told to end.
They share a socket. `failing` they do not start; `lingering` they stop listening when they are told to end, and want to
be told twice, and the port of the socket is printed first.
"""

import os
import signal
import sys
from functools import partial

from app.sockets.server import listen, port_of
from app.workers import Worker, Workers


def say(text: str) -> None:
    """Write a line at once and whole, whoever else writes."""
    os.write(1, f"{text}\n".encode())


def live(how: str, worker: Worker) -> int:
    """Be ready, and wait to be told to end."""
    if how == "failing":
        say(f"failed {worker.number}")
        return 7
    told = signal.sigwait
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    say(f"worker {worker.number} {os.getpid()}")
    worker.ready()
    number = told({signal.SIGTERM, signal.SIGINT})
    if how == "lingering":
        for each in worker.sockets:
            each.close()
    say(f"end {worker.number} {signal.Signals(number).name}")
    if how == "lingering":
        told({signal.SIGTERM})
    return 0


if __name__ == "__main__":
    how = sys.argv[1] if len(sys.argv) > 1 else ""
    sockets = listen("127.0.0.1", 0)
    if how == "lingering":
        say(f"port {port_of(sockets)}")
    sys.exit(Workers(3, sockets, partial(live, how), partial(say, "ready")).run())
