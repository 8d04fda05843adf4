"""The open requests of one connection, and how each reads its answer.

A request is a cursor into a log, as a subscription is (guarantee 28): what a slow page missed comes as one merged
range. A range is taken apart into one frame for each merged chunk, numbered from 0 within the request, because the
vendor's class closes the socket over a gap.
"""

from dataclasses import dataclass, field
from typing import Literal

import orjson

from protocol.ai_sdk.frames import Trigger, end_frame, error_frame
from protocol.codec import decode_server
from protocol.frames.client import MessageSend, StreamStop
from protocol.frames.server import StreamEnd
from protocol.server.outbound import StreamLog

SUPERSEDED_WITHIN = 0.3
"""Seconds in which a second resume of a chat says that the first one's abort was no stop.

`useChat` resumes anew when a page mounts twice or asks again, and aborts the request before.
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question is asked, or its answer shall be written again.

    Args:
        command: the question; its `id` is what a stop names before the answer has begun.
        message_id: what the vendor's frame names: an answer to regenerate, or the question that is edited.
        has_answer: the page holds an answer to it already, so nothing need be sent once more.
    """

    request_id: str
    command: MessageSend
    trigger: Trigger
    message_id: str | None
    has_answer: bool


@dataclass(frozen=True, slots=True)
class Resumed:
    """Whatever is being written in a chat shall be followed."""

    request_id: str
    chat_id: str


@dataclass(frozen=True, slots=True)
class Stop:
    """An answer shall be stopped."""

    command: StreamStop


Action = Asked | Resumed | Stop


@dataclass(slots=True)
class Request:
    """One open request.

    Attributes:
        command_id: names the question before there is a stream; empty for a resume.
        log: the answer, once it is known.
        cursor: the last chunk that was sent.
        sequence: the number of the next chunk frame.
        stop_at: when its abort becomes a stop, in monotonic seconds.
        is_stopped: a stop was asked for.
    """

    request_id: str
    kind: Literal["send", "resume"]
    chat_id: str
    command_id: str = ""
    log: StreamLog | None = None
    cursor: int = 0
    sequence: int = 0
    stop_at: float | None = None
    is_stopped: bool = False
    _head: bytes = field(init=False)

    def __post_init__(self) -> None:
        self._head = orjson.dumps({"type": "chunk", "requestId": self.request_id})[:-1] + b',"sequence":'

    @property
    def has_news(self) -> bool:
        """Whether there is something to send."""
        return self.log is not None and (self.cursor < self.log.head or self.log.end is not None)

    @property
    def is_read(self) -> bool:
        """Whether every chunk there will ever be was sent."""
        return self.log is not None and self.log.end is not None and self.cursor >= self.log.head

    def read(self, limit: int) -> list[bytes]:
        """Take the frames of the next chunks, of about `limit` bytes."""
        if self.log is None or self.cursor >= self.log.head:
            return []
        taken = self.log.read(self.cursor, limit)
        self.cursor = taken.seq
        return [self._chunk(chunk) for chunk in orjson.loads(taken.frame)["chunks"]]

    def last(self) -> bytes:
        """The frame that ends it. An answer that failed before its first chunk has nothing else to say so with."""
        end = None if self.sequence or self.log is None else decode_server(self.log.end or b"")
        if isinstance(end, StreamEnd) and end.error is not None:
            return error_frame(self.request_id, end.error)
        return end_frame(self.request_id)

    def _chunk(self, chunk: object) -> bytes:
        frame = self._head + b'%d,"chunk":' % self.sequence + orjson.dumps(chunk) + b"}"
        self.sequence += 1
        return frame
