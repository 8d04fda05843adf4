import pytest

from app.store.engine import parse_url


@pytest.mark.parametrize(
    ("url", "dialect", "target", "shown"),
    [
        ("sqlite:///data/chats.db", "sqlite", "data/chats.db", "sqlite:///data/chats.db"),
        ("sqlite:////var/lib/my%20chats.db", "sqlite", "/var/lib/my chats.db", "sqlite:////var/lib/my chats.db"),
        ("postgres://u:p@h/n", "postgresql", "postgresql://u:p@h/n", "postgresql://h/n"),
        ("postgresql://u:p%40%2F@h:5433/n?sslmode=require", "postgresql", None, "postgresql://h:5433/n"),
        ("postgresql+aiopg:///n", "postgresql", "postgresql:///n", "postgresql:///n"),
        ("postgresql://h1,h2/n", "postgresql", None, "postgresql://h1,h2/n"),
    ],
)
def test_addresses_that_are_understood(url: str, dialect: str, target: str | None, shown: str) -> None:
    parsed = parse_url(url)
    assert (parsed.dialect, parsed.target, parsed.shown) == (dialect, target or url, shown)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "chats.db",
        "mysql://u:secret@h/n",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://host/chats.db",
        "sqlite:///chats.db?cache=shared",
        "postgresql://u:12/secret@h/n",
        "postgresql://u:secret/12@h/n",
        "postgresql://h/n?max_size=secret",
        "postgresql://u:secret@h:port/n",
    ],
)
def test_others_are_refused_with_a_sentence_that_repeats_no_secret(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_url(url)
    assert "secret" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_g33_repr_holds_no_password() -> None:
    assert "secret" not in repr(parse_url("postgres://u:secret@h/n?password=secret"))
