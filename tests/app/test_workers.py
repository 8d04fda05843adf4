"""Workers: started together, started anew when they die, and told to end together."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.redis_servers import wait_for

pytestmark = pytest.mark.slow


class Parent:
    """The program of tests/app/workers_program.py, read line by line."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.app.workers_program", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []

    def until(self, *wanted: str) -> list[str]:
        """Read until lines that begin so have come, in whatever order; return those."""
        missing, found = list(wanted), []
        assert self.process.stdout is not None
        while missing:
            line = self.process.stdout.readline().strip()
            assert line, f"it ended before it said {missing}; it said {self.lines}"
            self.lines.append(line)
            if begins := next((start for start in missing if line.startswith(start)), None):
                missing.remove(begins)
                found.append(line)
        return found

    def pids(self, lines: list[str]) -> dict[str, int]:
        return {line.split()[1]: int(line.split()[2]) for line in lines if line.startswith("worker")}


@pytest.fixture
def parent() -> Iterator[Parent]:
    parent = Parent()
    yield parent
    parent.process.kill()
    parent.process.communicate()


STARTED = ("worker 1", "worker 2", "worker 3", "ready")


def test_it_is_ready_when_all_are_and_ends_when_all_have(parent: Parent) -> None:
    parent.until(*STARTED)
    parent.process.send_signal(signal.SIGTERM)
    parent.until("end 1 SIGTERM", "end 2 SIGTERM", "end 3 SIGTERM")
    assert parent.process.wait(10) == 0


def test_nobody_listens_any_more_while_workers_take_their_time_to_end() -> None:
    parent = Parent("lingering")
    port = int(parent.until("port")[0].split()[1])
    parent.until(*STARTED)
    socket.create_connection(("127.0.0.1", port)).close()
    parent.process.send_signal(signal.SIGTERM)
    parent.until("end 1", "end 2", "end 3")
    wait_for(lambda: refuses(port), "somebody still listens")
    parent.process.send_signal(signal.SIGTERM)
    assert parent.process.communicate(timeout=10)[1] == ""
    assert parent.process.returncode == 0


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_an_interrupt_is_passed_on_as_one(parent: Parent) -> None:
    parent.until(*STARTED)
    parent.process.send_signal(signal.SIGINT)
    parent.until("end 1 SIGINT", "end 2 SIGINT", "end 3 SIGINT")
    assert parent.process.wait(10) == 0


def test_a_worker_that_was_killed_is_started_anew(parent: Parent) -> None:
    pids = parent.pids(parent.until(*STARTED))
    os.kill(pids["2"], signal.SIGKILL)
    again = parent.pids(parent.until("worker 2"))
    assert again["2"] != pids["2"]
    parent.process.send_signal(signal.SIGTERM)
    parent.until("end 1", "end 2", "end 3")
    assert parent.process.wait(10) == 0
    assert parent.lines.count("ready") == 1


def test_what_keeps_a_worker_from_starting_ends_them_all() -> None:
    parent = Parent("failing")
    _, errors = parent.process.communicate(timeout=20)
    assert (parent.process.returncode, errors) == (7, "")
