"""What goes out on one connection of the vendor's class, and in which order.

As on the other socket: frames about requests overtake data, events come before chunks, and requests take turns.
"""

from collections import deque
from collections.abc import Iterator

from protocol.ai_sdk.frames import event_frame
from protocol.ai_sdk.requests import Request
from protocol.server.outbound import CONTROL_BYTES, EventLog, StreamLog


class StockOutbound:
    """The open requests of one connection, and the frames that wait for it."""

    def __init__(self) -> None:
        self.requests: dict[str, Request] = {}
        self._control: deque[bytes] = deque()
        self._control_bytes = 0
        self._dirty: dict[str, None] = {}  # an ordered set: the requests that may have something, in turn
        self._ended: list[StreamLog] = []
        self._events: EventLog | None = None
        self._offset = 0

    @property
    def overflows(self) -> bool:
        """Whether more control frames wait than any honest client leaves unread."""
        return self._control_bytes > CONTROL_BYTES

    def control(self, frame: bytes) -> None:
        """Queue a frame that overtakes all data."""
        self._control.append(frame)
        self._control_bytes += len(frame)

    def take_control(self) -> list[bytes]:
        """Take every waiting control frame."""
        frames = list(self._control)
        self._control.clear()
        self._control_bytes = 0
        return frames

    def open(self, request: Request) -> None:
        """Take in a request."""
        self.requests[request.request_id] = request

    def close(self, request_id: str) -> bool:
        """Forget a request; say whether it was open."""
        request = self.requests.pop(request_id, None)
        self._dirty.pop(request_id, None)
        if request is not None and request.log is not None:
            self._ended.append(request.log)
        return request is not None

    def follow(self, request: Request, log: StreamLog) -> None:
        """Read an answer for a request, from its start."""
        request.log = log
        self._dirty[request.request_id] = None

    def touch(self, stream_id: str) -> None:
        """Note that a stream has something new."""
        for request in self.requests.values():
            if request.log is not None and request.log.stream_id == stream_id:
                self._dirty[request.request_id] = None

    def follow_events(self, events: EventLog, offset: int) -> None:
        """Send every event after this offset."""
        self._events, self._offset = events, offset

    def has_events(self, offset: int) -> bool:
        """Whether all events up to this offset were taken, or none are wanted."""
        return self._events is None or self._offset >= offset

    def logs(self) -> Iterator[StreamLog]:
        """The log of every request that has one."""
        return (each.log for each in self.requests.values() if each.log is not None)

    def take_ended(self) -> list[StreamLog]:
        """Take the logs that nothing here follows any more."""
        ended, self._ended = self._ended, []
        followed = {log.stream_id for log in self.logs()}
        return [log for log in ended if log.stream_id not in followed]

    def next_data(self, limit: int) -> list[bytes]:
        """Take the next frames of data, of about `limit` bytes; none when nothing waits."""
        if (event := self._next_event()) is not None:
            return [event]
        while self._dirty:
            request_id = next(iter(self._dirty))
            del self._dirty[request_id]
            if (request := self.requests.get(request_id)) is not None and (data := self._next_of(request, limit)):
                return data
        return []

    def _next_of(self, request: Request, limit: int) -> list[bytes]:
        data = request.read(limit)
        if request.is_read:
            data.append(request.last())
            self.close(request.request_id)
        elif request.has_news:
            self._dirty[request.request_id] = None  # behind the others
        return data

    def _next_event(self) -> bytes | None:
        if self._events is None or self._offset >= self._events.head:
            return None
        frame = self._events.read(self._offset)
        if frame is None:
            frame, self._offset = self._events.reset(), self._events.head
        else:
            self._offset += 1
        return event_frame(frame)
