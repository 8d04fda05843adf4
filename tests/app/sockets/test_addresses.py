"""What an address may do before anybody is known there."""

import logging

import pytest

from app.auth.peer import Peer
from app.clock import Clock
from app.sockets.addresses import FAILED_HELLOS_AT_ONCE, FAILED_HELLOS_PER_HOUR, Addresses
from protocol.errors import Violation

SITE = "192.0.2.1"


class Hands:
    """A clock that is moved by hand, and addresses that go by it."""

    def __init__(self, most: int = 2) -> None:
        self.seconds = 0.0
        self.addresses = Addresses(most, Clock(monotonic=lambda: self.seconds))

    def refused(self, site: str | None = SITE) -> int:
        """For how many milliseconds a hello is refused now."""
        try:
            self.addresses.check(site)
        except Violation as violation:
            return violation.error.retry_after_ms or -1
        return 0


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("127.0.0.1", None),
        ("::1", None),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::2", "2001:db8::/64"),
        ("unknown", "unknown"),
    ],
)
def test_a_household_is_counted_as_one_and_this_machine_not_at_all(address: str, site: str | None) -> None:
    assert Hands().addresses.site_of(Peer(address, "https")) == site


def test_an_address_has_so_many_sockets_and_gets_their_places_back() -> None:
    addresses = Hands().addresses
    assert [addresses.enter(SITE) for _ in range(4)] == [True, True, False, False]
    assert addresses.enter("192.0.2.2")
    for _ in range(3):
        addresses.leave(SITE)
    assert [addresses.enter(SITE) for _ in range(2)] == [True, False]
    assert all(addresses.enter(None) for _ in range(10))
    for _ in range(3):
        addresses.leave(SITE)
    addresses.leave("192.0.2.2")
    addresses.leave(None)
    assert not addresses._open, "who is gone is forgotten"


def test_the_first_refusal_says_in_the_log_what_to_look_at(caplog: pytest.LogCaptureFixture) -> None:
    addresses = Hands().addresses
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            addresses.enter(SITE)
    [line] = [record.getMessage() for record in caplog.records]
    assert "SOCKETS_PER_ADDRESS" in line
    assert "TRUSTED_PROXIES" in line


def test_failed_hellos_make_an_address_wait_and_good_ones_cost_nothing() -> None:
    hands = Hands()
    for _ in range(FAILED_HELLOS_AT_ONCE):
        assert hands.refused() == 0
        hands.addresses.failed(SITE)
    pause = 3_600 / FAILED_HELLOS_PER_HOUR
    assert pause * 1000 <= hands.refused() <= pause * 1000 + 1
    assert (hands.refused("192.0.2.2"), hands.refused(None)) == (0, 0)
    hands.seconds += pause
    assert hands.refused() == 0
    assert hands.refused() == 0, "to ask costs nothing"
    hands.addresses.failed(SITE)
    assert hands.refused() > 0
    hands.addresses.retire(hands.seconds + 3_600)
    assert hands.refused() == 0
