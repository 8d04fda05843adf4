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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of one's own, to be killed, drained and restarted."""
    with ServerProcess(tmp_path / "data") as process:
        yield process
