import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.credentials import email_of, name_of, new_password_of, password_of
from protocol.errors import Refusal


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("me@example.org", "me@example.org"),
        ("  Me@Example.ORG\n", "me@example.org"),
        ("JÜRGEN@EXAMPLE.ORG", "jürgen@example.org"),
        ("ju\u0308rgen@example.org", "jürgen@example.org"),
        ("me+work@localhost", "me+work@localhost"),
    ],
)
def test_an_email_has_one_spelling(typed: str, kept: str) -> None:
    assert email_of(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", " ", "me", "@", "me@", "@example.org", "a b@example.org", "a@b@c", "a@b\0c", "a\n@b", "x" * 250 + "@b.org"],
)
def test_what_is_no_email_is_refused_by_name(typed: str) -> None:
    with pytest.raises(Refusal) as refused:
        email_of(typed)
    assert (refused.value.code, refused.value.error.param) == ("invalid_argument", "$.email")


@given(st.text(max_size=30), st.text(max_size=30))
def test_an_email_once_spelt_is_spelt_the_same_again(local: str, domain: str) -> None:
    try:
        email = email_of(f"{local}@{domain}")
    except Refusal:
        return
    assert email_of(email) == email_of(f" {email} ") == email


@pytest.mark.parametrize("typed", ["seven.7", "", " " * 20, "x" * 513])
def test_a_weak_password_is_refused_in_a_sentence(typed: str) -> None:
    with pytest.raises(Refusal) as refused:
        new_password_of(typed, param="$.new")
    assert (refused.value.code, refused.value.error.param) == ("invalid_argument", "$.new")
    assert refused.value.error.message.endswith(".")
    assert typed not in refused.value.error.message or not typed.strip()


@given(st.text(min_size=8, max_size=100).filter(lambda text: text.strip() and len(password_of(text)) >= 8))
def test_any_other_password_is_taken_and_typed_again_is_the_same(typed: str) -> None:
    assert new_password_of(typed, param="$.new") == password_of(typed)


def test_a_password_is_the_same_from_every_keyboard() -> None:
    assert password_of("u\u0308bermorgen") == password_of("übermorgen")


@pytest.mark.parametrize(
    ("typed", "kept"), [(None, None), ("", None), (" \n\t", None), ("  Ada \n Lovelace ", "Ada Lovelace"), ("\0", None)]
)
def test_a_name_is_one_line_or_none(typed: str | None, kept: str | None) -> None:
    assert name_of(typed) == kept


def test_a_name_has_its_limit() -> None:
    with pytest.raises(Refusal) as refused:
        name_of("x" * 201)
    assert refused.value.error.param == "$.name"
