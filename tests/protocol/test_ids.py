"""What an id may look like."""

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.ids import ID_PATTERN, is_id, is_ticket, uuid7

RANDOM = st.binary(min_size=10, max_size=16)


@given(st.integers(0, 2**48 - 1), RANDOM)
def test_a_minted_id_is_a_uuid_of_version_7_and_a_legal_id(unix_ms: int, randomness: bytes) -> None:
    minted = uuid7(unix_ms, randomness)
    parsed = uuid.UUID(minted)
    assert str(parsed) == minted
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert is_id(minted)


@given(st.integers(0, 2**47), st.integers(1, 2**46), RANDOM, RANDOM)
def test_minted_ids_sort_by_their_time(unix_ms: int, later: int, one: bytes, other: bytes) -> None:
    assert uuid7(unix_ms, one) < uuid7(unix_ms + later, other)


def test_a_minted_id_carries_its_time_and_74_random_bits() -> None:
    assert uuid7(0x0123456789AB, bytes(10)) == "01234567-89ab-7000-8000-000000000000"
    assert uuid7(0, b"\xff" * 10) == "00000000-0000-7fff-bfff-ffffffffffff"
    bits = {uuid7(0, (1 << n).to_bytes(10, "big")) for n in range(80)}
    assert len(bits) == 75  # each of 74 bits makes another id; those under the version and the variant make the same


@pytest.mark.parametrize("legal", ["a", "0", "_", "-", "A-z_9", "x" * 64, "01J9Z3KXQ4YB8W7V6T5S4R3Q2P"])
def test_legal_ids(legal: str) -> None:
    assert is_id(legal)


@pytest.mark.parametrize(
    "illegal",
    [
        "",
        "a b",
        "a\n",
        "\n",
        "a\r\n",
        "ä",
        "a.b",
        "a/b",
        "a:b",
        "x" * 65,
        "x" * 64 + "\n",
        "a\0",
        "٣",
        None,
        7,
        True,
        [],
    ],
)
def test_illegal_ids(illegal: object) -> None:
    assert not is_id(illegal)


@given(st.text(max_size=70))
def test_an_id_is_1_to_64_of_the_alphabet(text: str) -> None:
    alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    assert is_id(text) == (1 <= len(text) <= 64 and set(text) <= alphabet)


def test_the_pattern_needs_no_flag_and_no_python() -> None:
    """The JSON Schema carries it to ECMAScript, where `(?!\\n)` after `$` is legal and always true."""
    assert re.search(ID_PATTERN, "abc")
    assert not re.search(ID_PATTERN, "abc\n")
    assert "(?P" not in ID_PATTERN
    assert "\\Z" not in ID_PATTERN


def test_a_ticket_is_told_by_how_it_begins() -> None:
    assert is_ticket("twt_abc")
    assert not is_ticket("tws_abc")
    assert not is_ticket("twtabc")
