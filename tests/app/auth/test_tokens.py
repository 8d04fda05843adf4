import pytest

from app.auth.tokens import bearer_of, cookie_of, hash_of
from app.ids import Mint


def test_g33_a_stored_hash_is_not_the_secret() -> None:
    secret = Mint().secret("tws")
    assert secret not in hash_of(secret)
    assert hash_of(secret) == hash_of(secret) != hash_of(secret + "x")


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", None), ("Bearer", None), ("Bearer ", None)],
)
def test_a_bearer_token_is_read(header: str, token: str | None) -> None:
    assert bearer_of([(b"x", b"y"), (b"Authorization", header.encode())]) == token


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("tidewire_session=abc", "abc"),
        ("a=b; tidewire_session=abc; c=d", "abc"),
        ('theme={"dark":true,"x":[1]}; tidewire_session=abc', "abc"),
        ("rubbish; =; ;tidewire_session=abc", "abc"),
        ("not_tidewire_session=abc", None),
        ("tidewire_session=", None),
        ("", None),
    ],
)
def test_the_session_cookie_is_found_beside_any_other(header: str, token: str | None) -> None:
    assert cookie_of([(b"host", b"x"), (b"Cookie", header.encode())]) == token


def test_a_cookie_may_come_in_a_header_of_its_own() -> None:
    assert cookie_of([(b"cookie", b"a=b"), (b"cookie", b"tidewire_session=abc")]) == "abc"
