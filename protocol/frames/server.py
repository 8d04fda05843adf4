"""What a server sends. `stream.chunk` bytes are spliced by the stream's log, never encoded from this struct."""

from typing import Any, Literal

from msgspec import Struct

from protocol.frames.client import Flow
from protocol.frames.objects import (
    ActiveStream,
    DashboardSnapshot,
    ErrorObject,
    FinishReason,
    ResumedStream,
    StreamStatus,
    Usage,
    WireObject,
)
from protocol.ids import Id, Millis, Position

EventName = Literal[
    "chat.created", "chat.updated", "chat.deleted", "chat.unseen", "chat.seen",
    "project.created", "project.updated", "project.deleted",
    "message.created", "stream.started", "stream.ended",
]  # fmt: skip


class ServerFrame(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, tag_field="type"):
    """A frame from a server; `type` comes first on the wire."""


class Heartbeat(WireObject, frozen=True, kw_only=True):
    """How often the server pings, and how long it waits for the pong."""

    interval_ms: int
    timeout_ms: int


class AuthInfo(WireObject, frozen=True, kw_only=True):
    """How this connection proved who it is."""

    method: Literal["cookie", "bearer", "ticket"]
    expires_at: Millis | None = None


class EventsInfo(WireObject, frozen=True, kw_only=True):
    """Where the user's event log stands, and whether everything missed follows as events."""

    epoch: Id
    offset: Position
    recovered: bool


class Welcome(ServerFrame, frozen=True, kw_only=True, tag="welcome"):
    """The answer to `hello`: everything a tab needs to be true at this position."""

    id: Id
    protocol: str
    connection_id: Id
    user_id: Id
    node: str
    server_time: Millis
    capabilities: list[str]
    heartbeat: Heartbeat
    flow: Flow
    limits: dict[str, int]
    auth: AuthInfo
    events: EventsInfo
    active_streams: list[ActiveStream]
    streams: list[ResumedStream]
    snapshot: DashboardSnapshot | None = None


class Ack(ServerFrame, frozen=True, kw_only=True, tag="ack"):
    """A command was carried out; `duplicate` when it had been before (guarantee 3)."""

    id: Id
    result: dict[str, Any]
    duplicate: bool = False


class Error(ServerFrame, frozen=True, kw_only=True, tag="error"):
    """A command was refused (`id`), or the connection has a problem (no `id`); a close follows when `fatal`."""

    id: Id | None = None
    error: ErrorObject
    fatal: bool = False


class StreamChunk(ServerFrame, frozen=True, kw_only=True, tag="stream.chunk"):
    """The chunks after `prev` up to and including `seq`, merged."""

    stream_id: Id
    prev: Position
    seq: Position
    chunks: list[dict[str, Any]]


class StreamStatusFrame(ServerFrame, frozen=True, kw_only=True, tag="stream.status"):
    """What the answer is doing, in words for people."""

    stream_id: Id
    status: StreamStatus
    label: str


class StreamEnd(ServerFrame, frozen=True, kw_only=True, tag="stream.end"):
    """The last frame of a stream, once (guarantee 12)."""

    stream_id: Id
    chat_id: Id
    message_id: Id
    seq: Position
    status: StreamStatus
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    error: ErrorObject | None = None
    stop_latency_ms: int | None = None


class Event(ServerFrame, frozen=True, kw_only=True, tag="event"):
    """One change of the dashboard, numbered within the user's log (guarantee 20)."""

    offset: Position
    name: str  # an `EventName`, or one that a later version added, which a client passes over
    time: Millis
    source_client_id: Id | None = None
    data: dict[str, Any]


class EventsReset(ServerFrame, frozen=True, kw_only=True, tag="events.reset"):
    """Forget the position and read the dashboard again."""

    epoch: Id
    offset: Position
    reason: Literal["epoch_changed", "slow_consumer", "trimmed"]


class AuthExpiring(ServerFrame, frozen=True, kw_only=True, tag="auth.expiring"):
    """The token runs out in a minute; send `auth.refresh`."""

    expires_at: Millis


class Goodbye(ServerFrame, frozen=True, kw_only=True, tag="goodbye"):
    """Move to another socket within the spread; this one closes later."""

    reason: Literal["draining", "rebalance"]
    reconnect_after_ms: tuple[int, int]
    close_after_ms: int


class ServerPing(ServerFrame, frozen=True, kw_only=True, tag="ping"):
    """Are you there, and have you read what came before this?"""

    id: Id


class ServerPong(ServerFrame, frozen=True, kw_only=True, tag="pong"):
    """The answer to a client's `ping`."""

    id: Id


SERVER_FRAMES: tuple[type[ServerFrame], ...] = (
    Welcome, Ack, Error, StreamChunk, StreamStatusFrame, StreamEnd, Event, EventsReset,
    AuthExpiring, Goodbye, ServerPing, ServerPong,
)  # fmt: skip
