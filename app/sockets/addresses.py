"""What one address may do before anybody is known there: open so many sockets, and fail so many hellos.

Loopback is exempt: behind it are tests, load scripts and tunnels of this machine. Behind a proxy that is not among
TRUSTED_PROXIES everybody has the proxy's address, so the first refusal says in the log what to look at.
"""

import logging
from collections import Counter

from app.auth.peer import Peer
from app.auth.throttle import Throttle
from app.clock import Clock
from protocol.errors import Refusal, Violation

log = logging.getLogger("tidewire.sockets")

# Each costs a look into the database; a program with a token that has run out tries a few times and then stops.
FAILED_HELLOS_AT_ONCE, FAILED_HELLOS_PER_HOUR = 60, 600


class Addresses:
    """Counts by address; of IPv6 by /64, all of which one host may use.

    Args:
        most_sockets: how many sockets of one address may be open.
        clock: measures rates.
    """

    def __init__(self, most_sockets: int, clock: Clock) -> None:
        self._most_sockets = most_sockets
        self._clock = clock
        self._open: Counter[str] = Counter()
        self._hellos = Throttle(
            FAILED_HELLOS_PER_HOUR, FAILED_HELLOS_AT_ONCE, "Too many sign-ins have failed at this address."
        )

    def site_of(self, peer: Peer) -> str | None:
        """What a peer is counted by; None when it is not."""
        return None if peer.is_loopback else peer.site

    def enter(self, site: str | None) -> bool:
        """Count a socket that was opened; say whether it may stay."""
        if site is None:
            return True
        self._open[site] += 1
        if self._open[site] <= self._most_sockets:
            return True
        if self._open[site] == self._most_sockets + 1:
            log.warning(
                "%s has %d sockets and gets no more (SOCKETS_PER_ADDRESS); if it is a proxy, add it to TRUSTED_PROXIES",
                site,
                self._most_sockets,
            )
        return False

    def leave(self, site: str | None) -> None:
        """Count a socket that is gone."""
        if site is not None:
            self._open[site] -= 1
            if not self._open[site]:
                del self._open[site]

    def check(self, site: str | None) -> None:
        """Refuse a hello where too many have failed.

        Raises:
            Violation: `rate_limited`.
        """
        if site is None:
            return
        try:
            self._hellos.check(site, self._clock.monotonic())
        except Refusal as refusal:
            raise Violation(refusal.code, str(refusal), retry_after_ms=refusal.error.retry_after_ms) from None

    def failed(self, site: str | None) -> None:
        """Count a hello that proved nobody."""
        if site is not None:
            self._hellos.count(site, self._clock.monotonic())

    def retire(self, now: float) -> None:
        """Forget failures from a while ago; `now` in monotonic seconds."""
        self._hellos.retire(now)
