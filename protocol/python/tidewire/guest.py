"""Guest sessions: an account that needs no sign-in."""

from dataclasses import dataclass, field

from tidewire.http import http_url, post

_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class GuestSession:
    """A guest: keep the token to be the same user again.

    Args:
        expires_at: Unix milliseconds.
    """

    user_id: str
    token: str = field(repr=False)
    expires_at: int


async def guest_session(url: str) -> GuestSession:
    """Make a guest session at a server (`POST /v1/auth/guest`).

    Args:
        url: the address of the server, as `http://127.0.0.1:8000`.

    Raises:
        CommandRefused: the server takes no guests, or too many came from this address.
        Unreachable: nobody answered there.
    """
    # The answer sets a cookie, so the server wants to see where the request comes from.
    headers = {"content-type": "application/json", "origin": http_url(url)}
    fields = await post(url, "/v1/auth/guest", b"{}", headers, timeout=_TIMEOUT)
    return GuestSession(fields["userId"], fields["token"], fields["expiresAt"])
