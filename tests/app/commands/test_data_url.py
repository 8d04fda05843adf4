from base64 import b64encode
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commands.data_url import Data, read_data_url


@given(st.binary())
def test_both_encodings_give_the_bytes_back(body: bytes) -> None:
    assert read_data_url(f"data:image/png;base64,{b64encode(body).decode()}") == Data("image/png", body)
    assert read_data_url(f"data:text/csv,{quote_from_bytes(body)}") == Data("text/csv", body)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("data:,hello", Data("text/plain", b"hello")),
        ("data:;base64,aGk=", Data("text/plain", b"hi")),
        ("data:text/plain;charset=utf-8;BASE64,aGk=", Data("text/plain", b"hi")),
        ("data:text/plain;charset=utf-8,a,b", Data("text/plain", b"a,b")),
        ("data:text/plain,", Data("text/plain", b"")),
        ("data:text/plain;base64,a", None),
        ("data:text/plain;base64,!!!!", None),
        ("data:text/plain", None),
        ("data", None),
        ("DATA:,x", None),
        ("https://example.org/x", None),
    ],
)
def test_urls_are_read_or_not(url: str, read: Data | None) -> None:
    assert read_data_url(url) == read
