"""Frames that tests of the protocol share."""

from typing import Any

from protocol.frames.client import Flow
from protocol.frames.server import AuthInfo, EventsInfo, Heartbeat, Welcome


def welcome(command_id: str, **fields: Any) -> Welcome:
    """A welcome with nothing in it."""
    usual: dict[str, Any] = {
        "protocol": "tidewire.v1",
        "connection_id": "con_1",
        "user_id": "usr_1",
        "node": "n1",
        "server_time": 1_790_000_000_000,
        "capabilities": [],
        "heartbeat": Heartbeat(interval_ms=25_000, timeout_ms=10_000),
        "flow": Flow(window_bytes=16_384),
        "limits": {},
        "auth": AuthInfo(method="bearer"),
        "events": EventsInfo(epoch="e7", offset=0, recovered=False),
        "active_streams": [],
        "streams": [],
    }
    return Welcome(id=command_id, **{**usual, **fields})
