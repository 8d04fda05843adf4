"""Two nodes are one server: every check passes when its sockets take turns between them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.check import run
from tests.app.check.test_run import TIMERS, options
from tests.system.server import ServerProcess

pytestmark = pytest.mark.slow


async def test_two_nodes_keep_the_agreement_as_one(
    new_postgres_database: Callable[[], str],
    new_redis_url: Callable[[], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shared = TIMERS | {"DATABASE_URL": new_postgres_database(), "REDIS_URL": new_redis_url()}
    with ServerProcess(tmp_path / "a", **shared) as a, ServerProcess(tmp_path / "b", **shared) as b:
        status = await run(options("--url", a.url, "--url", b.url, "--lanes", "3", "--json"))
    told = json.loads(capsys.readouterr().out)
    assert [check for check in told["checks"] if check["state"] == "failed"] == []
    assert status == 0
