"""An identity provider for tests: keys made here, and tokens signed with them."""

import base64
import json
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from tests.virtual import NOON

ISSUER, AUDIENCE = "https://id.example.org/", "tidewire"


class Key:
    """A private key, and its public half as the provider publishes it."""

    def __init__(self, kid: str | None, private: PrivateKeyTypes, algorithm: str, **extra: Any) -> None:
        self.private = private
        self.algorithm = algorithm
        published = json.loads(jwt.get_algorithm_by_name(algorithm).to_jwk(private.public_key()))
        published.pop("key_ops", None)
        self.jwk: dict[str, Any] = {"kid": kid, **published, **extra} if kid else {**published, **extra}

    def __repr__(self) -> str:
        return f"<Key {self.jwk.get('kid')} {self.algorithm}>"

    def sign(self, *, algorithm: str | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token of Ada's; a claim that is None is left out."""
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": NOON + 600, "iat": NOON} | claims
        fields = {name: value for name, value in said.items() if value is not None}
        headers = ({"kid": self.jwk["kid"]} if "kid" in self.jwk else {}) | (header or {})
        # As bytes: the library itself refuses to sign some of what must be refused.
        payload = orjson.dumps(fields)
        return jwt.PyJWS().encode(payload, self.private, algorithm or self.algorithm, headers)  # type: ignore[arg-type]


def rsa_key(kid: str | None = "rsa", *, size: int = 2_048, algorithm: str = "RS256", **extra: Any) -> Key:
    return Key(kid, rsa.generate_private_key(65_537, size), algorithm, **extra)


def ec_key(
    kid: str | None = "ec", curve: ec.EllipticCurve | None = None, algorithm: str = "ES256", **extra: Any
) -> Key:
    return Key(kid, ec.generate_private_key(curve or ec.SECP256R1()), algorithm, **extra)


def ed_key(kid: str | None = "ed") -> Key:
    return Key(kid, ed25519.Ed25519PrivateKey.generate(), "EdDSA")


def document(*keys: Key | dict[str, Any]) -> bytes:
    """A JWK Set."""
    return orjson.dumps({"keys": [key.jwk if isinstance(key, Key) else key for key in keys]})


def forged(token: str, *, header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None) -> str:
    """A token with another head or content, and the signature it had."""
    parts = token.split(".")
    for place, fields in ((0, header), (1, claims)):
        if fields is not None:
            said = json.loads(base64.urlsafe_b64decode(parts[place] + "==")) | fields
            parts[place] = base64.urlsafe_b64encode(orjson.dumps(said)).rstrip(b"=").decode()
    return ".".join(parts)
