import pytest

from app.auth.admission import Admission
from app.auth.origin import Origin
from app.auth.peer import networks

ADMISSION = Admission((), loopback_only=True, proxies=networks(["127.0.0.0/8"]))
LISTED = Admission((Origin("https", "chat.example.com", 443),), loopback_only=False, proxies=())


def scope(**headers: str) -> dict[str, object]:
    named = {"host": "localhost:8000"} | headers
    return {
        "client": ("127.0.0.1", 4711),
        "scheme": "ws",
        "headers": [(name.replace("_", "-").title().encode(), value.encode()) for name, value in named.items()],
    }


COOKIE, BEARER = {"cookie": "tidewire_session=x"}, {"authorization": "Bearer x"}


@pytest.mark.parametrize(
    ("headers", "is_admitted"),
    [
        ({}, True),
        (BEARER, True),
        (COOKIE, False),
        (COOKIE | BEARER, True),
        ({"cookie": "another=x"}, True),
        ({"origin": "http://localhost:8000"} | COOKIE, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "http://evil.example"} | COOKIE | BEARER, False),
        ({"origin": "http://evil.example:8000", "host": "evil.example:8000"}, False),
        ({"origin": "https://localhost:8000", "x_forwarded_proto": "https"} | COOKIE, True),
    ],
    ids=str,
)
def test_g31_a_page_is_admitted_by_its_origin_and_a_script_without_one(
    headers: dict[str, str], is_admitted: bool
) -> None:
    assert ADMISSION.admits(scope(**headers)) is is_admitted


def test_g31_with_a_list_only_the_list_is_admitted() -> None:
    assert LISTED.admits(scope(origin="https://chat.example.com"))
    assert not LISTED.admits(scope(origin="http://localhost:8000"))
    assert LISTED.peer(scope(x_forwarded_for="192.0.2.1")).address == "127.0.0.1"
