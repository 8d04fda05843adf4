"""JWTs of an identity provider on real sockets: in a frame, in a header, refreshed, expired, disabled."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import tidewire

from tests.app.auth.keyring import AUDIENCE, ISSUER, Key, document, ec_key
from tests.system.server import ServerProcess
from tests.wire import Tab, opened, post

pytestmark = pytest.mark.slow

GRACE = 30.0  # seconds after the end of a token, of guarantee 33


@pytest.fixture(scope="module")
def key() -> Key:
    return ec_key()


@pytest.fixture
async def server(key: Key, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    keys = tmp_path / "keys.json"
    keys.write_bytes(document(key))
    settings = {"JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE, "JWT_KEYS": str(keys), "LOG_LEVEL": "debug"}
    process = ServerProcess(tmp_path / "data", **settings)
    await asyncio.to_thread(process.start)
    yield process
    await asyncio.to_thread(process.kill)
    assert "Traceback" not in process.log
    assert "eyJ" not in process.log


def token(key: Key, seconds: float, sub: str = "ada") -> str:
    """A token that is good for so long."""
    return key.sign(sub=sub, exp=time.time() + seconds, iat=time.time())


async def test_g33_a_token_signs_in_by_frame_and_header_and_its_end_closes_the_socket(
    server: ServerProcess, key: Key
) -> None:
    ends_at = time.time() + 3
    short = token(key, 3)
    given: list[str] = []

    async def source() -> str:
        given.append(token(key, 600) if given else short)
        return given[-1]

    header = {"authorization": f"Bearer {token(key, 600)}"}
    async with (
        tidewire.connect(server.url, token=source) as client,
        Tab(server.url, short) as brief,
        Tab(server.url, short) as renewed,
        Tab(server.url, headers=header) as by,
    ):
        users = {(await tab.hello())["userId"] for tab in (brief, renewed, by)}
        assert len(users) == 1
        assert brief.frames[0]["auth"]["method"] == "bearer"
        assert (await brief.until(lambda got: got["type"] == "auth.expiring"))["expiresAt"] // 1000 == int(ends_at)
        ticket = post(server.url, "/v1/auth/ticket", **header)["ticket"]
        for fresh in (token(key, 600), ticket):
            assert (await renewed.command("auth.refresh", token=fresh))["result"]["expiresAt"] > (ends_at + 500) * 1000
        assert (await renewed.refused("auth.refresh", token=token(key, 600, "bob")))["code"] == "permission_denied"
        assert (await renewed.refused("auth.refresh", token=ec_key("ec").sign()))["code"] == "unauthenticated"
        assert await brief.closed(within=GRACE + 10) == 4401
        assert brief.frames[-1]["error"]["code"] == "token_expired"
        assert time.time() >= ends_at + GRACE - 1
        await renewed.settled()
        await by.settled()
        assert await client.create_chat()
        assert (client.state, len(given)) == ("ready", 2), "the SDK has asked for a fresh token, and lost no socket"
        async with Tab(server.url, short) as late:
            await late.send({"type": "hello", "id": "h", "clientId": "tab", "token": short})
            assert await late.fatal() == ("token_expired", 4401)


async def test_g33_a_disabled_user_is_gone_although_their_token_is_good(server: ServerProcess, key: Key) -> None:
    async with opened(server.url, token(key, 600)) as tab, opened(server.url, token(key, 600, "bob")) as other:
        status, _ = await server.admin("user", "disable", tab.frames[0]["userId"])
        assert status == 0
        assert await tab.fatal() == ("account_disabled", 4403)
        await other.settled()
        again = Tab(server.url, token(key, 600))
        async with again:
            await again.send({"type": "hello", "id": "h", "clientId": "tab", "token": again.token})
            assert await again.fatal() == ("account_disabled", 4403)
