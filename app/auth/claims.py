"""What an identity provider says of a user."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claims:
    """A token of the provider, believed.

    Args:
        issuer: the provider.
        subject: the user, as it knows them.
        expires_at: Unix milliseconds.
        email, name: to show; None when it says none that can be shown.
    """

    issuer: str
    subject: str
    expires_at: int
    email: str | None
    name: str | None


def is_jwt(token: str) -> bool:
    """Whether a token looks like a JWT: three parts, of which the first is a JSON object in base64."""
    return token.startswith("eyJ") and token.count(".") == 2
