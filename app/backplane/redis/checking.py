"""Looks at a start whether a server can be what we need; plain functions of what it says about itself."""

from collections.abc import Mapping
from typing import Any

OLDEST, OLDEST_CLUSTER = (6, 2), (7, 0)
"""Redis versions: GETEX came with the first, publishing within a shard with the second. Valkey counts as 7.2."""


def complaint(info: Mapping[str, Any], *, is_sharded: bool) -> str | None:
    """Say why a server cannot be used; None when it can.

    Args:
        info: what INFO answers.
        is_sharded: whether we take it for a part of a cluster.
    """
    version = str(info.get("redis_version", ""))
    oldest = OLDEST_CLUSTER if is_sharded else OLDEST
    if _numbers(version) < oldest:
        return f"it is version {version or 'unknown'}, and {'.'.join(map(str, oldest))} or later is needed"
    if bool(info.get("cluster_enabled")) != is_sharded:
        return "it is no cluster: say redis://" if is_sharded else "it is part of a cluster: say redis+cluster://"
    return None


def warning(info: Mapping[str, Any]) -> str | None:
    """Say what about a server may do harm later; None when nothing does."""
    policy = info.get("maxmemory_policy", "noeviction")
    if info.get("maxmemory") and policy != "noeviction":
        return f"it may throw away answers that are being written: its maxmemory-policy is {policy}, not noeviction"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
