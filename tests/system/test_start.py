"""A start that cannot be says why, in one sentence."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.system.server import ServerProcess
from tests.wire import opened

pytestmark = pytest.mark.slow


def start(data_dir: Path, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", "0"],
        env=os.environ | {"DATA_DIR": str(data_dir)} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def refusal(data_dir: Path, **env: str) -> str:
    """What a start that fails says."""
    with start(data_dir, **env) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Traceback" not in said
    return said.splitlines()[-1]


def test_a_journal_that_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "journal").touch()
    assert refusal(tmp_path).startswith(f"tidewire: The journal in {tmp_path / 'journal'} cannot be opened")


def test_a_second_server_over_the_same_folder_is_told_who_has_it(server: ServerProcess) -> None:
    said = refusal(server.data_dir)
    assert f"process {server.pid} at {server.url}" in said
    assert "DATA_DIR" in said


def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    assert "GUESTS" in refusal(tmp_path, GUESTS="perhaps")


async def test_a_start_under_a_database_that_is_held_says_so(server: ServerProcess) -> None:
    """An answer has to be sealed, and another program holds the database."""
    async with opened(server.url) as tab:
        await tab.ask("chat", options={"tokens": 5_000, "pace": 100})
        server.kill()
        await tab.closed()
    with closing(sqlite3.connect(server.data_dir / "tidewire.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "locked" in refusal(server.data_dir)
    server.start()
