"""What a client sends."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from protocol.frames.objects import EventPosition, Question, StreamPosition, Visibility, WireObject
from protocol.ids import Id, Position

Text = Annotated[str, Meta(max_length=200)]
Instructions = Annotated[str, Meta(max_length=32_768)]
PageSize = Annotated[int, Meta(ge=1, le=200)]
IfActive = Literal["reject", "stop", "queue"]


class ClientFrame(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, tag_field="type"):
    """A frame from a client; `type` comes first on the wire."""


class Command(ClientFrame, frozen=True, kw_only=True):
    """A frame that is answered by exactly one `ack` or `error` with its `id` (guarantee 2)."""

    id: Id


class ClientInfo(WireObject, frozen=True, kw_only=True):
    """What the client is, for the operator's eyes."""

    name: Text | None = None
    version: Text | None = None
    platform: Text | None = None


class Flow(WireObject, frozen=True, kw_only=True):
    """The flow window: how many bytes of chunks and events may be under way at once."""

    window_bytes: Annotated[int, Meta(ge=1, le=2**31)]


class Hello(Command, frozen=True, kw_only=True, tag="hello"):
    """The first frame of a connection: who I am, and how far I have come."""

    client_id: Id
    token: Annotated[str, Meta(max_length=8_192)] | None = None
    client: ClientInfo | None = None
    capabilities: Annotated[list[Text], Meta(max_length=32)] = []
    events: EventPosition | None = None
    streams: Annotated[list[StreamPosition], Meta(max_length=32)] = []
    snapshot: Literal["ifNeeded", "never"] = "ifNeeded"
    flow: Flow | None = None


class AuthRefresh(Command, frozen=True, kw_only=True, tag="auth.refresh"):
    """Put a fresh token on a live socket; it must be of the same user."""

    token: Annotated[str, Meta(max_length=8_192)]


class Generating(Command, frozen=True, kw_only=True):
    """What every command that starts an answer has in common."""

    chat_id: Id
    model: Text | None = None
    options: dict[str, Any] | None = None
    project_id: Id | None = None
    if_active: IfActive = "reject"
    subscribe: bool = True


class MessageSend(Generating, frozen=True, kw_only=True, tag="message.send"):
    """Ask a question; the chat is created when its id is new."""

    message: Question


class MessageEdit(Generating, frozen=True, kw_only=True, tag="message.edit"):
    """Ask a question anew beside the old one, which is kept."""

    message_id: Id
    message: Question


class MessageRegenerate(Generating, frozen=True, kw_only=True, tag="message.regenerate"):
    """Write another version of an answer (the last one when no id is given)."""

    message_id: Id | None = None


class MessageRetry(Generating, frozen=True, kw_only=True, tag="message.retry"):
    """Try again an answer that failed, was stopped or was interrupted."""

    message_id: Id | None = None


class MessageSelect(Command, frozen=True, kw_only=True, tag="message.select"):
    """Choose which version is shown, for every device."""

    chat_id: Id
    message_id: Id


class StreamSubscribe(Command, frozen=True, kw_only=True, tag="stream.subscribe"):
    """Follow a stream from a position; 0 is its start."""

    stream_id: Id
    after: Position


class StreamUnsubscribe(Command, frozen=True, kw_only=True, tag="stream.unsubscribe"):
    """Stop following a stream; it runs on."""

    stream_id: Id


class StreamStop(Command, frozen=True, kw_only=True, tag="stream.stop"):
    """Stop an answer, named by its stream, by the command that started it, or by its chat."""

    stream_id: Id | None = None
    command_id: Id | None = None
    chat_id: Id | None = None


class ChatCommand(Command, frozen=True, kw_only=True):
    """What creating, changing and deleting a chat have in common."""

    chat_id: Id
    title: Text | None = None
    project_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{0,64}$(?!\n)")] | None = None
    pinned: bool | None = None
    archived: bool | None = None


class ChatCreate(ChatCommand, frozen=True, kw_only=True, tag="chat.create"):
    """Create an empty chat."""


class ChatUpdate(ChatCommand, frozen=True, kw_only=True, tag="chat.update"):
    """Rename, move, pin or archive a chat; an empty `projectId` takes it out of its project."""


class ChatDelete(ChatCommand, frozen=True, kw_only=True, tag="chat.delete"):
    """Delete a chat with everything in it; a running answer is stopped."""


class ProjectCommand(Command, frozen=True, kw_only=True):
    """What creating, changing and deleting a project have in common."""

    project_id: Id
    title: Text | None = None
    instructions: Instructions | None = None


class ProjectCreate(ProjectCommand, frozen=True, kw_only=True, tag="project.create"):
    """Create a project."""


class ProjectUpdate(ProjectCommand, frozen=True, kw_only=True, tag="project.update"):
    """Rename a project or change its instructions."""


class ProjectDelete(ProjectCommand, frozen=True, kw_only=True, tag="project.delete"):
    """Delete a project; its chats stay, without one."""


class ChatGet(Command, frozen=True, kw_only=True, tag="chat.get"):
    """Read the committed messages of the shown branch, newest page first."""

    chat_id: Id
    before: Id | None = None
    limit: PageSize | None = None


class ChatSeen(Command, frozen=True, kw_only=True, tag="chat.seen"):
    """Say that a person has seen the chat up to this message."""

    chat_id: Id
    message_id: Id


class DashboardGet(Command, frozen=True, kw_only=True, tag="dashboard.get"):
    """Read a page of the dashboard."""

    cursor: Annotated[str, Meta(max_length=256)] | None = None
    limit: PageSize | None = None
    project_id: Id | None = None
    query: Text | None = None


class EventsResume(Command, frozen=True, kw_only=True, tag="events.resume"):
    """Ask for every event after a position."""

    epoch: Id
    offset: Position


class PresenceUpdate(ClientFrame, frozen=True, kw_only=True, tag="presence.update"):
    """Say what this tab shows; it has no answer."""

    visibility: Visibility
    chat_id: Id | None = None


class QueueUpdate(Command, frozen=True, kw_only=True, tag="queue.update"):
    """Remove, reorder, pause or continue the waiting questions of a chat."""

    chat_id: Id
    remove: list[Id] | None = None
    order: list[Id] | None = None
    paused: bool | None = None


class ToolApproval(Command, frozen=True, kw_only=True, tag="tool.approval"):
    """Allow or deny a tool call that waits for a person."""

    stream_id: Id
    approval_id: Id
    approved: bool
    reason: Text | None = None


class ToolOutput(Command, frozen=True, kw_only=True, tag="tool.output"):
    """Deliver the result of a tool that the client ran."""

    stream_id: Id
    tool_call_id: Id
    output: Any = None
    error_text: str | None = None


class ClientPing(Command, frozen=True, kw_only=True, tag="ping"):
    """Ask whether the server still hears; it answers `pong`."""


class ClientPong(ClientFrame, frozen=True, kw_only=True, tag="pong"):
    """Answer a server's `ping` with its id."""

    id: Id


CLIENT_FRAMES: tuple[type[ClientFrame], ...] = (
    Hello, AuthRefresh, MessageSend, MessageEdit, MessageRegenerate, MessageRetry, MessageSelect,
    StreamSubscribe, StreamUnsubscribe, StreamStop, ChatCreate, ChatUpdate, ChatDelete,
    ProjectCreate, ProjectUpdate, ProjectDelete, ChatGet, ChatSeen, DashboardGet, EventsResume,
    PresenceUpdate, QueueUpdate, ToolApproval, ToolOutput, ClientPing, ClientPong,
)  # fmt: skip
