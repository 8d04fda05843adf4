"""Guarantee 33 and accounts on real sockets: who is signed out is gone from every tab, and no secret is logged."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.system.server import ServerProcess
from tests.wire import Frame, opened, post

PASSWORD = "abracadabra horse"
NAME = "Abracadabra"
_numbers = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that logs as much as it can; read at the end."""
    with ServerProcess(tmp_path_factory.mktemp("accounts") / "data", LOG_LEVEL="debug") as process:
        yield process
        assert "Traceback" not in process.log
        for secret in (PASSWORD, NAME, "abracadabra", "@example.org", "tws_", "twt_", "twk_"):
            assert secret not in process.log


class Person:
    """Somebody with an account, and a token for each device."""

    def __init__(self, server: ServerProcess) -> None:
        self.url = server.url
        self.email = f"abracadabra{next(_numbers)}@example.org"
        self.user_id = ""

    def register(self, guest: str | None = None) -> str:
        """Make the account, of this guest; return the token."""
        body = {"email": self.email, "password": PASSWORD, "name": NAME}
        answer = self.post("register", body, token=guest)
        self.user_id = answer["userId"]
        return str(answer["token"])

    def login(self, password: str = PASSWORD) -> str:
        return str(self.post("login", {"email": self.email, "password": password})["token"])

    def post(self, path: str, body: object = None, token: str | None = None) -> Frame:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return post(self.url, f"/v1/auth/{path}", body, **headers)

    def call(self, method: str, path: str, token: str, body: object = None) -> tuple[int, Frame]:
        """Any call with a token; its status and its answer."""
        request = urllib.request.Request(
            f"{self.url}/v1/auth/{path}",
            None if body is None else json.dumps(body).encode(),
            {"content-type": "application/json", "authorization": f"Bearer {token}"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)


@pytest.fixture
def person(server: ServerProcess) -> Person:
    return Person(server)


async def test_a_guest_who_registers_goes_on_with_their_answer(person: Person) -> None:
    guest = str(post(person.url, "/v1/auth/guest")["token"])
    async with opened(person.url, guest) as tab:
        running = await tab.ask("chat", options={"tokens": 400, "pace": 100})
        await tab.reached(running["streamId"], 20)
        last = tab.streams[running["streamId"]].last
        token = await asyncio.to_thread(person.register, guest)
        assert await tab.fatal() == ("session_revoked", 4403)
    async with opened(person.url, token, folds=False) as tab:
        assert tab.frames[0]["userId"] == person.user_id
        assert [chat["chatId"] for chat in tab.frames[0]["snapshot"]["chats"]] == ["chat"]
        assert (await tab.follow(running["streamId"], last))["seq"] >= last
        assert (await tab.ended(running["streamId"]))["status"] == "completed"


async def test_g33_logging_out_closes_the_sockets_of_that_session_alone(person: Person) -> None:
    here, there = person.register(), person.login()
    async with opened(person.url, here) as one, opened(person.url, here) as two, opened(person.url, there) as other:
        assert await asyncio.to_thread(person.call, "POST", "logout", here) == (200, {})
        assert await one.fatal() == ("session_revoked", 4403)
        assert await two.fatal() == ("session_revoked", 4403)
        await other.settled()
    async with opened(person.url, there) as other:
        await other.settled()
    with pytest.raises(ConnectionError, match="4403"):
        async with opened(person.url, here):
            pass


async def test_g33_a_new_password_closes_the_sockets_of_the_other_devices(person: Person) -> None:
    here, there = person.register(), person.login()
    async with opened(person.url, here) as mine, opened(person.url, there) as other:
        body = {"current": PASSWORD, "new": PASSWORD + "!"}
        assert await asyncio.to_thread(person.call, "POST", "password", here, body) == (200, {})
        assert await other.fatal() == ("session_revoked", 4403)
        await mine.settled()
    status, answer = person.call("GET", "session", there)
    assert (status, answer["error"]["code"]) == (401, "session_revoked")
    async with opened(person.url, person.login(PASSWORD + "!")) as again:
        await again.settled()


@pytest.mark.parametrize(
    ("email", "password"), [("nobody@example.org", PASSWORD), (None, "wrong horse")], ids=["unknown", "wrong"]
)
async def test_whoever_guesses_learns_nothing(person: Person, email: str | None, password: str) -> None:
    person.register()
    body = {"email": email or person.email, "password": password}
    with pytest.raises(urllib.error.HTTPError) as refused:
        person.post("login", body)
    with refused.value as answer:
        error: dict[str, Any] = json.load(answer)["error"]
    assert (refused.value.code, error["code"]) == (401, "unauthenticated")
    assert error["message"] == "The email or the password is wrong."


async def test_g33_a_live_socket_goes_on_with_a_ticket_of_the_same_user_alone(person: Person) -> None:
    token, stranger = person.register(), str(post(person.url, "/v1/auth/guest")["token"])
    ticket = person.post("ticket", token=token)
    async with opened(person.url, token) as tab:
        renewed = await tab.command("auth.refresh", token=ticket["ticket"])
        assert renewed["result"] == {"expiresAt": tab.frames[0]["auth"]["expiresAt"]}
        assert (await tab.refused("auth.refresh", token=ticket["ticket"]))["code"] == "unauthenticated"
        assert (await tab.refused("auth.refresh", token=stranger))["code"] == "permission_denied"
        assert (await tab.refused("auth.refresh"))["param"] == "$.token"
        await tab.settled()
        there = person.login()
        await tab.command("auth.refresh", token=there)
        assert person.call("POST", "logout", token) == (200, {})
        await tab.settled()  # it lives on the newer session
        assert person.call("POST", "logout", there) == (200, {})
        assert await tab.fatal() == ("session_revoked", 4403)


async def test_g33_who_deletes_their_account_is_gone_with_everything(person: Person) -> None:
    here, there = person.register(), person.login()
    async with opened(person.url, here) as one, opened(person.url, there) as other:
        running = await one.ask("chat", options={"tokens": 100_000, "pace": 100})
        await other.follow(running["streamId"])
        await other.reached(running["streamId"], 10)
        refused = await asyncio.to_thread(person.call, "DELETE", "account", here, {"password": "wrong horse"})
        assert (refused[0], refused[1]["error"]["param"]) == (403, "$.password")
        gone = await asyncio.to_thread(person.call, "DELETE", "account", here, {"password": PASSWORD})
        assert gone == (200, {})
        for tab in (one, other):
            assert await tab.fatal() == ("session_revoked", 4403)
            assert (await tab.ended(running["streamId"]))["status"] == "stopped"
    with pytest.raises(urllib.error.HTTPError) as unknown:
        person.login()
    unknown.value.close()
    for token in (here, there):
        status, answer = person.call("GET", "session", token)
        assert (status, answer["error"]["code"]) == (401, "unauthenticated")
    old = person.user_id
    async with opened(person.url, person.register()) as tab:
        assert tab.frames[0]["userId"] != old
        assert tab.frames[0]["snapshot"]["chats"] == []
        assert (await tab.refused("stream.subscribe", streamId=running["streamId"], after=0))["code"] == "not_found"
