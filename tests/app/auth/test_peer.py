from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.peer import Peer, networks, peer_of

TRUSTED = networks(["127.0.0.0/8", "::1/128", "10.0.0.0/8"])


def peer(client: str | None, forwarded: str = "", proto: str = "", *, scheme: str = "http") -> Peer:
    headers = [(b"X-Forwarded-For", forwarded.encode()), (b"x-forwarded-proto", proto.encode())]
    scope: dict[str, Any] = {
        "client": None if client is None else (client, 4711),
        "scheme": scheme,
        "headers": [header for header in headers if header[1]],
    }
    return peer_of(scope, TRUSTED)


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # nobody believes a stranger
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),  # the left one is only what the client says
        ("127.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("127.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        ("127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("127.0.0.1", "198.51.100.7,, ", "198.51.100.7"),
        ("127.0.0.1", "rubbish", "unknown"),
        ("127.0.0.1", "198.51.100.7, rubbish", "unknown"),
        ("::ffff:127.0.0.1", "198.51.100.7", "198.51.100.7"),
        (None, "198.51.100.7", "unknown"),
    ],
)
def test_the_client_is_the_first_hop_from_the_right_that_is_no_proxy(
    client: str | None, forwarded: str, address: str
) -> None:
    assert peer(client, forwarded).address == address


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::1", "2001:db8:0:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_one_host_is_one_site_however_many_addresses_it_has(address: str, site: str) -> None:
    assert Peer(address, "http").site == site


@given(st.text(st.characters(codec="latin-1", exclude_characters=","), max_size=20))
def test_what_a_client_says_to_the_left_never_changes_who_it_is(said: str) -> None:
    scope = {"client": ("127.0.0.1", 1), "headers": [(b"x-forwarded-for", f"{said},192.0.2.1".encode("latin-1"))]}
    assert peer_of(scope, TRUSTED).address == "192.0.2.1"


@pytest.mark.parametrize(
    ("client", "scheme", "proto", "expected"),
    [
        ("192.0.2.1", "http", "https", "http"),
        ("127.0.0.1", "http", "https", "https"),
        ("127.0.0.1", "http", "HTTPS, http", "https"),
        ("127.0.0.1", "ws", "wss", "https"),
        ("127.0.0.1", "ws", "", "http"),
        ("127.0.0.1", "wss", "", "https"),
        ("127.0.0.1", "https", "gopher", "https"),
    ],
)
def test_the_scheme_is_what_the_browser_spoke(client: str, scheme: str, proto: str, expected: str) -> None:
    assert peer(client, "198.51.100.7", proto, scheme=scheme).scheme == expected


@pytest.mark.parametrize(
    ("address", "is_loopback"),
    [("127.0.0.9", True), ("::1", True), ("::ffff:127.0.0.1", True), ("192.0.2.1", False), ("unknown", False)],
)
def test_loopback_is_this_machine(address: str, is_loopback: bool) -> None:
    assert Peer(address, "http").is_loopback is is_loopback


def test_a_name_is_not_a_network() -> None:
    with pytest.raises(ValueError, match="proxy"):
        networks(["proxy"])
