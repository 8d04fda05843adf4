import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.origin import LOOPBACK_NAMES, Origin, is_allowed, parse


def same_host(origin: str | None, host: str | None, *, scheme: str = "http", loopback_only: bool = False) -> bool:
    return is_allowed(origin, host=host, scheme=scheme, allowed=(), loopback_only=loopback_only)


def listed(origin: str, *names: str) -> bool:
    allowed = [place for name in names if (place := parse(name)) is not None]
    assert len(allowed) == len(names)
    return is_allowed(origin, host="inside:8000", scheme="http", allowed=allowed, loopback_only=False)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://chat.example.com", Origin("https", "chat.example.com", 443)),
        ("http://chat.example.com", Origin("http", "chat.example.com", 80)),
        ("HTTPS://Chat.Example.COM:443", Origin("https", "chat.example.com", 443)),
        ("http://[::1]:8000", Origin("http", "::1", 8000)),
        ("capacitor://localhost", Origin("capacitor", "localhost", 0)),
    ],
)
def test_two_spellings_of_an_origin_are_equal(text: str, origin: Origin) -> None:
    assert parse(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "*",
        "example.com",
        "localhost:8000",
        "http://",
        "http://:80",
        "http://host:port",
        "http://host:99999",
        "http://[::1",
        "http://host/path",
        "http://host?query",
        "http://host#fragment",
        "http://user@host",
    ],
)
def test_what_is_no_origin_is_none(text: str) -> None:
    assert parse(text) is None


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_and_never_raises(text: str) -> None:
    same_host(text, text)
    same_host(f"http://{text}", text, loopback_only=True)


def test_g31_no_origin_is_never_allowed() -> None:
    assert not same_host(None, "localhost:8000")
    assert not is_allowed(None, host="h", scheme="http", allowed=[Origin("http", "h", 80)], loopback_only=False)


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://localhost:8000", "localhost:8000", "http"),
        ("http://LocalHost:8000", "localhost:8000", "http"),
        ("http://example.com", "example.com", "http"),
        ("http://example.com", "example.com:80", "http"),
        ("https://example.com", "example.com", "https"),
        ("https://example.com:443", "example.com", "https"),
        ("http://[::1]:8000", "[::1]:8000", "http"),
    ],
)
def test_g31_a_page_may_talk_to_the_host_it_came_from(origin: str, host: str, scheme: str) -> None:
    assert same_host(origin, host, scheme=scheme)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://evil.example", "localhost:8000"),
        ("http://localhost:8001", "localhost:8000"),
        ("http://localhost", "localhost:8000"),
        ("http://localhost.evil.example:8000", "localhost:8000"),
        ("http://127.0.0.1:8000", "localhost:8000"),
        ("null", "localhost:8000"),
        ("http://localhost:8000", None),
        ("http://localhost:8000", "local host"),
        ("http://localhost:8000", "["),
    ],
)
def test_g31_a_foreign_page_may_not(origin: str, host: str | None) -> None:
    assert not same_host(origin, host)


def test_g31_a_rebound_name_does_not_pass_on_a_loopback_bind() -> None:
    assert same_host("http://evil.example:8000", "evil.example:8000")
    assert not same_host("http://evil.example:8000", "evil.example:8000", loopback_only=True)
    for name in LOOPBACK_NAMES:
        shown = f"[{name}]" if ":" in name else name
        assert same_host(f"http://{shown}:8000", f"{shown}:8000", loopback_only=True)


def test_g31_with_a_list_only_the_list_counts() -> None:
    assert listed("https://chat.example.com", "https://chat.example.com")
    assert listed("https://chat.example.com", "https://CHAT.example.com:443")
    assert listed("capacitor://localhost", "https://chat.example.com", "capacitor://localhost")
    assert not listed("http://chat.example.com", "https://chat.example.com")
    assert not listed("https://chat.example.com:8443", "https://chat.example.com")
    assert not listed("http://inside:8000", "https://chat.example.com")
    assert not listed("null", "https://chat.example.com")
