"""Kills real writers: what they had confirmed is all there, in order, without a hole."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from app.backplane.local import LocalJournal
from tests.contract.journal import RETENTION_MS, HandClock, key, log

ROUNDS = 8


@pytest.mark.slow
async def test_g19b_a_killed_process_loses_nothing_that_it_had_confirmed(tmp_path: Path) -> None:
    moments = random.Random(7)
    clock = HandClock().clock
    confirmed: dict[str, int] = {}
    for seed in range(ROUNDS):
        confirmed |= kill_after(tmp_path / "journal", seed, lines=moments.randint(1, 400))
        journal = LocalJournal(tmp_path / "journal", clock, retention_ms=RETENTION_MS)
        await journal.open()
        held = {stream.stream_id: held.head for stream, held in (await journal.streams()).items()}
        assert journal.recovered.damaged_bytes == 0
        assert confirmed.keys() <= held.keys()
        for name, head in held.items():
            assert head >= confirmed.get(name, 0)
            assert await journal.read(key(name)) == log(name, head)
        await journal.close()
    assert len(confirmed) == 3


def kill_after(folder: Path, seed: int, lines: int) -> dict[str, int]:
    """Let a writer go on until it confirmed so many appends, kill it, and return the heads that it had confirmed."""
    command = [sys.executable, "-m", "tests.app.backplane.journal_writer", str(folder), str(seed)]
    heads: dict[str, int] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for count, line in enumerate(writer.stdout):
            if count == lines:
                writer.kill()  # it goes on meanwhile, so this falls anywhere in an append
            if line.endswith("\n"):
                name, head = line.split()
                heads[name] = int(head)
    assert writer.returncode == -9
    return heads
