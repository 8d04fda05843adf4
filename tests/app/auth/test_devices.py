import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.devices import UNKNOWN, words_for

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0 Safari/537.36", "Chrome on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/131.0 Safari/537.36 Edg/131.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {WEBKIT} Chrome/131.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.1 Safari/605.1.15", "Safari on Mac"),
        ("Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) CriOS/131.0 Safari/604.1", "Chrome on iPad"),
        ("curl/8.5.0", "curl"),
        ("Python-urllib/3.11", "Python-urllib"),
        ("Mozilla/5.0 (compatible)", UNKNOWN),
        ("", UNKNOWN),
        ("<script>alert(1)</script>", UNKNOWN),
    ],
)
def test_a_device_is_named_in_words(user_agent: str, words: str) -> None:
    assert words_for(user_agent) == words


@given(st.text(max_size=200))
def test_a_name_is_short_whatever_comes(user_agent: str) -> None:
    assert 0 < len(words_for(user_agent)) <= 40
