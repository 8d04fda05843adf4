"""Addresses of Redis, and the sentence that each wrong one gets."""

import pytest

from app.backplane.redis.url import RedisUrl, RedisUrlError, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://localhost", RedisUrl("single", (("localhost", 6379),))),
        ("redis://10.0.0.1:7000/2", RedisUrl("single", (("10.0.0.1", 7000),), database=2)),
        ("redis://[::1]:7000", RedisUrl("single", (("::1", 7000),))),
        ("rediss://u:p%40ss@h", RedisUrl("single", (("h", 6379),), tls=True, username="u", password="p@ss")),
        ("redis://:p@h/?prefix=staging", RedisUrl("single", (("h", 6379),), password="p", prefix="staging")),
        (
            "redis+sentinel://a,b:7,c/mymaster/3?sentinel_password=s",
            RedisUrl(
                "sentinel", (("a", 26379), ("b", 7), ("c", 26379)), master="mymaster", database=3, sentinel_password="s"
            ),
        ),
        (
            "rediss+cluster://u:p@a,b:7?ca=/etc/ca.pem",
            RedisUrl(
                "cluster", (("a", 6379), ("b", 7)), tls=True, username="u", password="p", ca="/etc/ca.pem"
            ),
        ),
    ],
)  # fmt: skip
def test_an_address_is_read(text: str, expected: RedisUrl) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("localhost:6379", "REDIS_URL must begin with redis://, redis"),
        ("http://h", "not 'http'"),
        ("redis+sharded://h", "not 'redis.sharded'"),
        ("redis://", "lacks a host"),
        ("redis://a,,b", "lacks a host"),
        ("redis+cluster://a,,b", "lacks a host"),
        ("redis://h:port", "a port that is no number"),
        ("redis://h:70000", "a port that is no number"),
        ("redis://h/two", "must be a number, not 'two'"),
        ("redis://h/1/2", "must be a number, not '1/2'"),
        ("redis://a,b", r"say redis\+sentinel:// or redis\+cluster://"),
        ("redis+sentinel://a,b", "what the sentinels call the master"),
        ("redis+cluster://a/0", "no numbered databases"),
        ("redis://h?db=1", "no option 'db'"),
        ("redis://h?prefix=a{b}", "braces"),
        ("redis://[::1", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(RedisUrlError, match=sentence) as caught:
        parse(text)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "text", ["redis://u:secret@h", "redis://u:secret@h:port", "redis://u:secret@a,b", "redis+sentinel://u:secret@a"]
)
def test_a_password_is_never_shown(text: str) -> None:
    try:
        shown = repr(parse(text)) + str(parse(text))
    except RedisUrlError as problem:
        shown = str(problem)
    assert "secret" not in shown
