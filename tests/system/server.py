"""A real server as a process of its own, for tests and for the scripts that measure bars."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

READY = re.compile(r"Tidewire is ready at (?P<url>http://\S+)")


class ServerProcess:
    """`tidewire serve` on a port the system picks, over a data folder that outlives it.

    Args:
        data_dir: its data folder.
        checkout: where it runs from; None: this one.
        env: settings on top of the environment's.
    """

    def __init__(self, data_dir: Path, checkout: Path | None = None, /, **env: str) -> None:
        self.data_dir = data_dir
        self.url = ""
        self._checkout = checkout
        self._env = env
        self._port = "0"
        self._log = data_dir.parent / f"{data_dir.name}.log"
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None, "the server was not started"
        return self._process.pid

    @property
    def _environment(self) -> dict[str, str]:
        return _clean_environment() | {"DATA_DIR": str(self.data_dir)} | self._env

    @property
    def log(self) -> str:
        """Everything it has logged so far, over all its starts."""
        return self._log.read_text()

    def start(self) -> Self:
        """Start it and wait until it is ready; a restart keeps the port, so clients find it again."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve", "--port", self._port],
                env=self._environment,
                cwd=self._checkout,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := READY.search(line):
                self.url = found["url"]
                self._port = self.url.rpartition(":")[2]
                return self
        self.wait()
        raise RuntimeError(f"The server did not start: {self.log[-2_000:]}")

    async def admin(self, *words: str) -> tuple[int, str]:
        """Run another command over the same database, in a process of its own; its exit status and all it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app", *words, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        printed, _ = await process.communicate()
        return process.returncode or 0, printed.decode()

    def kill(self) -> None:
        """SIGKILL: it dies in the middle of whatever it does."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> int:
        """SIGTERM: it drains; return its exit status."""
        return self._signal(signal.SIGTERM)

    def signal(self, number: int) -> None:
        """Send a signal without waiting for an end."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Wait for its end; return its exit status."""
        assert self._process is not None
        status = self._process.wait(timeout=60)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        return status

    def _signal(self, number: int) -> int:
        if self._process is None:
            return 0
        self.signal(number)
        return self.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def _clean_environment() -> dict[str, str]:
    """The environment without what would configure the server under test."""
    ours = ("ANTHROPIC_", "LIMIT_", "DATA_DIR", "DATABASE_URL", "REDIS_URL", "HOST", "PORT", "GUESTS")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
