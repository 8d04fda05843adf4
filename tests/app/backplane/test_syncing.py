"""Syncing: at most one round an interval, nothing forgotten, a failure said."""

import asyncio
import logging
import threading
from pathlib import Path

import pytest

from app.backplane import syncing
from app.backplane.syncing import Syncing, sync


class Disk:
    """Notes what is synced; each round waits until it is let go."""

    def __init__(self) -> None:
        self.rounds: list[str] = []
        self.begun = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def sync(self, path: Path) -> None:
        self.begun.set()
        assert self.go.wait(10)
        self.rounds.append(path.name)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(syncing, "sync", disk.sync)
    return disk


async def test_what_is_written_during_an_interval_is_one_round(disk: Disk) -> None:
    disk.go.clear()
    work = Syncing(interval=3600)
    work.start()
    work.touch(Path("a"))
    assert await asyncio.to_thread(disk.begun.wait, 10)
    for _ in range(5):
        work.touch(Path("b"))
    disk.go.set()
    await work.close()
    assert disk.rounds == ["a", "b"]


async def test_after_the_interval_comes_the_next_round(disk: Disk) -> None:
    work = Syncing(interval=0)
    work.start()
    for name in ("a", "b", "c"):
        disk.begun.clear()
        work.touch(Path(name))
        assert await asyncio.to_thread(disk.begun.wait, 10)
    await work.close()
    assert disk.rounds == ["a", "b", "c"]


async def test_closing_syncs_what_is_left(disk: Disk) -> None:
    work = Syncing(interval=3600)
    work.touch(Path("a"))
    await work.close()
    assert disk.rounds == ["a"]


async def test_a_failure_is_counted_and_said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(path: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(syncing, "sync", fail)
    work = Syncing()
    work.touch(Path("a"))
    with caplog.at_level(logging.ERROR):
        await work.close()
    assert work.failures == 1
    assert "Input/output error" in caplog.text


async def test_what_failed_is_tried_again_and_holds_nothing_else_up(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad = {"a", "b"}

    def fail(path: Path) -> None:
        if path.name in bad:
            raise OSError(5, "Input/output error")
        disk.sync(path)

    monkeypatch.setattr(syncing, "sync", fail)
    work = Syncing(interval=0)
    for name in ("a", "b", "c"):
        work.touch(Path(name))
    await work.flush()
    assert disk.rounds == ["c"]
    bad.clear()
    disk.begun.clear()
    work.start()
    assert await asyncio.to_thread(disk.begun.wait, 10)
    await work.close()
    assert sorted(disk.rounds) == ["a", "b", "c"]
    assert caplog.text.count("did not reach the disk") == 1


def test_files_and_folders_can_be_synced_and_what_is_gone_is_fine(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    sync(tmp_path / "file")
    sync(tmp_path)
    sync(tmp_path / "gone")
