"""Every HTTP route, called as ASGI calls it."""

from typing import Any

import pytest

from app.auth.origin import Origin
from app.commands.identity import DAY_MS, Granted, Proof
from app.store.errors import StoreUnavailable
from protocol.schema.__main__ import ASYNCAPI
from tests.app.web.site import JSON, SAME, Answer, Site, cookie_of

# Guests


async def test_a_guest_gets_a_session_a_token_and_a_cookie(site: Site) -> None:
    answer = await site.guest()
    assert (answer.status, answer["cache-control"], answer["content-type"]) == (200, "no-store", "application/json")
    assert answer.json.keys() == {"userId", "token", "expiresAt"}
    session = await site.world.identity.session(Proof(answer.json["token"], "bearer"))
    assert session.user_id == answer.json["userId"]
    cookie = cookie_of(answer)
    assert (cookie.value, cookie["max-age"]) == (answer.json["token"], str(30 * DAY_MS // 1000))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "lax", "/", "")


async def test_the_cookie_is_secure_when_the_page_came_by_https(site: Site) -> None:
    answer = await site.guest(client="10.0.0.1", x_forwarded_proto="https", origin="https://localhost:8000")
    assert cookie_of(answer)["secure"] is True


async def test_guests_can_be_refused(site: Site) -> None:
    site = Site(site.world, guests=False)
    assert (await site.guest()).refused == (403, "permission_denied")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # a script sends no Origin
        (SAME, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://evil.example", "authorization": "Bearer x"}, 403),
        ({"cookie": "tidewire_session=x"}, 403),  # whoever has the cookie is a browser, and browsers say their Origin
        ({"cookie": "tidewire_session=x", "authorization": "Bearer x"}, 200),
        ({"cookie": "tidewire_session=x"} | SAME, 200),
    ],
)
async def test_a_foreign_page_gets_no_cookie_made(site: Site, headers: dict[str, str], status: int) -> None:
    answer = await site.call("POST", "/v1/auth/guest", b"{}", **JSON, **headers)
    assert answer.status == status
    assert bool(answer["set-cookie"]) == (status == 200 and "origin" in headers)


async def test_only_listed_origins_count_when_there_is_a_list(site: Site) -> None:
    site = Site(site.world, origins=(Origin("https", "chat.example.com", 443),))
    assert (await site.guest()).refused == (403, "permission_denied")
    assert (await site.guest(origin="https://chat.example.com")).status == 200


@pytest.mark.parametrize(
    ("body", "content_type", "refused"),
    [
        (b"{}", "text/plain", (400, "invalid_argument")),
        (b"{}", "", (400, "invalid_argument")),
        (b"{}", "application/x-www-form-urlencoded", (400, "invalid_argument")),
        (b"", "application/json", (400, "invalid_argument")),
        (b"{", "application/json", (400, "invalid_argument")),
        (b"[]", "application/json", (400, "invalid_argument")),
        (b'"' + b"x" * 70_000 + b'"', "application/json", (413, "frame_too_large")),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_the_body_is_a_json_object(site: Site, body: bytes, content_type: str, refused: tuple[int, str]) -> None:
    answer = await site.call("POST", "/v1/auth/guest", body, content_type=content_type, **SAME)
    assert answer.refused == refused


async def test_the_content_type_may_name_its_charset(site: Site) -> None:
    answer = await site.call("POST", "/v1/auth/guest", b"{}", content_type="Application/JSON; charset=utf-8", **SAME)
    assert answer.status == 200


async def test_new_guests_are_limited_by_address_off_loopback(site: Site) -> None:
    for _ in range(5):
        assert (await site.guest()).status == 200
    assert [(await site.guest(client="192.0.2.1")).status for _ in range(3)] == [200, 200, 429]
    refused = await site.guest(client="192.0.2.1", x_forwarded_for="192.0.2.9")
    assert refused.refused == (429, "rate_limited")
    assert 0 < int(refused["retry-after"]) <= 1_801
    assert refused.json["error"]["retryAfterMs"] > 0
    assert [
        (await site.guest(client="10.0.0.1", x_forwarded_for=f"{said}, 192.0.2.2")).status
        for said in ("127.0.0.1", "10.9.9.9", "x")
    ] == [200, 200, 429], "what a client says of itself was believed"
    site.auth.retire(site.world.clock.monotonic())
    assert (await site.guest(client="192.0.2.1")).status == 429
    site.auth.retire(site.world.clock.monotonic() + 3_601)
    assert (await site.guest(client="192.0.2.1")).status == 200


async def test_the_addresses_of_one_ipv6_host_share_a_limit(site: Site) -> None:
    statuses = [(await site.guest(client=f"2001:db8::{host}")).status for host in (1, 2, 3)]
    assert statuses == [200, 200, 429]
    assert (await site.guest(client="2001:db8:0:1::1")).status == 200


# Who am I, and tickets


@pytest.fixture
async def granted(site: Site) -> Granted:
    return await site.world.granted()


async def test_a_session_is_known_by_bearer_before_cookie(site: Site, granted: Granted) -> None:
    bearer, cookie = {"authorization": f"Bearer {granted.token}"}, {"cookie": f"tidewire_session={granted.token}"}
    for headers in (bearer, cookie, bearer | {"cookie": "tidewire_session=x"}):
        answer = await site.call("GET", "/v1/auth/session", **headers)
        assert answer.json == {"userId": granted.user_id, "guest": True, "expiresAt": granted.expires_at}
    for headers in ({}, {"authorization": "Bearer x"} | cookie, {"cookie": "tidewire_session=x"}):
        assert (await site.call("GET", "/v1/auth/session", **headers)).refused == (401, "unauthenticated")


async def test_a_visitor_may_ask_whether_they_are_somebody(site: Site, granted: Granted) -> None:
    answer = await site.call("GET", "/v1/auth/session?optional=true")
    assert (answer.status, answer.body) == (204, b"")
    known = {"cookie": f"tidewire_session={granted.token}"}
    assert (await site.call("GET", "/v1/auth/session?optional=true", **known)).json["userId"] == granted.user_id
    ended = {"cookie": "tidewire_session=x"}
    assert (await site.call("GET", "/v1/auth/session?optional=true", **ended)).refused == (401, "unauthenticated")


async def test_a_page_with_a_cookie_gets_a_ticket_once_it_says_where_it_is_from(site: Site, granted: Granted) -> None:
    cookie = {"cookie": f"tidewire_session={granted.token}"}
    answer = await site.call("POST", "/v1/auth/ticket", **cookie, **SAME)
    session = await site.world.identity.session(Proof(answer.json["ticket"], "ticket"))
    assert session.user_id == granted.user_id
    assert (await site.call("POST", "/v1/auth/ticket", **cookie)).refused == (403, "permission_denied")
    assert (await site.call("POST", "/v1/auth/ticket", **SAME)).refused == (401, "unauthenticated")
    bearer = {"authorization": f"Bearer {granted.token}"}
    assert (await site.call("POST", "/v1/auth/ticket", **bearer)).status == 200


# Errors


async def test_a_store_that_is_away_is_unavailable(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_proof: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(site.world.identity, "session", away)
    assert (await site.call("GET", "/v1/auth/session")).refused == (503, "unavailable")


async def test_a_bug_answers_as_every_error_does_and_is_raised_for_the_log(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def bug(_proof: object) -> None:
        raise RuntimeError("a bug with a secret in it")

    monkeypatch.setattr(site.world.identity, "session", bug)
    answers: list[Answer] = []
    original = site.app.__call__

    async def call() -> None:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/v1/auth/session", "headers": [], "query_string": b""}
        try:
            await original(scope, None, send)  # type: ignore[arg-type]  # it reads no body
        finally:
            answers.append(Answer(sent[0]["status"], [], sent[1]["body"]))

    with pytest.raises(RuntimeError):
        await call()
    assert answers[0].refused == (500, "internal")
    assert b"secret" not in answers[0].body


@pytest.mark.parametrize(
    ("method", "path", "refused"),
    [
        ("GET", "/v1/nope", (404, "not_found")),
        ("GET", "/v1/auth/nope", (404, "not_found")),
        ("GET", "/v1/auth/guest", (404, "not_found")),
        ("POST", "/healthz", (405, "invalid_argument")),
        ("POST", "/", (405, "invalid_argument")),
        ("GET", "/missing.js", (404, "not_found")),
        ("GET", "/c/missing.png", (404, "not_found")),
        ("GET", "/docs/nope", (404, "not_found")),
        ("GET", "/docs/..", (404, "not_found")),
        ("GET", "/docs/__init__.py", (404, "not_found")),
    ],
)
async def test_a_failed_call_answers_an_error_object(
    site: Site, method: str, path: str, refused: tuple[int, str]
) -> None:
    answer = await site.call(method, path)
    assert answer.refused == refused


# Health


async def test_healthz_says_that_it_lives_and_readyz_whether_it_takes_sockets(site: Site) -> None:
    assert ((await site.call("GET", "/healthz")).status, (await site.call("GET", "/readyz")).status) == (200, 200)
    site.problem = "draining"
    answer = await site.call("GET", "/readyz")
    assert (answer.status, answer.json) == (503, {"status": "draining"})
    assert (await site.call("GET", "/healthz")).json == {"status": "ok"}


# Metrics


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({}, 200),
        ({"client": "192.0.2.7"}, 200),
        ({"client": "10.0.0.1", "x_forwarded_for": "192.0.2.7"}, 200),
        ({"client": "203.0.113.9"}, (403, "permission_denied")),
        ({"client": "203.0.113.9", "x_forwarded_for": "127.0.0.1"}, (403, "permission_denied")),
        ({"client": "10.0.0.1", "x_forwarded_for": "127.0.0.1, 203.0.113.9"}, (403, "permission_denied")),
        ({"client": "203.0.113.9", "authorization": "Bearer s3cret"}, 200),
        ({"client": "203.0.113.9", "authorization": "Bearer S3cret"}, (401, "unauthenticated")),
        ({"client": "203.0.113.9", "authorization": "Bearer \u00fc"}, (401, "unauthenticated")),
        ({"client": "203.0.113.9", "authorization": "Basic s3cret"}, (403, "permission_denied")),
    ],
)
async def test_metrics_are_for_networks_that_are_named_and_for_whoever_has_the_token(
    site: Site, headers: dict[str, str], outcome: int | tuple[int, str]
) -> None:
    site = Site(site.world, metrics_token="s3cret")
    answer = await site.call("GET", "/metrics", **headers)
    if outcome == 200:
        assert (answer.body, answer["content-type"]) == (b"up 1\n", "text/plain; version=0.0.4; charset=utf-8")
    else:
        assert answer.refused == outcome


async def test_without_a_token_nobody_else_reads_metrics(site: Site) -> None:
    for given in ("Bearer x", "Bearer  "):
        assert (await site.call("GET", "/metrics", client="203.0.113.9", authorization=given)).status in (401, 403)


# The documentation


@pytest.mark.parametrize("path", ["/docs", "/docs/index", "/docs/index.md", "/docs/settings"])
async def test_the_documentation_is_served_as_text(site: Site, path: str) -> None:
    answer = await site.call("GET", path)
    assert (answer.status, answer["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer["x-content-type-options"] == "nosniff"
    assert answer.body.startswith(b"# ")


async def test_the_wire_is_served_for_machines(site: Site) -> None:
    answer = await site.call("GET", "/v1/asyncapi.json")
    assert (answer.status, answer["content-type"]) == (200, "application/json")
    assert answer.body == ASYNCAPI.read_bytes()
