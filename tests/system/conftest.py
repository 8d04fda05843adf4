"""Fixtures of the system tests: a real server, shared where a test does not hurt it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.server import ServerProcess


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for tests that make a user of their own and hurt nobody."""
    with ServerProcess(tmp_path_factory.mktemp("shared") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def roomy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A shared server that takes as many commands as a test can send, and ticks as often as it can."""
    roomy = {
        "LIMIT_COMMANDS_PER_SECOND": "100000",
        "LIMIT_COMMAND_BURST": "100000",
        "LIMIT_GENERATIONS_PER_MINUTE": "100000",
        "STREAM_FLUSH_MS": "0",
    }
    with ServerProcess(tmp_path_factory.mktemp("roomy") / "data", **roomy) as server:
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of one's own, to be killed, drained and restarted."""
    with ServerProcess(tmp_path / "data") as process:
        yield process
