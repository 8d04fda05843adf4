"""The objects that frames carry: errors, messages, chats, snapshots, results."""

from typing import Any, Literal

from msgspec import Struct

from protocol.ids import Id, Millis, Position

StreamStatus = Literal["queued", "streaming", "stopping", "completed", "stopped", "failed", "interrupted"]
FinishReason = Literal["stop", "length", "content-filter", "tool-calls", "error", "other"]
Visibility = Literal["visible", "hidden"]


class WireObject(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A JSON object in camelCase; a field at its default is left out, because `null` counts as absent."""


class ErrorObject(WireObject, frozen=True, kw_only=True):
    """Why something did not happen, in a form for programs and for people."""

    code: str
    message: str
    retryable: bool
    retry_after_ms: int | None = None
    param: str | None = None
    details: dict[str, Any] | None = None


class Usage(WireObject, frozen=True, kw_only=True):
    """What an answer cost, in tokens; `estimated` when the provider did not say."""

    input_tokens: int
    output_tokens: int
    estimated: bool = False


class Message(WireObject, frozen=True, kw_only=True):
    """A `UIMessage` of the AI SDK: `parts` are its part objects, unchanged."""

    id: Id
    role: Literal["user", "assistant", "system"]
    parts: list[dict[str, Any]]
    metadata: dict[str, Any] | None = None


class Question(WireObject, frozen=True, kw_only=True):
    """The user's message in a command: a `UIMessage` whose role is `user`."""

    id: Id
    role: Literal["user"]
    parts: list[dict[str, Any]]
    metadata: dict[str, Any] | None = None


class QueuedQuestion(WireObject, frozen=True, kw_only=True):
    """One waiting question of a chat, as every tab shows it; `text` is cut to 200 characters."""

    command_id: Id
    stream_id: Id
    message_id: Id
    text: str


class DashboardChat(WireObject, frozen=True, kw_only=True):
    """Everything a sidebar shows of one chat. Whoever holds two keeps the one with the higher `version`."""

    chat_id: Id
    title: str
    pinned: bool
    archived: bool
    created_at: Millis
    updated_at: Millis
    version: int
    unseen: bool
    project_id: Id | None = None
    last_status: StreamStatus | None = None
    active_stream_id: Id | None = None
    leaf_id: Id | None = None
    awaiting_approval: bool | None = None
    queue: list[QueuedQuestion] | None = None
    queue_paused: bool | None = None


class DashboardProject(WireObject, frozen=True, kw_only=True):
    """A project as the sidebar shows it; `instructions` are the system prompt of its chats."""

    project_id: Id
    title: str
    version: int
    instructions: str | None = None


class ModelChoice(WireObject, frozen=True, kw_only=True):
    """One entry of the model picker."""

    id: str
    label: str
    default: bool = False


class DashboardSnapshot(WireObject, frozen=True, kw_only=True):
    """A page of the dashboard at a position: apply every event after `offset` and it stays true (guarantee 22)."""

    epoch: Id
    offset: Position
    chats: list[DashboardChat]
    projects: list[DashboardProject]
    models: list[ModelChoice]
    next_cursor: str | None = None


class ActiveStream(WireObject, frozen=True, kw_only=True):
    """A stream that has not ended, with its head at this moment."""

    stream_id: Id
    chat_id: Id
    message_id: Id
    status: StreamStatus
    seq: Position
    started_at: Millis


class GenerationResult(WireObject, frozen=True, kw_only=True):
    """The result of every command that starts an answer; `seq` is where its subscription starts."""

    chat_id: Id
    message_id: Id
    stream_id: Id
    status: Literal["queued", "streaming"]
    seq: Position
    user_message_id: Id | None = None


class StreamPosition(WireObject, frozen=True, kw_only=True):
    """How far a client has come in one stream."""

    stream_id: Id
    after: Position


class EventPosition(WireObject, frozen=True, kw_only=True):
    """How far a client has come in its user's event log; the epoch tells a rebuilt log from the one it knew."""

    epoch: Id
    offset: Position


class ResumedStream(WireObject, frozen=True, kw_only=True):
    """The answer to one entry of `hello.streams`: where the stream stands, or why it cannot be resumed."""

    stream_id: Id
    status: StreamStatus | None = None
    seq: Position | None = None
    error: ErrorObject | None = None
