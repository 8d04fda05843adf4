"""Makes a journal and a broker of an address."""

from app.backplane.redis.broker import RedisBroker
from app.backplane.redis.journal import RedisJournal
from app.backplane.redis.servers import Servers
from app.backplane.redis.url import parse
from app.clock import Clock


def backplane(url: str, node: str, clock: Clock, *, retention_ms: int) -> tuple[RedisJournal, RedisBroker]:
    """The journal and the broker of a node; nothing is connected yet.

    Args:
        url: REDIS_URL.
        node: the name of this node, which no other has.
        clock: stamps the ends of streams.
        retention_ms: how long the log of an ended stream stays readable.

    Raises:
        RedisUrlError: the address cannot be used; the message says why.
    """
    servers = Servers(parse(url))
    broker = RedisBroker(servers, node)
    return RedisJournal(servers, node, clock, retention_ms=retention_ms, is_heard=broker.hears), broker
