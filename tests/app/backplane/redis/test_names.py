"""Keys and channels: what belongs together has one hash tag, and names are read back as they were built."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from app.backplane.interface import StreamKey
from app.backplane.redis.names import CLUSTER_PARTITIONS, Names
from app.backplane.redis.url import parse

ALONE, CLUSTER = Names(parse("redis://h/2")), Names(parse("redis+cluster://h?prefix=p"))

users = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
streams = st.text("abc_-", min_size=1).map("str_{}".format)


@given(users, streams, st.sampled_from([ALONE, CLUSTER]))
def test_everything_of_a_user_is_in_one_slot(user_id: str, stream_id: str, names: Names) -> None:
    key, partition = StreamKey(user_id, stream_id), names.partition(user_id)
    every = [names.log(key), names.end(key), names.user(user_id), names.epoch(partition), names.node(partition, "n")]
    assert len({key_slot(name) for name in every}) == 1


@given(users, streams, st.sampled_from([ALONE, CLUSTER]))
def test_names_are_read_back(user_id: str, stream_id: str, names: Names) -> None:
    key, partition = StreamKey(user_id, stream_id), names.partition(user_id)
    assert names.user_of(partition, names.user(user_id)) == user_id
    assert names.user_of(partition, names.node(partition, user_id)) is None
    assert names.stream_of(partition, names.log(key)) == names.stream_of(partition, names.end(key)) == key


def test_users_spread_over_all_partitions() -> None:
    assert {ALONE.partition(f"usr_{number}") for number in range(100)} == {0}
    assert {CLUSTER.partition(f"usr_{number}") for number in range(1000)} == set(range(CLUSTER_PARTITIONS))


def test_the_partition_of_a_user_never_changes() -> None:
    assert CLUSTER.partition("usr_1") == 15, "nodes of two versions would not find each other"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://h", b"tidewire:{0}:log:u:s"),
        ("redis://h/2", b"tidewire/2:{0}:log:u:s"),
        ("redis://h?prefix=staging", b"staging:{0}:log:u:s"),
    ],
)
def test_deployments_that_share_a_server_are_kept_apart(url: str, name: bytes) -> None:
    assert Names(parse(url)).log(StreamKey("u", "s")) == name
