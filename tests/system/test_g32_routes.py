"""Guarantee 32 for every route: what is another's does not exist, and is not touched.

A stranger calls every route; where an id stands in its path, with every id that an owner has. The answer must be that
to an id which nobody ever had, and the owner must not notice. A route that is added without a line here fails.
"""

import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Mount

from app.backplane.folder import DataFolder
from app.config import load
from app.wiring import build
from tests.system.owner import Owner
from tests.system.stranger import shape, stranger_to
from tests.wire import Frame, call, post

PASSWORD = "a long password"
# What is sent to each route; None sends nothing.
ROUTES: Mapping[tuple[str, str], Frame | None] = {
    ("POST", "/v1/auth/guest"): {},
    ("POST", "/v1/auth/register"): {"email": f"{secrets.token_hex(8)}@example.org", "password": PASSWORD},
    ("POST", "/v1/auth/login"): {"email": "nobody@example.org", "password": PASSWORD},
    ("POST", "/v1/auth/logout"): {},
    ("GET", "/v1/auth/session"): None,
    ("POST", "/v1/auth/ticket"): {},
    ("POST", "/v1/auth/password"): {"current": PASSWORD, "new": "another password"},
    ("DELETE", "/v1/auth/account"): {"password": PASSWORD},
    ("GET", "/v1/auth/sessions"): None,
    ("DELETE", "/v1/auth/sessions"): None,
    ("DELETE", "/v1/auth/sessions/{id}"): None,
    ("POST", "/v1/auth/tokens"): {"name": "mine"},
    ("GET", "/v1/auth/tokens"): None,
    ("DELETE", "/v1/auth/tokens/{id}"): None,
    ("POST", "/v1/files"): None,
    ("GET", "/v1/files/{id}"): None,
    ("GET", "/v1/usage"): None,
    ("GET", "/v1/export"): None,
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("GET", "/metrics"): None,
    ("GET", "/docs"): None,
    ("GET", "/docs/{id}"): None,
    ("GET", "/v1/asyncapi.json"): None,
    ("GET", "/{id}"): None,
}
SOCKETS = {"/v1/socket", "/v1/ai-sdk"}  # each has a test of its own for its frames


def test_every_route_is_called(tmp_path: Path) -> None:
    application, _ = build(load({"DATA_DIR": str(tmp_path)}), DataFolder(tmp_path))
    found = set()
    for route in application._web.routes:  # type: ignore[attr-defined]  # Starlette's, behind the ASGI interface
        path = "/{id}" if isinstance(route, Mount) else re.sub(r"{\w+}", "{id}", route.path)
        methods = getattr(route, "methods", {"GET"}) - {"HEAD"}
        found |= {(method, path) for method in methods}
    assert found == ROUTES.keys()
    assert application._sockets.keys() == SOCKETS


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_g32_routes_know_only_ones_own(owner: Owner, method: str, path: str) -> None:
    account = {"email": f"{secrets.token_hex(8)}@example.org", "password": PASSWORD}
    token = str(post(owner.url, "/v1/auth/register", account)["token"])

    def answer(name: str) -> Any:
        status, text = call(owner.url, method, path.replace("{id}", name), token, ROUTES[method, path])
        assert status < 500, text
        assert not [secret for secret in owner.secrets() if secret in text]
        return status, shape(text, name)

    for name in owner.ids.values() if "{id}" in path else ["nothing"]:
        assert answer(name) == answer(stranger_to(name)) or "{id}" not in path, name


async def test_g32_a_wrong_password_says_nothing_of_an_account(owner: Owner) -> None:
    for email in (owner.email, f"no-{owner.email}"):
        body = {"email": email, "password": PASSWORD}
        status, text = call(owner.url, "POST", "/v1/auth/login", "", body)
        assert (status, json.loads(text)["error"]["code"]) == (401, "unauthenticated")
