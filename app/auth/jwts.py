"""JWTs of an identity provider: signed by a key it publishes, for us, and good now (RFC 7519, RFC 8725). Pure.

Which algorithm may verify a token is said by the key, never by the token: a table pairs the two, and knows no `none`
and no secret shared with anybody (RFC 8725, 3.1). Importing the library takes a tenth of a second, so only servers
that have a provider import this module.
"""

import math
from collections.abc import Mapping
from typing import Any

import jwt
import orjson

from app.auth.claims import Claims
from app.auth.credentials import email_of, name_of
from protocol.errors import Refusal

# What a key may verify, by its type and curve.
ALGORITHMS: Mapping[tuple[str, str | None], tuple[str, ...]] = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
# The provider's clock may be ahead of ours.
LEEWAY = 60.0
MOST_SUBJECT = 255  # OpenID Connect Core, 2: a `sub` has at most 255 ASCII characters

Jwk = Mapping[str, Any]


def key_id_of(token: str) -> str | None:
    """Read which key a token says it is signed with; nothing of it is believed.

    Raises:
        Refusal: `unauthenticated`, when it is no token.
    """
    try:
        found = jwt.get_unverified_header(token).get("kid")
    except jwt.InvalidTokenError:
        raise _untrue() from None
    return found if isinstance(found, str) else None


def read_keys(document: bytes) -> list[Jwk]:
    """Read a JWK Set, and keep the keys that verify signatures.

    Raises:
        ValueError: it is none.
    """
    fields = orjson.loads(document)
    keys = fields.get("keys") if isinstance(fields, dict) else None
    if not isinstance(keys, list):
        raise ValueError("it is no JSON Web Key Set, which is an object with a list `keys`")
    return [key for key in keys if isinstance(key, dict) and _algorithms(key)]


def claims_of(token: str, key: Jwk, *, issuer: str, audience: str, now: float) -> Claims:
    """Check a token and return what it says.

    Args:
        key: the provider's key that it must be signed with.
        issuer: the provider, exactly as it calls itself.
        audience: us, as the provider calls us.
        now: Unix time, in seconds.

    Raises:
        Refusal: `unauthenticated`, or `token_expired`.
    """
    fields = _verified(token, key, issuer=issuer, audience=audience)
    subject, expires_at = fields.get("sub"), _time(fields, "exp")
    if not isinstance(subject, str) or not 0 < len(subject) <= MOST_SUBJECT or not subject.isprintable():
        raise _untrue()
    if expires_at is None or any((_time(fields, name) or 0.0) > now + LEEWAY for name in ("nbf", "iat")):
        raise _untrue()
    if expires_at <= now:
        raise Refusal("token_expired")
    return Claims(issuer, subject, int(expires_at * 1000), _email(fields), _name(fields))


def _verified(token: str, key: Jwk, *, issuer: str, audience: str) -> dict[str, Any]:
    """The claims of a token whose signature, issuer and audience are right; times are not looked at."""
    try:
        header = jwt.get_unverified_header(token)
        algorithm = str(header.get("alg"))
        if algorithm not in _algorithms(key):
            raise _untrue()
        fields: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(dict(key), algorithm=algorithm),
            algorithms=[algorithm],
            issuer=issuer,
            audience=audience,
            options={
                "require": ["iss", "aud", "sub", "exp"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "enforce_minimum_key_length": True,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        raise _untrue() from None
    return fields


def _algorithms(key: Jwk) -> tuple[str, ...]:
    """What a key may verify; nothing when it is for something else."""
    operations = key.get("key_ops", ["verify"])
    if key.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return ()
    fitting = ALGORITHMS.get((str(key.get("kty")), None if key.get("kty") == "RSA" else str(key.get("crv"))), ())
    return tuple(name for name in fitting if key.get("alg", name) == name)


def _time(fields: Mapping[str, Any], name: str) -> float | None:
    """A claim that is a time, in Unix seconds; None when it is not there.

    Raises:
        Refusal: `unauthenticated`, when it is something else.
    """
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 2**43:
        raise _untrue()
    return float(value)


def _email(fields: Mapping[str, Any]) -> str | None:
    try:
        return email_of(fields["email"]) if isinstance(fields.get("email"), str) else None
    except Refusal:
        return None


def _name(fields: Mapping[str, Any]) -> str | None:
    try:
        return name_of(fields["name"]) if isinstance(fields.get("name"), str) else None
    except Refusal:
        return None


def _untrue() -> Refusal:
    return Refusal("unauthenticated", "This token is not one of the identity provider for this server.")
