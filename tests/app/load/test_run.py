"""`tidewire load` from its options to its exit status, against a tiny server on a real port."""

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from app.load import add_arguments, run
from app.load.run import command
from tests.protocol.client.peer import Log
from tests.protocol.python.host import Host, hosted
from tests.system.server import ServerProcess


def options(url: str, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["--url", url, "--users", "1", "--token", "t", "--seconds", "0.4", "--json", *more])


async def write(host: Host) -> None:
    """Answer whatever is asked with ten stamps, one after the other."""
    while True:
        await host.heard.wait()
        host.heard.clear()
        for log in [log for log in host.world.logs.values() if log.status == "streaming"]:
            for _ in range(10):
                log.say(f"{time.time_ns() // 1000} ")
                await host.pump()
            log.finish()
        await host.pump()


async def load(host: Host, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
    writing = asyncio.create_task(write(host))
    try:
        status = await run(options(host.url, *more))
    finally:
        writing.cancel()
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return status, told


async def test_every_tab_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    async with hosted() as host:
        status, told = await load(host, capsys, "--tabs", "3", "--streams", "2")
    assert status == 0
    assert told["sockets"] == 3
    assert told["streams"] >= 2
    assert (told["checked"], told["mismatches"]) == (3 * told["streams"], 0)
    assert told["errors"] == {}
    assert told["latencyMs"]["p99"] is not None
    assert told["firstTokenMs"]["p50"] is not None


async def test_one_word_that_differs_is_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Log.message

    def tampered(log: Log) -> dict[str, Any]:
        message = whole(log)
        if log.stream_id == "str_1":
            message["parts"][-1]["text"] += "!"
        return message

    monkeypatch.setattr(Log, "message", tampered)
    async with hosted() as host:
        status, told = await load(host, capsys, "--tabs", "2")
    assert status == 1
    assert told["mismatches"] == 2


async def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    async with hosted() as host:
        host.refuse = 403
        assert await run(options(host.url)) == 2
    assert "4403" in capsys.readouterr().err


async def test_one_token_is_one_user(capsys: pytest.CaptureFixture[str]) -> None:
    assert await run(options("http://127.0.0.1:1", "--users", "2")) == 2
    assert "--users 1" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [("--users", "0"), ("--pace", "-1"), ("--pid", "999999999")])
def test_option_that_makes_no_sense_is_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        options("http://127.0.0.1:1", *wrong)


@pytest.mark.slow
def test_g19_real_server_shows_every_tab_what_it_stores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with ServerProcess(tmp_path / "data") as server:
        given = ["--url", server.url, "--users", "2", "--seconds", "2", "--tokens", "40", "--pid", str(server.pid)]
        assert command(parser.parse_args([*given, "--json"])) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["mismatches"] == 0
    assert told["checked"] == 2 * told["streams"] > 0
    assert told["serverCpuUsPerToken"] > 0
