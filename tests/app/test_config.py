from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.origin import Origin
from app.config import SETTINGS, ConfigError, limit_name, load
from protocol.limits import Limits


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    settings = load({"XDG_DATA_HOME": str(tmp_path)})
    assert settings.data_dir == tmp_path / "tidewire"
    assert settings.database_url == f"sqlite:///{tmp_path}/tidewire/tidewire.db"
    assert settings.loopback_only
    assert settings.guests_allowed
    assert settings.limits == Limits()


def test_the_data_folder_is_the_users() -> None:
    assert load({}).data_dir == Path("~/.local/share/tidewire").expanduser()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "high"),
        ("DATA_DIR", "~nobody-of-that-name/data"),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("PORT", "80.5"),
        ("GUESTS", "yes"),
        ("GUESTS_PER_HOUR", "0"),
        ("SESSION_DAYS", "0"),
        ("JWT_ISSUER", "https://id.example.org"),
        ("JWT_AUDIENCE", "tidewire"),
        ("JWT_KEYS", "https://id.example.org/keys"),
        ("STREAM_FLUSH_MS", "1001"),
        ("DRAIN_SECONDS", "-1"),
        ("LOG_LEVEL", "loud"),
        ("TRUSTED_PROXIES", "proxy"),
        ("TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/99"),
        ("METRICS_NETWORKS", "home"),
        ("LOG_FORMAT", "xml"),
        ("DAILY_TOKEN_BUDGET", "-1"),
        ("DAILY_TOKEN_BUDGET", "a lot"),
        ("ALLOWED_ORIGINS", "chat.example.com"),
        ("ALLOWED_ORIGINS", "*"),
        ("ALLOWED_ORIGINS", "https://chat.example.com/app"),
        ("LIMIT_SILENCE_MS", "34999"),
        ("LIMIT_FRAME_BYTES", "big"),
        ("LIMIT_FRAME_BYTES", "0"),
        ("LIMIT_FRAME_BYTES", str(2**40 + 1)),
    ],
)
def test_each_refusal_is_one_sentence_that_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load({name: value})
    sentence = str(refusal.value)
    assert sentence.startswith(name)
    assert sentence.endswith(".")
    assert "\n" not in sentence


@given(st.dictionaries(st.sampled_from([row.name for row in SETTINGS]), st.text(max_size=12), max_size=3))
def test_any_value_is_taken_or_refused_by_name(environ: dict[str, str]) -> None:
    try:
        refused_for = ""
        load(environ)
    except ConfigError as refusal:
        refused_for = str(refusal).split()[0]
    assert refused_for in {"", *environ}


@pytest.mark.parametrize(
    "keys", ["http://id.example.org/keys", "ftp://id.example.org", "/no/such/file", "http://[", "\0"]
)
def test_the_keys_of_a_provider_are_read_only_from_where_they_can_be_trusted(keys: str) -> None:
    given = {"JWT_ISSUER": "https://id.example.org", "JWT_AUDIENCE": "tidewire", "JWT_KEYS": keys}
    with pytest.raises(ConfigError, match="JWT_KEYS must be"):
        load(given)
    for place in ("https://id.example.org/keys", "http://127.0.0.1:1/keys", __file__):
        assert load(given | {"JWT_KEYS": place}).jwt_keys == place


def test_white_space_counts_as_unset() -> None:
    assert load({"PORT": "  ", "LIMIT_FRAME_BYTES": " "}) == load({})


@pytest.mark.parametrize("field", msgspec.structs.fields(Limits), ids=lambda field: field.name)
def test_every_limit_is_a_setting(field: msgspec.structs.FieldInfo) -> None:
    quick = {"LIMIT_HEARTBEAT_INTERVAL_MS": "1", "LIMIT_HEARTBEAT_TIMEOUT_MS": "1"}  # for a silence of 7
    before, changed = load(quick).limits, load(quick | {limit_name(field.name): " 7 "}).limits
    assert changed == msgspec.structs.replace(before, **{field.name: 7})


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("localhost", True), ("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("0.0.0.0", False), ("::", False)],
)
def test_loopback_is_known_by_the_host(host: str, is_loopback: bool) -> None:
    assert load({"HOST": host}).loopback_only is is_loopback


@pytest.mark.parametrize(
    ("environ", "are_allowed"),
    [
        ({}, True),
        ({"ANTHROPIC_API_KEY": "k"}, True),
        ({"HOST": "0.0.0.0"}, True),
        ({"HOST": "0.0.0.0", "ANTHROPIC_API_KEY": "k"}, False),
        ({"HOST": "0.0.0.0", "ANTHROPIC_API_KEY": "k", "GUESTS": "on"}, True),
        ({"GUESTS": "off"}, False),
    ],
)
def test_guests_are_let_in_where_nobody_can_run_up_a_bill(environ: dict[str, str], are_allowed: bool) -> None:
    assert load(environ).guests_allowed is are_allowed


def test_origins_are_read_as_such() -> None:
    settings = load({"ALLOWED_ORIGINS": "https://Chat.example.com/ , http://localhost:5173,"})
    assert settings.allowed_origins == (Origin("https", "chat.example.com", 443), Origin("http", "localhost", 5173))


def test_another_sqlite_file_may_be_named() -> None:
    assert load({"DATABASE_URL": "sqlite:////tmp/x.db"}).database_url == "sqlite:////tmp/x.db"
    assert load({"LOG_LEVEL": "Debug"}).log_level == "DEBUG"
