"""`tidewire check` from its options to its exit status, against real servers, right ones and wrong ones."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.check import add_arguments, run
from tests.app.check.cases import CASES, Case
from tests.app.check.faulty import Fault, Frame, faulty
from tests.system.server import ServerProcess
from tests.wire import guest

# A quiet connection is pinged soon here; nobody waits half a minute for that.
TIMERS = {"LIMIT_HEARTBEAT_INTERVAL_MS": "4000", "LIMIT_HEARTBEAT_TIMEOUT_MS": "3000", "LIMIT_HELLO_TIMEOUT_MS": "2000"}
# Those show the guarantees that no client can: they kill, freeze and restart servers (tests/load, tests/system).
NOT_FROM_OUTSIDE = {"18", "19b", "30"}


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A right server with room for many questions."""
    env = TIMERS | {"LIMIT_GENERATIONS_PER_MINUTE": "100000"}
    with ServerProcess(tmp_path_factory.mktemp("right") / "data", **env) as server:
        yield server


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


async def checked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    status = await run(options("--json", *words))
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return status, told


async def test_our_server_keeps_the_agreement(right: ServerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = await checked(capsys, "--url", right.url, "--lanes", "4")
    assert [check for check in told["checks"] if check["state"] == "failed"] == []
    assert status == 0
    assert told["passed"] is True
    left = [check["name"] for check in told["checks"] if check["state"] == "notRun"]
    assert len(left) == 5, "only transcripts whose server is set up in a way of its own are left out"
    numbers = {str(number) for number in range(1, 34)} | {"19b"}
    assert numbers - set(told["shown"]) == NOT_FROM_OUTSIDE


@pytest.mark.parametrize("name", CASES)
async def test_a_server_is_caught_that(name: str, right: ServerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    case: Case = CASES[name]
    token, other = guest(right.url), guest(right.url)

    def fault() -> Fault:
        made = case.fault()
        made.token = token
        return made

    async with faulty(right.url, fault) as url:
        who = ("--token", token, "--other", other)
        how = ("--patience", str(case.patience), "--only", case.check)
        status, told = await checked(capsys, "--url", url, *who, *how)
    (check,) = told["checks"]
    assert (status, check["state"]) == (1, "failed")
    assert case.guarantees & set(check["guarantees"]), check
    assert check["failure"]["expected"]
    assert check["failure"]["received"]


async def test_one_user_is_enough(right: ServerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--url", right.url, "--only", "22", "--only", "26")
    status, told = await checked(capsys, *words)
    assert (status, {check["state"] for check in told["checks"]}) == (0, {"passed"})


async def test_the_proxy_alone_breaks_nothing(right: ServerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    token, other = guest(right.url), guest(right.url)
    names = {case.check for case in CASES.values()}
    only = [word for name in sorted(names) for word in ("--only", name)]
    async with faulty(right.url, Fault) as url:
        status, told = await checked(capsys, "--url", url, "--token", token, "--other", other, *only)
    assert [check for check in told["checks"] if check["state"] != "passed"] == []
    assert status == 0


class StopFirst(Fault):
    """No fault: the question is on its way until its stop was answered."""

    def up(self, frame: Frame) -> list[Frame]:
        if frame["type"] != "message.send":
            return [frame]
        self.sent = frame
        return []

    def down(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "ack" and frame["result"].get("status") == "stopping":
            self.back.append(self.sent)
        return [frame]


async def test_g15_a_stop_that_comes_before_its_question_leaves_an_empty_answer(
    right: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    async with faulty(right.url, StopFirst) as url:
        words = ("--url", url, "--token", guest(right.url), "--patience", "2", "--only", "stop before the ack")
        status, told = await checked(capsys, *words)
    assert [check for check in told["checks"] if check["state"] != "passed"] == []
    assert status == 0


async def test_a_failure_is_explained(right: ServerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    token = guest(right.url)
    async with faulty(right.url, CASES["ends elsewhere"].fault) as url:
        status = await run(options("--url", url, "--token", token, "--patience", "2", "--only", "is stored as"))
    said = capsys.readouterr().out
    assert status == 1
    assert "FAIL  an answer is stored as it was shown: The end is not where the last chunk was. (guarantee 12)" in said
    assert "expected  seq: " in said
    assert 'received  {"type":"stream.end"' in said
    assert "0 passed, 1 failed, 0 not run. Shown: nothing." in said


async def test_what_cannot_be_run_says_why(right: ServerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    status = await run(options("--url", right.url, "--token", guest(right.url), "--only", "belongs to another"))
    assert "not run, it needs a second account (--other TOKEN)" in capsys.readouterr().out
    assert status == 0


async def test_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert await run(options("--list", "--only", "30")) == 0
    said = capsys.readouterr().out
    assert said.startswith("goodbye and move (guarantee 30)\n")
    assert "Not for a live server: its server restarts." in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--url", "http://127.0.0.1:9"), "No server answered"),
        (("--url", "http://127.0.0.1:9", "--token", "t"), "Connect call failed"),
        (("--only", "the moon"), "nothing is called the moon"),
        ((), "--url is missing"),
        (("--url", "http://127.0.0.1:9", "--token", "t", "--lanes", "2"), "it needs --lanes 1"),
    ],
)
async def test_it_says_why_it_cannot_begin(
    words: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert await run(options(*words)) == 2
    assert why in capsys.readouterr().err


async def test_a_token_that_is_refused_is_said(right: ServerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run(options("--url", right.url, "--token", "nobody")) == 2
    assert "The server refuses the token: " in capsys.readouterr().err
