"""`tidewire usage`."""

import argparse
import asyncio
import time
from pathlib import Path

import pytest

from app.admin import usage as command
from app.store import usage, users
from app.store.engine import Database
from app.streams.quota import DAY_MS, day_of
from protocol.frames.objects import Usage


async def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return await asyncio.to_thread(command.command, parser.parse_args(words))


async def test_sums_are_listed_by_user(
    store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'tidewire.db'}")
    now = int(time.time() * 1000)
    for user_id, days_ago, tokens in (("usr_a", 0, 1_000), ("usr_b", 3, 5_000), ("usr_b", 60, 9)):
        if not await store.fetch_all("SELECT 1 AS one FROM users WHERE user_id = :id", {"id": user_id}):
            await users.create_user(store, user_id, kind="guest", epoch="e", now=1)
        cost = Usage(input_tokens=tokens, output_tokens=1, estimated=days_ago == 3)
        await usage.add(store, user_id, day_of(now - days_ago * DAY_MS), cost)

    assert await run() == 0
    first, _, *rows = capsys.readouterr().out.splitlines()
    assert first == f"Tokens since {day_of(now - 29 * DAY_MS)} (UTC)"
    assert [row.split() for row in rows] == [
        ["usr_b", "1", "1", "5,000", "1", "5,001"],
        ["usr_a", "1", "0", "1,000", "1", "1,001"],
        ["all", "2", "1", "6,000", "2", "6,002"],
    ]
    assert await run("--days", "1") == 0
    assert [row.split()[0] for row in capsys.readouterr().out.splitlines()[2:]] == ["usr_a", "all"]
    await store.execute("DELETE FROM usage_by_day")
    assert await run() == 0
    assert capsys.readouterr().out.splitlines()[2].split() == ["all", "0", "0", "0", "0", "0"]


@pytest.mark.parametrize("days", ["0", "-1", "x", "1.5", "99999999", "²"])
async def test_days_are_a_number(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        await run("--days", days)
    assert "whole number" in capsys.readouterr().err
