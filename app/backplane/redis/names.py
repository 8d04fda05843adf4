"""Keys and channels: what stands where in Redis.

All of a user is in one partition, `{p}` with p = hash(userId) mod P: a script may touch the logs of all users of a
partition at once, because a Cluster keeps what has one hash tag on one server. P is 1 where there is only one server.

    tidewire:{p}:log:<userId>:<streamId>    list of chunks, each as JSON; its length is the head
    tidewire:{p}:end:<userId>:<streamId>    "<Unix ms> <stream.end frame>"; before that
                                            "claim <node>" of a stream that was taken over
    tidewire:{p}:epoch                      random; another one means that the server was wiped
    tidewire:{p}:user:<userId>              channel: news about a user
    tidewire:{p}:node:<node>                channel: orders for a node, answers, and its own probes
"""

from urllib.parse import quote
from zlib import crc32

from app.backplane.interface import StreamKey
from app.backplane.redis.url import RedisUrl

CLUSTER_PARTITIONS = 16
"""Enough to spread over any number of servers a small deployment has, few enough for a script call each and tick."""


class Names:
    """Builds names, and reads them back.

    Args:
        url: its prefix and database keep deployments apart; channels know no databases.
    """

    def __init__(self, url: RedisUrl) -> None:
        self._prefix = f"{url.prefix}/{url.database}" if url.database else url.prefix
        self.partitions = CLUSTER_PARTITIONS if url.kind == "cluster" else 1

    def partition(self, user_id: str) -> int:
        """Where everything about a user is. The same on every node and in every version."""
        return crc32(user_id.encode()) % self.partitions

    def tag(self, partition: int) -> str:
        """What begins every name of a partition."""
        return f"{self._prefix}:{{{partition}}}:"

    def log(self, key: StreamKey) -> bytes:
        """The list of a stream's chunks."""
        return f"{self._of(key)}log:{key.user_id}:{key.stream_id}".encode()

    def end(self, key: StreamKey) -> bytes:
        """The end of a stream."""
        return f"{self._of(key)}end:{key.user_id}:{key.stream_id}".encode()

    def epoch(self, partition: int) -> bytes:
        """The identity of what a partition has stored."""
        return f"{self.tag(partition)}epoch".encode()

    def user(self, user_id: str) -> bytes:
        """The channel of a user."""
        return f"{self.tag(self.partition(user_id))}user:{user_id}".encode()

    def node(self, partition: int, node: str) -> bytes:
        """The channel of a node in a partition."""
        return f"{self.tag(partition)}node:{quote(node)}".encode()

    def user_of(self, partition: int, channel: bytes) -> str | None:
        """Whose channel this is; None when it is a node's."""
        kind, _, name = channel[len(self.tag(partition)) :].partition(b":")
        return name.decode() if kind == b"user" else None

    def stream_of(self, partition: int, name: bytes) -> StreamKey:
        """The stream of a `log` or `end`."""
        _, _, names = name[len(self.tag(partition)) :].decode().partition(":")
        user_id, _, stream_id = names.rpartition(":")
        return StreamKey(user_id, stream_id)

    def _of(self, key: StreamKey) -> str:
        return self.tag(self.partition(key.user_id))
