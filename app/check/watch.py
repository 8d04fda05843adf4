"""What must be true of every frame on every socket, whatever is being checked.

Pure: told what was sent and what came, it raises `Failure` at the first frame that breaks a guarantee. So a server that
loses a chunk is caught by whichever check happens to read at that moment.
"""

import json
from typing import Any

from app.check.failure import Failure
from protocol.codec import decode_server
from protocol.codes import ERRORS
from protocol.errors import Violation

Frame = dict[str, Any]

_GENERATING = ("message.send", "message.edit", "message.regenerate", "message.retry")


class Watch:
    """The rules of one socket."""

    def __init__(self) -> None:
        self._asked: dict[str, Frame] = {}
        self._answered: set[str] = set()
        self._streams: dict[str, int] = {}
        self._ended: set[str] = set()
        self._offset: int | None = None
        self._is_first = True
        self._was_pinged = False

    @property
    def owed(self) -> set[str]:
        """The ids of commands that have no answer yet."""
        return self._asked.keys() - self._answered

    def sent(self, frame: Frame) -> None:
        """Note what the client sends: only that may be answered."""
        if isinstance(frame.get("id"), str) and frame.get("type") != "pong":
            self._asked[frame["id"]] = frame
            self._answered.discard(frame["id"])  # the same command again is answered again

    def received(self, text: str) -> Frame:
        """Check one text message.

        Raises:
            Failure: it breaks a guarantee, which the failure names.
        """
        frame = _read(text)
        if self._is_first:
            self._is_first = False
            if frame["type"] != "welcome" and not (frame["type"] == "error" and frame.get("fatal")):
                raise Failure("The first frame is neither.", "welcome, or a fatal error", frame, "1")
        handler = getattr(self, f"_on_{frame['type'].replace('.', '_')}", None)
        if handler is not None:
            handler(frame)
        return frame

    def _on_welcome(self, frame: Frame) -> None:
        hello = self._answer(frame, "hello")
        for position, answer in zip(hello.get("streams", ()), frame["streams"], strict=False):
            if answer.get("error") is None:
                self._begin(answer["streamId"], position["after"])
        events, asked = frame["events"], hello.get("events")
        self._offset = events["offset"]
        if events["recovered"]:
            if asked is None or asked["epoch"] != events["epoch"] or asked["offset"] > events["offset"]:
                raise Failure("A position that is not of this log was recovered.", "recovered: false", events, "21")
            self._offset = asked["offset"]
        snapshot = frame.get("snapshot")
        if snapshot is not None and snapshot["offset"] != events["offset"]:
            raise Failure("The snapshot is of another position.", f"offset {events['offset']}", snapshot, "22")

    def _on_ack(self, frame: Frame) -> None:
        asked, result = self._answer(frame), frame["result"]
        if asked["type"] == "stream.subscribe":
            self._begin(asked["streamId"], asked["after"])
        elif asked["type"] == "stream.unsubscribe":
            self._streams.pop(asked["streamId"], None)
        elif asked["type"] == "events.resume":
            self._offset = asked["offset"] if result.get("recovered") else result.get("offset")
        elif asked["type"] in _GENERATING and asked.get("subscribe", True) and "streamId" in result:
            self._begin(result["streamId"], 0)

    def _on_error(self, frame: Frame) -> None:
        if frame.get("id") is not None:
            self._answer(frame)
        row = ERRORS.get(frame["error"]["code"])
        if row is not None and row.retryable != frame["error"]["retryable"]:
            raise Failure("This code is said to be otherwise.", f"retryable: {row.retryable}".lower(), frame, "§8")

    def _on_pong(self, frame: Frame) -> None:
        self._answer(frame, "ping")

    def _on_ping(self, _frame: Frame) -> None:
        self._was_pinged = True

    def _on_stream_chunk(self, frame: Frame) -> None:
        last = self._follow(frame)
        if frame["prev"] != last:
            raise Failure("Chunks are missing, doubled or out of order.", f"prev: {last}", frame, "7", "8")
        if not 0 < len(frame["chunks"]) <= frame["seq"] - frame["prev"]:
            raise Failure("The frame holds more chunks than it counts.", "seq - prev at least as large", frame, "7")
        self._streams[frame["streamId"]] = frame["seq"]

    def _on_stream_end(self, frame: Frame) -> None:
        last = self._follow(frame)
        if frame["seq"] != last:
            raise Failure("The end is not where the last chunk was.", f"seq: {last}", frame, "12")
        if frame["status"] not in ("completed", "stopped", "failed", "interrupted"):
            raise Failure("A stream ends with a terminal status.", "completed, stopped, failed, …", frame, "12")
        self._ended.add(frame["streamId"])

    def _on_event(self, frame: Frame) -> None:
        self._behind_ping(frame)
        if self._offset is not None and frame["offset"] != self._offset + 1:
            raise Failure("An event is missing or doubled.", f"offset: {self._offset + 1}", frame, "20", "21")
        self._offset = frame["offset"]

    def _on_events_reset(self, frame: Frame) -> None:
        self._offset = frame["offset"]

    def _answer(self, frame: Frame, to: str | None = None) -> Frame:
        """The command that a frame answers."""
        asked = self._asked.get(frame["id"])
        if asked is None or (to is not None and asked["type"] != to):
            raise Failure("Nobody asked this.", "an answer to a frame that was sent", frame, "2")
        if frame["id"] in self._answered:
            raise Failure("This was answered before.", "one answer to each command", frame, "2")
        self._answered.add(frame["id"])
        return asked

    def _begin(self, stream_id: str, after: int) -> None:
        self._streams[stream_id] = after
        self._ended.discard(stream_id)

    def _follow(self, frame: Frame) -> int:
        self._behind_ping(frame)
        stream_id = frame["streamId"]
        if stream_id not in self._streams:
            raise Failure("Nobody follows this stream, or its ack did not come yet.", "ack first", frame, "10", "25")
        if stream_id in self._ended:
            raise Failure("This stream ended before.", "nothing after stream.end", frame, "12")
        return self._streams[stream_id]

    def _behind_ping(self, frame: Frame) -> None:
        if not self._was_pinged:
            raise Failure("Data came before any ping.", '{"type":"ping",…} first', frame, "27")


def _read(text: str) -> Frame:
    """Parse a frame, and hold it against the types."""
    try:
        decode_server(text)
        frame: Frame = json.loads(text)
    except (Violation, ValueError) as wrong:
        raise Failure(str(wrong), "a frame as the schema has it", text, "§3") from None
    return {key: value for key, value in frame.items() if value is not None}
