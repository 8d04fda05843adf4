"""What a server says about itself, and what is said of it."""

import re
from typing import Any

import pytest

from app.backplane.redis.checking import complaint, warning


@pytest.mark.parametrize(
    ("info", "sharded", "words"),
    [
        ({"redis_version": "6.2.0"}, False, None),
        ({"redis_version": "7.2.4", "cluster_enabled": 1}, True, None),
        ({"redis_version": "10.0.1"}, False, None),
        ({"redis_version": "6.0.16"}, False, "version 6.0.16, and 6.2 or later"),
        ({"redis_version": "6.2.6", "cluster_enabled": 1}, True, "version 6.2.6, and 7.0 or later"),
        ({}, False, "version unknown"),
        ({"redis_version": "7.2.4", "cluster_enabled": 1}, False, r"say redis\+cluster://"),
        ({"redis_version": "7.2.4", "cluster_enabled": 0}, True, "say redis://"),
    ],
)
def test_a_server_that_cannot_be_used_is_told_why(info: dict[str, Any], sharded: bool, words: str | None) -> None:
    said = complaint(info, is_sharded=sharded)
    if words is None:
        assert said is None
    else:
        assert re.search(words, said or "")


@pytest.mark.parametrize(
    ("info", "is_warned"),
    [
        ({}, False),
        ({"maxmemory": 0, "maxmemory_policy": "allkeys-lru"}, False),
        ({"maxmemory": 1, "maxmemory_policy": "noeviction"}, False),
        ({"maxmemory": 1, "maxmemory_policy": "volatile-ttl"}, True),
    ],
)
def test_a_server_that_may_throw_answers_away_is_warned_of(info: dict[str, Any], is_warned: bool) -> None:
    assert (warning(info) is not None) == is_warned
