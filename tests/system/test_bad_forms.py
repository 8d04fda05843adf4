"""Bad input to routes: a body that is no form, and a field that is wrong or missing, are refused by name.

The routes and their good bodies are those of the isolation tests, which are complete.
"""

import json

import pytest

from tests.system.server import ServerProcess
from tests.system.test_bad_fields import without
from tests.system.test_g32_routes import ROUTES
from tests.wire import Frame, call, post

FORMS = {where: body for where, body in ROUTES.items() if body}
# May be missing; then these forms mean something else.
OPTIONAL = {(("DELETE", "/v1/auth/account"), "password")}
BODIES = {
    "nothing": b"",
    "half of it": b'{"email": "a',
    "a list": b"[]",
    "a text": b'"x"',
    "NaN": b'{"email": NaN}',
    "bad UTF-8": b'{"email": "\xff"}',
    "deep": b'{"email": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "64 KiB": json.dumps({"email": "x" * 65_536}).encode(),
}


@pytest.fixture
def token(shared_server: ServerProcess) -> str:
    return str(post(shared_server.url, "/v1/auth/guest")["token"])


def refused(server: ServerProcess, where: tuple[str, str], token: str, body: Frame | bytes) -> Frame:
    """The error that a call is answered with."""
    status, text = call(server.url, *where, token, body)
    error: Frame = json.loads(text)["error"]
    assert status == (413 if error["code"] == "frame_too_large" else 400), text
    assert error["message"].endswith(".")
    return error


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("where", FORMS, ids=" ".join)
def test_body_that_is_no_form_is_refused(
    shared_server: ServerProcess, token: str, where: tuple[str, str], name: str
) -> None:
    assert refused(shared_server, where, token, BODIES[name])["code"] in ("invalid_argument", "frame_too_large")


@pytest.mark.parametrize("where", FORMS, ids=" ".join)
def test_every_field_of_a_form_is_refused_by_name(
    shared_server: ServerProcess, token: str, where: tuple[str, str]
) -> None:
    for field in FORMS[where]:
        bodies = [FORMS[where] | {field: value} for value in (7, ["x"], {"x": 1})]
        if (where, field) not in OPTIONAL:
            bodies += [FORMS[where] | {field: None}, without(FORMS[where], (field,))]
        for body in bodies:
            error = refused(shared_server, where, token, body)
            assert (error["code"], error["param"]) == ("invalid_argument", f"$.{field}")
