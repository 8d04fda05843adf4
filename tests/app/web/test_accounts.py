"""`register`, `login`, `logout` and the cookie, as a browser and as a script use them."""

from typing import Any

import orjson
import pytest

from app.commands.identity import HOUR_MS
from tests.app.web.site import JSON, SAME, Answer, Site, cookie_of
from tests.app.world import World

ADA = {"email": "ada@example.org", "password": "correct horse"}


async def post(site: Site, path: str, body: Any, /, **headers: str) -> Answer:
    return await site.call("POST", f"/v1/auth/{path}", orjson.dumps(body), **(JSON | SAME | headers))


def cookie(answer: Answer) -> dict[str, str]:
    """The header with which a browser comes back."""
    return {"cookie": f"tidewire_session={cookie_of(answer).value}"}


async def who(site: Site, **headers: str) -> Any:
    answer = await site.call("GET", "/v1/auth/session", **headers)
    return answer.json if answer.status == 200 else answer.refused


async def test_a_page_registers_and_is_known_by_its_cookie(site: Site) -> None:
    guest = await site.guest()
    answer = await post(site, "register", ADA | {"name": "Ada"}, **cookie(guest))
    assert answer.status == 200
    assert answer.json.keys() == {"userId", "token", "expiresAt"}
    assert answer.json["userId"] == guest.json["userId"], "a guest keeps what they have"
    assert cookie_of(answer).value == answer.json["token"] != guest.json["token"]
    assert cookie_of(answer)["httponly"] is True
    assert await who(site, **cookie(answer)) == {
        "userId": guest.json["userId"],
        "email": "ada@example.org",
        "name": "Ada",
        "guest": False,
        "expiresAt": answer.json["expiresAt"],
    }
    assert await who(site, **cookie(guest)) == (401, "session_revoked")


async def test_a_script_registers_and_signs_in_with_a_token(site: Site) -> None:
    script = await site.call("POST", "/v1/auth/register", orjson.dumps(ADA), **JSON)
    assert (script.status, script["set-cookie"]) == (200, "")
    login = await site.call("POST", "/v1/auth/login", orjson.dumps(ADA), **JSON)
    assert (login.status, login["set-cookie"], login.json["userId"]) == (200, "", script.json["userId"])
    assert (await who(site, authorization=f"Bearer {login.json['token']}"))["guest"] is False


async def test_a_login_ends_the_session_of_the_cookie_it_replaces(site: Site) -> None:
    await post(site, "register", ADA)
    guest = await site.guest()
    answer = await post(site, "login", ADA, **cookie(guest))
    assert answer.json["userId"] != guest.json["userId"]
    assert await who(site, **cookie(guest)) == (401, "session_revoked")
    bearer = {"authorization": f"Bearer {(await site.guest()).json['token']}"}
    await post(site, "login", ADA, **bearer)
    assert (await who(site, **bearer))["guest"] is True, "a token is its owner's to keep"


async def test_logging_out_ends_the_session_and_takes_the_cookie(site: Site) -> None:
    answer = await post(site, "register", ADA)
    other = await post(site, "login", ADA)
    left = await site.call("POST", "/v1/auth/logout", **cookie(answer), **SAME)
    assert (left.status, left.json) == (200, {})
    assert (cookie_of(left).value, cookie_of(left)["max-age"], cookie_of(left)["path"]) == ("", "0", "/")
    assert await who(site, **cookie(answer)) == (401, "session_revoked")
    assert (await who(site, **cookie(other)))["email"] == ADA["email"]
    again = await site.call("POST", "/v1/auth/logout", **cookie(answer), **SAME)
    assert again.refused == (401, "session_revoked")
    assert cookie_of(again)["max-age"] == "0", "a cookie that is good for nothing goes, too"


@pytest.mark.parametrize("path", ["register", "login", "logout", "password"])
@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
async def test_g31_a_foreign_page_cannot_act_with_a_cookie(site: Site, path: str, origin: str | None) -> None:
    headers = {} if origin is None else {"origin": origin}
    mine = cookie(await post(site, "register", ADA))
    body = {"email": "b@example.org", "password": "correct horse", "current": ADA["password"], "new": "another horse"}
    answer = await site.call("POST", f"/v1/auth/{path}", orjson.dumps(body), **JSON, **mine, **headers)
    assert answer.refused == (403, "permission_denied")
    assert answer["set-cookie"] == ""
    assert (await who(site, **mine))["email"] == ADA["email"]
    assert (await post(site, "login", ADA)).status == 200


@pytest.mark.parametrize("path", ["register", "login", "password"])
async def test_a_form_that_is_no_json_is_refused(site: Site, path: str) -> None:
    mine = cookie(await post(site, "register", ADA))
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = await site.call(
            "POST", f"/v1/auth/{path}", orjson.dumps(ADA), content_type=content_type, **SAME, **mine
        )
        assert answer.refused == (400, "invalid_argument")


@pytest.mark.parametrize(
    ("path", "body", "code", "param"),
    [
        ("register", {"password": "correct horse"}, "invalid_argument", "$.email"),
        ("register", {"email": "b@example.org"}, "invalid_argument", "$.password"),
        ("register", {"email": "b@example.org", "password": None}, "invalid_argument", "$.password"),
        ("register", {"email": "nobody", "password": "correct horse"}, "invalid_argument", "$.email"),
        ("register", {"email": 7, "password": "correct horse"}, "invalid_argument", "$.email"),
        ("register", {"email": "b@example.org", "password": "short"}, "invalid_argument", "$.password"),
        ("register", {"email": "b@example.org", "password": ["correct horse"]}, "invalid_argument", "$.password"),
        ("register", ADA, "invalid_argument", "$.email"),
        ("register", {"email": "b@example.org", "password": "x" * 8, "name": {}}, "invalid_argument", "$.name"),
        ("register", {"email": "b@example.org", "password": "x" * 8, "name": "x" * 201}, "invalid_argument", "$.name"),
        ("login", {"email": "ada@example.org"}, "invalid_argument", "$.password"),
        ("login", {"email": "ada", "password": "correct horse"}, "invalid_argument", "$.email"),
        ("login", {"email": "b@example.org", "password": "correct horse"}, "unauthenticated", None),
        ("login", {"email": "ada@example.org", "password": "wrong horse"}, "unauthenticated", None),
        ("password", {"new": "another horse"}, "invalid_argument", "$.current"),
        ("password", {"current": "correct horse"}, "invalid_argument", "$.new"),
        ("password", {"current": "correct horse", "new": "short"}, "invalid_argument", "$.new"),
        ("password", {"current": "wrong horse", "new": "another horse"}, "permission_denied", "$.current"),
    ],
)
async def test_bad_input_is_refused_by_name_in_a_sentence(
    site: Site, path: str, body: dict[str, Any], code: str, param: str | None
) -> None:
    mine = cookie(await post(site, "register", ADA))
    answer = await post(site, path, body, **mine)
    error = answer.json["error"]
    assert (error["code"], error.get("param")) == (code, param)
    assert error["message"].endswith(".")
    for secret in ("correct horse", "wrong horse", "another horse"):
        assert secret not in error["message"]
    assert (await who(site, **mine))["email"] == ADA["email"]


async def test_a_new_password_keeps_this_device_and_ends_the_others(site: Site) -> None:
    here, there = await post(site, "register", ADA), await post(site, "login", ADA)
    body = {"current": ADA["password"], "new": "another horse"}
    assert (await post(site, "password", body, **cookie(here))).json == {}
    assert (await who(site, **cookie(here)))["email"] == ADA["email"]
    assert await who(site, **cookie(there)) == (401, "session_revoked")
    assert (await post(site, "password", body)).refused == (401, "unauthenticated")


@pytest.mark.parametrize(("path", "most"), [("register", 3), ("login", 4)])
async def test_registrations_and_sign_ins_are_limited_by_address_off_loopback(site: Site, path: str, most: int) -> None:
    await post(site, "register", ADA)
    answers = [
        await post(site, path, {"email": f"b{n}@example.org", "password": "correct horse"}, client="192.0.2.1")
        for n in range(most + 1)
    ]
    assert [answer.status for answer in answers] == [200 if path == "register" else 401] * most + [429]
    assert answers[-1].json["error"]["retryAfterMs"] > 0
    assert int(answers[-1]["retry-after"]) > 0
    for address, status in (("192.0.2.2", 200), ("127.0.0.1", 200)):
        body = {"email": f"{address}@example.org", "password": "correct horse"} if path == "register" else ADA
        assert (await post(site, path, body, client=address)).status == status
    site.auth.retire(site.world.clock.monotonic() + 3_601)
    assert (await post(site, path, ADA, client="192.0.2.1")).status != 429


async def test_registration_can_be_off(site: Site) -> None:
    site = Site(site.world, registration="off")
    assert (await post(site, "register", ADA)).refused == (403, "permission_denied")


async def test_a_session_in_use_is_prolonged_and_its_cookie_with_it(world: World) -> None:
    site = Site(world)
    guest = await site.guest()
    assert (await site.call("GET", "/v1/auth/session", **cookie(guest)))["set-cookie"] == ""
    world.pass_ms(HOUR_MS + 1)
    for method, path in (("GET", "session"), ("POST", "ticket")):
        answer = await site.call(method, f"/v1/auth/{path}", **cookie(guest), **SAME)
        assert cookie_of(answer).value == guest.json["token"]
        assert cookie_of(answer)["max-age"] == cookie_of(guest)["max-age"]
        again = await site.call(method, f"/v1/auth/{path}", **cookie(guest), **SAME)
        assert again["set-cookie"] == "", "an hour apart at most: a late answer must not bring an old cookie back"
        world.pass_ms(HOUR_MS + 1)
    bearer = await site.call("GET", "/v1/auth/session", authorization=f"Bearer {guest.json['token']}")
    assert (bearer.status, bearer["set-cookie"]) == (200, "")


async def test_the_device_of_a_session_is_noted_in_words(site: Site) -> None:
    await post(site, "register", ADA, user_agent="Mozilla/5.0 (X11; Linux) Firefox/132.0")
    rows = await site.world.store.fetch_all("SELECT device FROM sessions")
    assert [row["device"] for row in rows] == ["Firefox on Linux"]


# Leaving for good


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "permission_denied", "$.password"),
        ({"password": "wrong horse"}, "permission_denied", "$.password"),
        ({"password": 7}, "invalid_argument", "$.password"),
    ],
)
async def test_an_account_is_deleted_by_who_knows_its_password_alone(
    site: Site, body: Any, code: str, param: str
) -> None:
    mine = cookie(await post(site, "register", ADA))
    answer = await site.call("DELETE", "/v1/auth/account", orjson.dumps(body), **JSON, **SAME, **mine)
    error = answer.json["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert answer["set-cookie"] == ""
    assert (await who(site, **mine))["email"] == ADA["email"]
    gone = await site.call(
        "DELETE", "/v1/auth/account", orjson.dumps({"password": ADA["password"]}), **JSON, **SAME, **mine
    )
    assert (gone.status, gone.json, cookie_of(gone)["max-age"]) == (200, {}, "0")
    assert await who(site, **mine) == (401, "unauthenticated")
    assert (await post(site, "login", ADA)).refused == (401, "unauthenticated")


async def test_a_guest_is_deleted_without_a_password_and_a_program_deletes_nobody(site: Site) -> None:
    guest = cookie(await site.guest())
    for origin in ({}, {"origin": "http://evil.example"}):
        refused = await site.call("DELETE", "/v1/auth/account", b"{}", **JSON, **guest, **origin)
        assert refused.refused == (403, "permission_denied")
    refused = await site.call("DELETE", "/v1/auth/account", b"", **SAME, **guest)
    assert refused.refused == (400, "invalid_argument"), "a form of another page could send that"
    assert (await site.call("DELETE", "/v1/auth/account", b"{}", **JSON, **SAME, **guest)).json == {}
    assert await who(site, **guest) == (401, "unauthenticated")
    account = await post(site, "register", ADA)
    token = (await post(site, "tokens", {"name": "A script"}, **cookie(account))).json["token"]
    body = orjson.dumps({"password": ADA["password"]})
    program = await site.call("DELETE", "/v1/auth/account", body, **JSON, authorization=f"Bearer {token}")
    assert program.refused == (403, "permission_denied")
