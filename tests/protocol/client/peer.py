"""A server small enough to read: streams, events and a dashboard in memory, speaking the wire to client tests."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from protocol.codec import decode_client, encode, to_json
from protocol.errors import Refusal
from protocol.frames.client import (
    AuthRefresh,
    ChatCommand,
    ChatDelete,
    ChatGet,
    ClientFrame,
    ClientPing,
    ClientPong,
    Command,
    DashboardGet,
    EventsResume,
    Flow,
    Generating,
    Hello,
    MessageSend,
    PresenceUpdate,
    StreamStop,
    StreamSubscribe,
    StreamUnsubscribe,
)
from protocol.frames.objects import (
    ActiveStream,
    DashboardChat,
    DashboardProject,
    DashboardSnapshot,
    ErrorObject,
    ResumedStream,
)
from protocol.frames.server import (
    Ack,
    AuthInfo,
    Error,
    Event,
    EventsInfo,
    Heartbeat,
    ServerFrame,
    ServerPong,
    StreamChunk,
    StreamEnd,
    Welcome,
)
from protocol.parts import chunks as c
from protocol.parts.coalesce import coalesce
from protocol.parts.fold import fold


@dataclass
class Log:
    """One generation."""

    stream_id: str
    chat_id: str
    message_id: str
    chunks: list[c.Chunk] = field(default_factory=list)
    status: str = "streaming"

    @property
    def head(self) -> int:
        return len(self.chunks)

    def begin(self) -> None:
        self.chunks += [c.start(self.message_id), c.start_step(), c.text_start("txt_0")]

    def say(self, *words: str) -> None:
        self.chunks += [c.text_delta("txt_0", word) for word in words]

    def finish(self, status: str = "completed") -> None:
        last = c.abort("user") if status == "stopped" else c.finish("stop")
        self.chunks += [c.text_end("txt_0"), c.finish_step(), last]
        self.status = status

    def message(self) -> dict[str, Any]:
        return fold(self.chunks).message()


class World:
    """What every node knows: the databases of this server."""

    def __init__(self, page: int = 100) -> None:
        self.page = page
        self.limits = {"commandsInFlight": 16, "frameBytes": 262_144}
        self.logs: dict[str, Log] = {}
        self.events: list[Event] = []
        self.trimmed = 0  # events up to this offset are gone
        self.epoch = "e1"
        self.chats: dict[str, DashboardChat] = {}
        self.projects: dict[str, DashboardProject] = {}
        self.results: dict[str, dict[str, Any]] = {}
        self.effects: list[str] = []
        self.versions: dict[str, int] = {}  # of deleted chats too: an id that comes back goes on counting
        self.clock = 1_790_000_000_000

    def log(self, stream_id: str = "str_1", chat_id: str = "chat_1") -> Log:
        log = self.logs[stream_id] = Log(stream_id, chat_id, f"msg_{stream_id}")
        log.begin()
        return log

    def chat(self, chat_id: str, **changes: Any) -> None:
        """Create or change a chat, with its event."""
        self.clock += 1
        old = self.chats.get(chat_id)
        version = self.versions[chat_id] = self.versions.get(chat_id, 0) + 1
        fields = to_json(old) if old else {"chatId": chat_id, "title": "", "pinned": False, "archived": False,
                                           "unseen": False, "createdAt": self.clock}  # fmt: skip
        row = {**fields, **changes, "updatedAt": self.clock, "version": version}
        self.chats[chat_id] = msgspec.convert(row, DashboardChat)
        self.emit("chat.updated" if old else "chat.created", chatId=chat_id, chat=row)

    def mark(self, chat_id: str, *, unseen: bool) -> None:
        """Make a chat unseen or seen; it keeps its place."""
        self.versions[chat_id] += 1
        chat = msgspec.structs.replace(self.chats[chat_id], unseen=unseen, version=self.versions[chat_id])
        self.chats[chat_id] = chat
        name = "chat.unseen" if unseen else "chat.seen"
        self.emit(name, chatId=chat_id, chat=to_json(chat), messageId="msg")

    def project(self, project_id: str, title: str) -> None:
        old = self.projects.get(project_id)
        row = DashboardProject(project_id=project_id, title=title, version=old.version + 1 if old else 1)
        self.projects[project_id] = row
        self.emit("project.updated" if old else "project.created", projectId=project_id, project=to_json(row))

    def delete_chat(self, chat_id: str) -> None:
        del self.chats[chat_id]
        self.versions[chat_id] += 1
        self.emit("chat.deleted", chatId=chat_id, version=self.versions[chat_id])

    def emit(self, name: Any, source: str | None = None, **data: Any) -> None:
        offset = len(self.events) + 1
        self.events.append(Event(offset=offset, name=name, time=self.clock, source_client_id=source, data=data))

    def snapshot(self, cursor: str | None = None, limit: int | None = None) -> DashboardSnapshot:
        rows = sorted(self.chats.values(), key=lambda chat: (-chat.updated_at, chat.chat_id))
        at = -1 if cursor is None else next(i for i, row in enumerate(rows) if row.chat_id == cursor)
        page = rows[at + 1 : at + 1 + (limit or self.page)]
        more = page[-1].chat_id if page and page[-1] is not rows[-1] else None
        projects = list(self.projects.values())
        return DashboardSnapshot(
            epoch=self.epoch, offset=len(self.events), chats=page, projects=projects, models=[], next_cursor=more
        )


class Peer:
    """One socket of the server.

    Args:
        cut: how far to go in one frame, given the cursor and the head of a log; the head when nothing is said.
    """

    def __init__(self, world: World, cut: Callable[[int, int], int] = lambda _at, head: head) -> None:
        self.world = world
        self.cut = cut
        self.client_id = ""
        self.hello: Hello | None = None
        self.cursors: dict[str, int] = {}
        self.offset = 0
        self.received: list[ClientFrame] = []

    def pump(self) -> list[bytes]:
        """The next frame of every stream and every event that this socket lacks."""
        if self.hello is None:
            return []
        frames: list[ServerFrame] = list(self.world.events[self.offset :])
        self.offset = len(self.world.events)
        for stream_id, at in list(self.cursors.items()):
            frames += self._stream(self.world.logs[stream_id], at)
        return [encode(frame) for frame in frames]

    def _stream(self, log: Log, at: int) -> list[ServerFrame]:
        if at == log.head:
            if log.status not in ("streaming", "stopping"):
                del self.cursors[log.stream_id]
                return [
                    StreamEnd(stream_id=log.stream_id, chat_id=log.chat_id, message_id=log.message_id, seq=at,
                              status=log.status, finish_reason="stop")  # type: ignore[arg-type]
                ]  # fmt: skip
            return []
        to = self.cut(at, log.head)
        self.cursors[log.stream_id] = to
        return [StreamChunk(stream_id=log.stream_id, prev=at, seq=to, chunks=coalesce(log.chunks[at:to]))]

    def receive(self, data: bytes | str) -> list[bytes]:
        """Answer one frame."""
        frame = decode_client(data)
        self.received.append(frame)
        if isinstance(frame, ClientPong | PresenceUpdate):
            return []
        if isinstance(frame, Hello):
            return [encode(self._welcome(frame))]
        if isinstance(frame, ClientPing):
            return [encode(ServerPong(id=frame.id))]
        assert isinstance(frame, Command)
        try:
            result, duplicate = self._command(frame)
        except Refusal as refusal:
            return [encode(Error(id=frame.id, error=refusal.error))]
        return [encode(Ack(id=frame.id, result=result, duplicate=duplicate))]

    def _welcome(self, hello: Hello) -> Welcome:
        self.hello, self.client_id = hello, hello.client_id
        world = self.world
        head = len(world.events)
        given = hello.events
        recovered = given is not None and given.epoch == world.epoch and world.trimmed <= given.offset <= head
        self.offset = given.offset if recovered and given else head
        active = [
            ActiveStream(stream_id=log.stream_id, chat_id=log.chat_id, message_id=log.message_id, status="streaming",
                         seq=log.head, started_at=world.clock)
            for log in world.logs.values() if log.status == "streaming"
        ]  # fmt: skip
        return Welcome(
            id=hello.id, protocol="tidewire.v1", connection_id="con_1", user_id="usr_1", node="n1",
            server_time=world.clock, capabilities=[], heartbeat=Heartbeat(interval_ms=25_000, timeout_ms=10_000),
            flow=Flow(window_bytes=16_384), limits=world.limits,
            auth=AuthInfo(method="bearer"),
            events=EventsInfo(epoch=world.epoch, offset=head, recovered=recovered), active_streams=active,
            streams=[self._resume(each.stream_id, each.after) for each in hello.streams],
            snapshot=None if recovered or hello.snapshot == "never" else world.snapshot(),
        )  # fmt: skip

    def _resume(self, stream_id: str, after: int) -> ResumedStream:
        try:
            log = self._follow(stream_id, after)
        except Refusal as refusal:
            return ResumedStream(stream_id=stream_id, error=refusal.error)
        return ResumedStream(stream_id=stream_id, status=log.status, seq=log.head)  # type: ignore[arg-type]

    def _follow(self, stream_id: str, after: int) -> Log:
        log = self.world.logs.get(stream_id)
        if log is None:
            raise Refusal("not_found")
        if after > log.head:
            raise Refusal("position_invalid")
        self.cursors[stream_id] = after
        return log

    def _command(self, frame: Any) -> tuple[dict[str, Any], bool]:
        world = self.world
        match frame:
            case StreamSubscribe():
                log = self._follow(frame.stream_id, frame.after)
                return {"streamId": log.stream_id, "chatId": log.chat_id, "messageId": log.message_id,
                        "status": log.status, "seq": log.head}, False  # fmt: skip
            case StreamUnsubscribe():
                self.cursors.pop(frame.stream_id, None)
                return {}, False
            case EventsResume():
                known = frame.epoch == world.epoch and world.trimmed <= frame.offset <= len(world.events)
                self.offset = frame.offset if known else len(world.events)
                return {"epoch": world.epoch, "offset": len(world.events), "recovered": known}, False
            case DashboardGet():
                return to_json(world.snapshot(frame.cursor, frame.limit)), False
            case ChatGet():
                if frame.chat_id not in world.chats:
                    raise Refusal("not_found")
                done = [log.message() for log in world.logs.values() if log.chat_id == frame.chat_id]
                return {"chat": to_json(world.chats[frame.chat_id]), "messages": done}, False
            case AuthRefresh():
                return {"expiresAt": world.clock}, False
        return self._change(frame)

    def _change(self, frame: Any) -> tuple[dict[str, Any], bool]:
        world = self.world
        known = world.results.get(frame.id)
        if known is None:
            world.effects.append(frame.id)
            known = world.results[frame.id] = self._effect(frame)
            duplicate = False
        else:
            duplicate = True
        if isinstance(frame, Generating) and frame.subscribe:
            self._follow(known["streamId"], 0)
        return known, duplicate

    def _effect(self, frame: Any) -> dict[str, Any]:
        world = self.world
        match frame:
            case MessageSend():
                log = world.log(f"str_{len(world.logs) + 1}", frame.chat_id)
                world.chat(frame.chat_id, activeStreamId=log.stream_id)
                world.emit("stream.started", self.client_id, chatId=frame.chat_id, streamId=log.stream_id,
                           messageId=log.message_id, commandId=frame.id,
                           chat=to_json(world.chats[frame.chat_id]))  # fmt: skip
                return {"chatId": frame.chat_id, "messageId": log.message_id, "streamId": log.stream_id,
                        "status": "streaming", "seq": 0}  # fmt: skip
            case StreamStop():
                log = world.logs[frame.stream_id or ""]
                if log.status == "streaming":
                    log.finish("stopped")
                return {"streamId": log.stream_id, "status": log.status}
            case ChatDelete():
                world.delete_chat(frame.chat_id)
                return {"version": 99}
            case ChatCommand():
                world.chat(frame.chat_id, **({"title": frame.title} if frame.title else {}))
                return {"version": world.chats[frame.chat_id].version}
        raise Refusal("unknown_type")


def refused(code: str, **fields: Any) -> ErrorObject:
    """An error object as a server sends it."""
    return Refusal(code, **fields).error
