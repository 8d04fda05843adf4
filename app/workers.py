"""`tidewire serve --workers N`: N nodes on one machine that share its listening sockets.

Workers are nodes like any other; nothing here knows more of them than that they run. The parent listens, starts them,
passes signals on, and starts a worker anew that died. A worker whose parent died drains as if it were told to.
"""

import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

log = logging.getLogger("tidewire.workers")

# A worker that dies at once, again and again, must not keep a core busy.
RESTART_AFTER = 1.0

Serve = Callable[["Worker"], int]
"""What a worker does: serves, calls `ready` when it answers, and returns its exit status. It must be importable."""


class Worker:
    """One worker, as it sees itself.

    Args:
        number: 1, 2, 3 …
        sockets: what it accepts from.
        parent: tells the parent that it is ready, and notices its end.
    """

    def __init__(self, number: int, sockets: Sequence[socket.socket], parent: Connection) -> None:
        self.number = number
        self.sockets = list(sockets)
        self.parent = parent

    def ready(self) -> None:
        """Say that it answers."""
        with suppress(OSError):
            self.parent.send_bytes(b"ready")


class Workers:
    """Starts workers and looks after them.

    Args:
        count: how many.
        sockets: what they share.
        serve: what each of them does.
        on_ready: called once, when all of them answer.
    """

    def __init__(
        self, count: int, sockets: Sequence[socket.socket], serve: Serve, on_ready: Callable[[], None]
    ) -> None:
        self._sockets = sockets
        self._serve = serve
        self._on_ready = on_ready
        self._context = multiprocessing.get_context("spawn")  # a fork would share what libraries keep
        self._running: dict[int, BaseProcess] = {}
        self._unready: dict[int, Connection] = {}
        self._links: dict[int, Connection] = {}
        self._numbers = range(1, count + 1)
        self._was_ready = False
        self._stopping = False

    def run(self) -> int:
        """Serve until told to stop; return the exit status: 0 when every worker ended well."""
        waker, alarm = os.pipe()
        os.set_blocking(alarm, False)
        before = {number: signal.signal(number, self._pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
        wakeup = signal.set_wakeup_fd(alarm)
        try:
            for number in self._numbers:
                self._start(number)
            return self._watch(waker)
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(waker)
            os.close(alarm)

    def _start(self, number: int) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work, args=(self._serve, number, self._sockets, theirs), name=f"worker {number}"
        )
        process.start()
        theirs.close()
        self._running[number], self._links[number], self._unready[number] = process, ours, ours

    def _watch(self, waker: int) -> int:
        statuses: list[int] = []
        pause = None
        while self._running or not self._stopping:
            if self._stopping:
                self._stop_listening()
            sentinels = [process.sentinel for process in self._running.values()]
            woken = wait([*sentinels, *self._unready.values(), waker], timeout=pause)
            if waker in woken:
                os.read(waker, 64)
            self._note_ready(woken)
            statuses += self._reap()
            missing = [number for number in self._numbers if number not in self._running]
            if not self._stopping and missing and not woken:  # the pause is over
                for number in missing:
                    self._start(number)
            pause = RESTART_AFTER if missing and not self._stopping else None
        return next((status for status in statuses if status), 0)

    def _stop_listening(self) -> None:
        """Let go of the sockets, or connections that no worker takes any more would wait here for nobody."""
        for each in self._sockets:
            each.close()

    def _note_ready(self, woken: Sequence[object]) -> None:
        for number, link in list(self._unready.items()):
            if link in woken:
                try:
                    link.recv_bytes()
                except (EOFError, OSError):
                    continue  # it has ended, which is not being ready; `_reap` takes leave of it
                del self._unready[number]
                if not self._was_ready and not self._unready:
                    self._was_ready = True
                    self._on_ready()

    def _reap(self) -> list[int]:
        """Take leave of workers that ended; their statuses count only once all were told to end."""
        ended = [(number, process) for number, process in self._running.items() if process.exitcode is not None]
        for number, process in ended:
            del self._running[number]
            self._links.pop(number).close()
            self._unready.pop(number, None)
            if self._stopping:
                continue
            if self._was_ready:
                log.error("worker %d ended with %s; another takes its place", number, process.exitcode)
            else:
                self._pass_on(signal.SIGTERM)  # whatever keeps this one from starting keeps the others, too
        return [process.exitcode or 0 for _, process in ended if self._stopping]

    def _pass_on(self, number: int, _frame: object = None) -> None:
        self._stopping = True
        for process in self._running.values():
            with suppress(ProcessLookupError, TypeError):
                os.kill(process.pid, number)  # type: ignore[arg-type]  # one that did not start is a TypeError


def _work(serve: Serve, number: int, sockets: Sequence[socket.socket], parent: Connection) -> None:
    """Be a worker."""
    # Out of the parent's group: Ctrl-C reaches it through the parent alone, and once.
    os.setsid()
    raise SystemExit(serve(Worker(number, sockets, parent)))
