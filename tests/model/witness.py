"""Sees every frame on every socket of a run, and knows what must never be on any of them.

What holds at any moment is checked here, frame by frame, by the numbers of the guarantees; what holds only once
everything is quiet is in `truth.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.model.transcript import Transcript, brief, event_in_words

Frame = dict[str, Any]
GENERATING = frozenset({"message.send", "message.edit", "message.regenerate", "message.retry"})
# A command that is sent again is answered as before, but these, which just run again.
READS = frozenset(
    {
        "stream.subscribe",
        "stream.unsubscribe",
        "chat.get",
        "dashboard.get",
        "events.resume",
        "auth.refresh",
    }
)


@dataclass
class Told:
    """What the events told of a stream, and at which offsets; tabs that are hidden hear of it late."""

    chat_id: str
    started_at: int | None = None
    ended_at: int | None = None
    status: str | None = None
    running_at: int = 0  # the last time its chat showed it as running


@dataclass
class Witness:
    """What all sockets together have shown.

    Attributes:
        violations: sentences about what must not happen and did.
        events: by epoch and offset.
        ends: the `stream.end` of each stream. told: what the events told of it.
        deleted: the chats that are gone, with the offset of the event that told so.
        questions: by chat and parent, with the offset at which each was told of.
        results: the first answer to each command.
        frames: how many have come so far, on all sockets; pings aside.
    """

    transcript: Transcript
    violations: list[str] = field(default_factory=list)
    events: dict[tuple[str, int], Frame] = field(default_factory=dict)
    ends: dict[str, Frame] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    questions: dict[tuple[str, str | None], dict[int, str]] = field(default_factory=dict)
    results: dict[str, Frame] = field(default_factory=dict)
    frames: int = 0

    def violate(self, sentence: str) -> None:
        """Note what must not happen."""
        self.transcript.add(f"*** {sentence}")
        self.violations.append(self.transcript.short(sentence))

    def event(self, epoch: str, frame: Frame) -> None:
        """An event on some socket: the same on all of them (guarantee 20)."""
        key, body = (epoch, frame["offset"]), {name: frame[name] for name in frame if name != "type"}
        known = self.events.setdefault(key, body)
        if known is not body:
            if known != body:
                self.violate(f"two sockets saw different events {key}: {brief(known)} and {brief(body)}")
            return
        self.transcript.add(f"    event {frame['offset']} {event_in_words(frame['name'], frame['data'])}")
        self._new_event(frame["offset"], frame["name"], frame["data"])

    def _new_event(self, offset: int, name: str, data: Frame) -> None:
        chat_id = data.get("chatId")
        if name == "chat.deleted":
            self.deleted[data["chatId"]] = offset
        elif chat_id in self.deleted and offset > self.deleted[chat_id]:
            self.violate(f"{name} about {chat_id}, which was deleted")
        if name == "message.created":
            self.questions.setdefault((data["chatId"], data.get("parentId")), {})[offset] = data["message"]["id"]
        elif name == "stream.started":
            self._told(data["streamId"], data["chatId"]).started_at = offset
        elif name == "stream.ended":
            self._ended(offset, data)
        if (active := data.get("chat", {}).get("activeStreamId")) is not None:
            told = self._told(active, data["chatId"])
            told.running_at = max(told.running_at, offset)
            self._agree(active)

    def _told(self, stream_id: str, chat_id: str) -> Told:
        return self.told.setdefault(stream_id, Told(chat_id))

    def _ended(self, offset: int, data: Frame) -> None:
        told = self._told(data["streamId"], data["chatId"])
        if told.status is not None:
            self.violate(f"{data['streamId']} ended twice: {told.status}, then {data['status']}")
        told.status, told.ended_at = data["status"], offset
        self._agree(data["streamId"])

    def end(self, frame: Frame) -> None:
        """A `stream.end` on some socket: one terminal state, the same everywhere (guarantee 12)."""
        body = {name: value for name, value in frame.items() if name != "stopLatencyMs"}  # not kept over a restart
        known = self.ends.setdefault(frame["streamId"], body)
        if known is body:
            self.transcript.add(f"    end {frame['streamId']} {frame['status']} seq {frame['seq']}")
        elif known != body:
            self.violate(f"two ends of one stream: {brief(known)} and {brief(body)}")
        self._agree(frame["streamId"])

    def _agree(self, stream_id: str) -> None:
        told, end = self.told.get(stream_id), self.ends.get(stream_id)
        if told is None or told.ended_at is None:
            return
        if end is not None and end["status"] != told.status:
            self.violate(f"{stream_id} ended {end['status']} on the stream and {told.status} in the events")
        if told.running_at > told.ended_at:
            self.violate(f"{told.chat_id} shows {stream_id} as running, which has ended")

    def answered(self, command: Frame, answer: Frame) -> None:
        """An ack on some socket: the same for every repeat of a command (guarantee 3)."""
        if command["type"] in READS:
            return
        known = self.results.setdefault(command["id"], answer)
        if known["result"] != answer["result"]:
            self.violate(f"{command['id']} was answered {brief(known['result'])}, then {brief(answer['result'])}")
        elif known is not answer and not known.get("duplicate") and not answer.get("duplicate"):
            self.violate(f"{command['id']} had its effect twice")


class SocketWitness:
    """One socket: what it was asked, and in which order it answered.

    Args:
        name: of the tab, for sentences.
    """

    def __init__(self, name: str, witness: Witness, on_frame: Callable[[], None]) -> None:
        self._name = name
        self._witness = witness
        self._on_frame = on_frame
        self._hello: Frame = {}
        self._open: dict[str, Frame] = {}
        self._done: set[str] = set()
        self._positions: dict[str, int] = {}
        self._epoch = ""
        self._offset: int | None = None

    @property
    def position(self) -> tuple[str, int | None]:
        """Epoch and offset of the last event."""
        return self._epoch, self._offset

    def sent(self, data: bytes) -> None:
        """The tab sends."""
        frame = orjson.loads(data)
        if frame["type"] == "hello":
            self._hello = frame
        elif "id" in frame and frame["type"] not in ("ping", "pong"):
            self._open[frame["id"]] = frame
            self._done.discard(frame["id"])

    def received(self, data: bytes) -> None:
        """The server sends."""
        frame: Frame = orjson.loads(data)
        handler = getattr(self, "_" + frame["type"].replace(".", "_"), None)
        if frame["type"] != "ping":
            self._witness.frames += 1
        if handler is not None:
            handler(frame)
        self._on_frame()

    def _violate(self, sentence: str) -> None:
        self._witness.violate(f"{self._name}: {sentence}")

    def _welcome(self, frame: Frame) -> None:
        self._epoch = frame["events"]["epoch"]
        recovered = frame["events"]["recovered"]
        self._offset = self._hello["events"]["offset"] if recovered and "events" in self._hello else None
        if self._offset is None:
            self._offset = frame["events"]["offset"]
        asked = {each["streamId"]: each["after"] for each in self._hello.get("streams", ())}
        for answer in frame["streams"]:
            if "error" not in answer:
                self._positions[answer["streamId"]] = asked[answer["streamId"]]

    def _ack(self, frame: Frame) -> None:
        command = self._answer(frame)
        if command is None:
            return
        kind, result = command["type"], frame["result"]
        self._witness.answered(command, frame)
        if kind in GENERATING and command.get("subscribe", True):
            # A stream whose log is gone is not followed; then nothing more of it comes.
            self._positions[result["streamId"]] = 0
        elif kind == "stream.subscribe":
            self._positions[command["streamId"]] = command["after"]
        elif kind == "stream.unsubscribe":
            self._positions.pop(command["streamId"], None)
        elif kind == "events.resume":
            self._epoch = result["epoch"]
            self._offset = command["offset"] if result["recovered"] else result["offset"]

    def _error(self, frame: Frame) -> None:
        if "id" in frame and frame["id"] != self._hello.get("id"):
            self._answer(frame)

    def _answer(self, frame: Frame) -> Frame | None:
        command = self._open.pop(frame["id"], None)
        if command is None:
            again = "again" if frame["id"] in self._done else "without being asked"
            self._violate(f"{frame['id']} was answered {again} (guarantee 2)")
        self._done.add(frame["id"])
        return command

    def _event(self, frame: Frame) -> None:
        if self._offset is not None and frame["offset"] != self._offset + 1:
            self._violate(f"event {frame['offset']} came after {self._offset} (guarantee 20)")
        self._offset = frame["offset"]
        self._witness.event(self._epoch, frame)

    def _events_reset(self, frame: Frame) -> None:
        self._epoch, self._offset = frame["epoch"], frame["offset"]

    def _stream_chunk(self, frame: Frame) -> None:
        stream_id = frame["streamId"]
        at = self._positions.get(stream_id)
        if at is None:
            self._violate(f"a chunk of {stream_id}, which it does not follow")
        elif at != frame["prev"]:
            self._violate(f"chunks of {stream_id} after {frame['prev']}, but it stood at {at} (guarantee 8)")
        self._positions[stream_id] = frame["seq"]

    def _stream_end(self, frame: Frame) -> None:
        at = self._positions.pop(frame["streamId"], None)
        if at != frame["seq"]:
            self._violate(f"the end of {frame['streamId']} at {frame['seq']}, but it stood at {at} (guarantee 12)")
        self._witness.end(frame)
