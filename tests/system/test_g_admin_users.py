"""Guarantee 33 from another process: what `tidewire user` writes, a running server obeys, on both databases."""

import asyncio
import json
import time
import urllib.error
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.system.server import ServerProcess
from tests.system.test_g_accounts import PASSWORD, Person
from tests.wire import Tab, opened, post

pytestmark = pytest.mark.slow

WITHIN = 5.0  # seconds, of guarantee 33


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data", DATABASE_URL=database_url, REGISTRATION="invite")
    await asyncio.to_thread(process.start)
    yield process
    await asyncio.to_thread(process.kill)


async def invited(server: ServerProcess) -> tuple[Person, str]:
    """Somebody who registered with an invitation, and the token of their device."""
    status, printed = await server.admin("user", "invite")
    assert status == 0
    person, code = Person(server), printed.split()[0]
    body = {"email": person.email, "password": PASSWORD, "invite": code}
    answer = person.post("register", body)
    person.user_id = answer["userId"]
    with pytest.raises(urllib.error.HTTPError) as again:
        person.post("register", body | {"email": "another@example.org"})
    with again.value as refused:
        assert json.load(refused)["error"]["param"] == "$.invite"
    return person, str(answer["token"])


async def closes(tab: Tab, since: float, *ends: str) -> None:
    """A socket is closed for one of these reasons, in time."""
    code, close = await tab.fatal()
    assert (close, code in ends) == (4403, True)
    assert time.monotonic() - since < WITHIN


async def test_g33_what_an_admin_does_reaches_the_sockets_in_time(server: ServerProcess) -> None:
    person, token = await invited(server)
    stranger = str(post(server.url, "/v1/auth/guest")["token"])
    made = person.post("tokens", {"name": "A script"}, token=token)["token"]
    async with opened(server.url, stranger) as other:
        async with opened(server.url, token) as tab, opened(server.url, made) as script:
            status, printed = await server.admin("user", "revoke", person.email)
            assert (status, "2 sessions and tokens" in printed) == (0, True)
            began = time.monotonic()
            await closes(tab, began, "session_revoked")
            await closes(script, began, "session_revoked")
        async with opened(server.url, person.login()) as tab:
            assert (await server.admin("user", "disable", person.user_id))[0] == 0
            await closes(tab, time.monotonic(), "account_disabled")
        with pytest.raises(urllib.error.HTTPError) as refused:
            person.login()
        assert refused.value.code == 403
        refused.value.close()
        assert (await server.admin("user", "enable", person.email.upper()))[0] == 0
        async with opened(server.url, person.login()) as tab:
            status, printed = await server.admin("user", "password", person.email)
            new = printed.split()[0]
            await closes(tab, time.monotonic(), "session_revoked")
        async with opened(server.url, person.login(new)) as tab:
            await tab.settled()
        with pytest.raises(urllib.error.HTTPError) as wrong:
            person.login()
        wrong.value.close()
        await other.settled()
    status, printed = await server.admin("user", "show", person.email)
    assert status == 0
    assert {line.split()[0] for line in printed.splitlines()} >= {"user", "email", "kind", "state", "signed"}
    status, printed = await server.admin("user", "list")
    assert [line.split()[0] for line in printed.splitlines()] == ["user", person.user_id]
    assert len((await server.admin("user", "list", "--guests"))[1].splitlines()) == 3


async def test_g33_a_user_whom_an_admin_deletes_is_gone_while_they_watch(server: ServerProcess) -> None:
    person, token = await invited(server)
    async with opened(server.url, token) as tab:
        running = await tab.ask("chat", options={"tokens": 100_000, "pace": 100})
        await tab.reached(running["streamId"], 10)
        assert (await server.admin("user", "delete", person.email, "--yes"))[0] == 0
        await closes(tab, time.monotonic(), "session_revoked")
        assert (await tab.ended(running["streamId"]))["status"] == "stopped"
    assert (await server.admin("user", "show", person.email))[0] == 1
    assert (await server.admin("streams"))[1].count("\n") == 1
    assert "Traceback" not in server.log
