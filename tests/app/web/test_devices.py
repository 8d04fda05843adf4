"""Devices and API tokens over HTTP: listed, ended, and nobody else's business."""

import json
from typing import Any

import orjson
import pytest

from tests.app.web.site import JSON, SAME, Answer, Site

LINUX = "Mozilla/5.0 (X11; Linux) Firefox/132.0"


class Person:
    """Somebody with an account, who acts with the token of a device."""

    def __init__(self, site: Site, name: str) -> None:
        self.site = site
        self.body = {"email": f"{name}@example.org", "password": "correct horse"}

    async def enters(self, path: str = "login", user_agent: str = "curl/8") -> str:
        """Sign in, or register; return the token."""
        answer = await self.site.call(
            "POST", f"/v1/auth/{path}", orjson.dumps(self.body), **JSON, user_agent=user_agent
        )
        assert answer.status == 200
        return str(answer.json["token"])

    async def call(self, token: str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        content = b"" if body is None else json.dumps(body).encode()
        bearer = {"authorization": f"Bearer {token}"}
        return await self.site.call(method, f"/v1/auth/{path}", content, **(JSON | bearer | headers))

    async def sees(self, token: str, kind: str = "sessions") -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = (await self.call(token, "GET", kind)).json[kind]
        return listed


@pytest.fixture
async def ada(site: Site) -> Person:
    return Person(site, "ada")


async def test_one_sees_where_one_is_signed_in(ada: Person) -> None:
    here = await ada.enters("register", LINUX)
    now = ada.site.world.clock.now_ms()
    await ada.enters()
    devices = {row["device"]: row for row in await ada.sees(here)}
    assert {name: row["current"] for name, row in devices.items()} == {"Firefox on Linux": True, "curl": False}
    row = devices["Firefox on Linux"]
    assert row.keys() == {"sessionId", "device", "createdAt", "seenAt", "expiresAt", "current"}
    assert (row["createdAt"], row["seenAt"]) == (now, now)


async def test_one_ends_one_device_or_all_others(ada: Person) -> None:
    here = await ada.enters("register")
    there, phone, laptop = [await ada.enters() for _ in range(3)]
    [mine] = [row["sessionId"] for row in await ada.sees(there) if row["current"]]
    assert (await ada.call(here, "DELETE", f"sessions/{mine}")).json == {}
    assert (await ada.call(there, "GET", "session")).refused == (401, "session_revoked")
    assert (await ada.call(here, "DELETE", f"sessions/{mine}")).refused == (404, "not_found")
    assert (await ada.call(here, "DELETE", "sessions")).json == {"ended": 2}
    for token in (phone, laptop):
        assert (await ada.call(token, "GET", "session")).refused == (401, "session_revoked")
    assert [row["current"] for row in await ada.sees(here)] == [True]


async def test_a_token_is_made_used_listed_and_ended(ada: Person) -> None:
    here = await ada.enters("register")
    made = (await ada.call(here, "POST", "tokens", {"name": "A script"})).json
    assert made.keys() == {"tokenId", "name", "createdAt", "token"}
    listed = await ada.sees(here, "tokens")
    assert listed == [{name: value for name, value in made.items() if name != "token"}]
    who = (await ada.call(made["token"], "GET", "session")).json
    assert (who["email"], "expiresAt" in who) == ("ada@example.org", False)
    until = ada.site.world.clock.now_ms() + 1_000
    short = (await ada.call(here, "POST", "tokens", {"name": "Short", "expiresAt": until})).json
    assert short["expiresAt"] == until
    assert (await ada.call(here, "DELETE", f"tokens/{made['tokenId']}")).json == {}
    assert (await ada.call(made["token"], "GET", "session")).refused == (401, "session_revoked")
    assert [row["name"] for row in await ada.sees(here, "tokens")] == ["Short"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "password", {"current": "correct horse", "new": "another horse"}),
        ("GET", "sessions", None),
        ("DELETE", "sessions", None),
        ("DELETE", "sessions/{session}", None),
        ("POST", "tokens", {"name": "Another"}),
        ("GET", "tokens", None),
        ("DELETE", "tokens/{token}", None),
    ],
)
async def test_a_program_does_not_manage_the_account(ada: Person, method: str, path: str, body: Any) -> None:
    here = await ada.enters("register")
    made = (await ada.call(here, "POST", "tokens", {"name": "A script"})).json
    [session] = await ada.sees(here)
    path = path.format(session=session["sessionId"], token=made["tokenId"])
    assert (await ada.call(made["token"], method, path, body)).refused == (403, "permission_denied")
    assert (await ada.call(here, "GET", "session")).status == 200
    assert (await ada.call(made["token"], "GET", "session")).status == 200


@pytest.mark.parametrize("kind", ["sessions", "tokens"])
async def test_g32_no_route_has_an_effect_on_what_is_anothers(ada: Person, kind: str) -> None:
    bob = Person(ada.site, "bob")
    hers, his = await ada.enters("register"), await bob.enters("register")
    token = (await ada.call(hers, "POST", "tokens", {"name": "A script"})).json["token"]
    ids = [row[id_name] for name, id_name in (("sessions", "sessionId"), ("tokens", "tokenId"))
           for row in await ada.sees(hers, name)]  # fmt: skip
    unknown = (await bob.call(his, "DELETE", f"{kind}/nothing")).json
    for foreign in (*ids, "nothing", "", "..", "a%00b", "x" * 65, "%F0%9F%98%80"):
        answer = await bob.call(his, "DELETE", f"{kind}/{foreign}")
        assert answer.status in (404, 405), foreign
        if foreign in ids:
            assert answer.json == unknown
    assert (await bob.call(his, "DELETE", "sessions")).json == {"ended": 0}
    for mine in (hers, token):
        assert (await ada.call(mine, "GET", "session")).status == 200
    listed = str(await bob.sees(his)) + str(await bob.sees(his, "tokens"))
    assert not [foreign for foreign in ids if foreign in listed]
    # A session is no token, and a token no session, of one's own as well.
    wrong = next(each for each in ids if each.startswith("tok" if kind == "sessions" else "ses"))
    assert (await ada.call(hers, "DELETE", f"{kind}/{wrong}")).refused == (404, "not_found")


@pytest.mark.parametrize("path", ["sessions", "sessions/{id}", "tokens/{id}"])
async def test_g31_a_foreign_page_ends_nothing(ada: Person, path: str) -> None:
    here = await ada.enters("register")
    [row] = await ada.sees(here)
    for origin in ({}, {"origin": "http://evil.example"}):
        cookie = {"cookie": f"tidewire_session={here}"}
        answer = await ada.site.call("DELETE", f"/v1/auth/{path.format(id=row['sessionId'])}", **cookie, **origin)
        assert answer.refused == (403, "permission_denied")
    assert (await ada.site.call("DELETE", "/v1/auth/sessions", cookie=f"tidewire_session={here}", **SAME)).status == 200


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "invalid_argument", "$.name"),
        ({"name": " "}, "invalid_argument", "$.name"),
        ({"name": 7}, "invalid_argument", "$.name"),
        ({"name": "x" * 201}, "invalid_argument", "$.name"),
        ({"name": "A script", "expiresAt": "tomorrow"}, "invalid_argument", "$.expiresAt"),
        ({"name": "A script", "expiresAt": 1}, "invalid_argument", "$.expiresAt"),
        ({"name": "A script", "expiresAt": 10**30}, "invalid_argument", "$.expiresAt"),
        ({"name": "A script", "expiresAt": 0.5}, "invalid_argument", "$.expiresAt"),
    ],
)
async def test_a_bad_token_is_refused_by_name(ada: Person, body: Any, code: str, param: str) -> None:
    here = await ada.enters("register")
    error = (await ada.call(here, "POST", "tokens", body)).json["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert error["message"].endswith(".")
    assert await ada.sees(here, "tokens") == []
