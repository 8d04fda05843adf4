"""Tokens of an identity provider: what is believed, and every way in which one is not."""

import contextlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from app.auth.claims import Claims, is_jwt
from app.auth.jwts import LEEWAY, claims_of, key_id_of, read_keys
from protocol.errors import Refusal
from tests.app.auth.keyring import AUDIENCE, ISSUER, Key, document, ec_key, ed_key, forged, rsa_key
from tests.virtual import NOON

RSA, EC, ED = rsa_key(), ec_key(), ed_key()
P384, P521 = ec_key("p384", ec.SECP384R1(), "ES384"), ec_key("p521", ec.SECP521R1(), "ES512")


def claims(token: str, key: Key | dict[str, Any], *, now: float = NOON) -> Claims:
    jwk = key.jwk if isinstance(key, Key) else key
    return claims_of(token, jwk, issuer=ISSUER, audience=AUDIENCE, now=now)


def refused(token: str, key: Key | dict[str, Any], *, now: float = NOON) -> str:
    with pytest.raises(Refusal) as refusal:
        claims(token, key, now=now)
    return refusal.value.code


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(RSA, name) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")]
    + [(EC, "ES256"), (P384, "ES384"), (P521, "ES512"), (ED, "EdDSA")],
    ids=str,
)
def test_a_token_of_the_provider_is_believed(key: Key, algorithm: str) -> None:
    token = key.sign(algorithm=algorithm, email="Ada@Example.org", name=" Ada  L. ")
    assert is_jwt(token)
    assert key_id_of(token) == key.jwk["kid"]
    assert claims(token, key) == Claims(ISSUER, "ada", (NOON + 600) * 1000, "ada@example.org", "Ada L.")


@pytest.mark.parametrize(
    "said",
    [
        {"iss": "https://evil.example/"},
        {"iss": ISSUER.rstrip("/")},
        {"iss": None},
        {"iss": [ISSUER]},
        {"aud": "another"},
        {"aud": None},
        {"aud": []},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "a\nb"},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": 2**60},
        {"nbf": NOON + LEEWAY + 1},
        {"iat": NOON + LEEWAY + 1},
        {"nbf": "now"},
    ],
    ids=str,
)
def test_a_token_that_says_something_else_is_not(said: dict[str, Any]) -> None:
    assert refused(EC.sign(**said), EC) == "unauthenticated"


def test_a_token_is_good_until_it_expires_and_its_clock_may_be_ahead() -> None:
    token = EC.sign(nbf=NOON + LEEWAY, iat=NOON + LEEWAY)
    assert claims(token, EC, now=NOON + 599).expires_at == (NOON + 600) * 1000
    assert refused(token, EC, now=NOON + 600) == "token_expired"
    assert claims(EC.sign(aud=["other", AUDIENCE], exp=NOON + 0.5), EC).expires_at == NOON * 1000 + 500


def test_what_cannot_be_shown_is_left_out() -> None:
    for said in ({"email": "no email", "name": 7}, {"email": 1, "name": "x" * 201}, {"email": None, "name": " "}):
        found = claims(EC.sign(**said), EC)
        assert (found.subject, found.email, found.name) == ("ada", None, None)


def test_nobody_signs_for_the_provider() -> None:
    token = EC.sign()
    assert refused(ec_key().sign(), EC) == "unauthenticated", "another key"
    assert refused(forged(token, claims={"sub": "eve"}), EC) == "unauthenticated"
    assert refused(token.rpartition(".")[0] + ".", EC) == "unauthenticated"
    assert refused(token[:-4] + "AAAA", EC) == "unauthenticated"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS256", "ES256K", "RS256", "ES384", None, 7])
def test_the_key_says_which_algorithm_verifies(algorithm: Any) -> None:
    token = forged(EC.sign(), header={"alg": algorithm})
    assert refused(token, EC) == "unauthenticated"
    assert refused(token.rpartition(".")[0] + ".", EC) == "unauthenticated"


def test_a_public_key_is_no_shared_secret() -> None:
    """RFC 8725, 2.1: an HMAC over the provider's own public key, which everybody has."""
    for public in (
        RSA.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(RSA.jwk).encode(),
    ):
        head, body, _ = forged(RSA.sign(), header={"alg": "HS256"}).split(".")
        signature = urlsafe_b64encode(hmac.digest(public, f"{head}.{body}".encode(), "sha256")).rstrip(b"=").decode()
        assert refused(f"{head}.{body}.{signature}", RSA) == "unauthenticated"


def test_a_weak_key_signs_nothing() -> None:
    weak = rsa_key(size=1_024)
    with pytest.warns(UserWarning, match="below the minimum"):
        token = weak.sign()
    assert refused(token, weak) == "unauthenticated"


def test_an_unknown_critical_header_is_refused() -> None:
    assert claims(EC.sign(header={"x": 1}), EC).subject == "ada"
    assert refused(EC.sign(header={"crit": ["x"], "x": 1}), EC) == "unauthenticated"


@pytest.mark.parametrize(
    ("extra", "algorithms"),
    [
        ({}, ["RS256", "PS256"]),
        ({"alg": "RS256"}, ["RS256"]),
        ({"use": "sig", "key_ops": ["verify"]}, ["RS256", "PS256"]),
        ({"use": "enc"}, []),
        ({"key_ops": ["encrypt"]}, []),
        ({"key_ops": "verify"}, []),
        ({"alg": "HS256"}, []),
        ({"alg": "RSA-OAEP"}, []),
        ({"kty": "oct"}, []),
    ],
    ids=str,
)
def test_a_key_verifies_what_it_is_for(extra: dict[str, Any], algorithms: list[str]) -> None:
    jwk = RSA.jwk | extra
    for algorithm in ("RS256", "PS256"):
        token = RSA.sign(algorithm=algorithm)
        if algorithm in algorithms:
            assert claims(token, jwk).subject == "ada"
        else:
            assert refused(token, jwk) == "unauthenticated"
    assert bool(read_keys(document(jwk))) is bool(algorithms)


def test_a_set_of_keys_keeps_those_that_verify() -> None:
    secret = {"kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256"}
    broken: list[dict[str, Any]] = [
        secret,
        {"kty": "EC", "crv": "secp256k1"},
        {"kty": []},
        {},
        {"kty": "OKP", "crv": "X25519"},
    ]
    assert read_keys(document(RSA, EC, ED, *broken)) == [RSA.jwk, EC.jwk, ED.jwk]
    assert read_keys(b'{"keys": [1, null, "x"]}') == []


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"keys": {}}', b"<html>", b"\xff"])
def test_what_is_no_set_of_keys_is_said(text: bytes) -> None:
    with pytest.raises(ValueError):
        read_keys(text)


@pytest.mark.parametrize("jwk", [{"kty": "RSA", "n": "!", "e": "AQAB"}, {"kty": "EC", "crv": "P-256"}, {"kty": "RSA"}])
def test_a_broken_key_refuses_and_does_not_break(jwk: dict[str, Any]) -> None:
    for key in (RSA, EC):
        assert refused(key.sign(), jwk) == "unauthenticated"


@given(st.text(max_size=60) | st.text("ey.J0_-", max_size=60).map("eyJ".__add__))
def test_whatever_comes_is_refused_in_words(token: str) -> None:
    for key in (RSA, EC):
        assert refused(token, key) == "unauthenticated"
    with contextlib.suppress(Refusal):
        key_id_of(token)
