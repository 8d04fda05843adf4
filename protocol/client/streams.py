"""The streams a client follows: a position each, and the state of its subscription on the current socket.

A position belongs to the stream, so it survives every socket. A chunk is applied only when it starts exactly where the
last one ended; everything else is dropped or asked for again (section 5, client subscription).
"""

from collections.abc import Iterator

from protocol.frames.objects import StreamPosition
from protocol.frames.server import StreamChunk, StreamEnd
from protocol.lifecycle import SUBSCRIPTION, advance
from protocol.positions import Step, follow_chunks


class Subscription:
    """How far one stream was followed.

    Args:
        last: number of the last chunk that was applied.
        asked_by: id of the `stream.subscribe` whose ack is the barrier; None when another frame was it.
    """

    __slots__ = ("asked_by", "last", "state", "stream_id")

    def __init__(self, stream_id: str, after: int) -> None:
        self.stream_id = stream_id
        self.last = after
        self.state = "idle"
        self.asked_by: str | None = None

    def __repr__(self) -> str:
        return f"<Subscription {self.stream_id} {self.state} after {self.last}>"

    def to(self, event: str) -> None:
        """Move along the table."""
        self.state = advance(SUBSCRIPTION, self.state, event)

    def ask(self, command_id: str) -> None:
        """Note that a `stream.subscribe` leaves; until its ack every chunk is of an older subscription."""
        self.to("subscribe")
        self.asked_by = command_id

    def confirm(self) -> None:
        """The barrier was passed: the next chunk starts after `last`."""
        if self.state == "idle":
            self.to("subscribe")
        if self.state == "subscribing":
            self.to("ack")
        self.asked_by = None

    def drop(self) -> None:
        """The socket is gone; the position stays."""
        if self.state != "idle":
            self.to("drop")
        self.asked_by = None


class Streams:
    """The subscriptions of one client by stream id. A stream that ended or was lost is forgotten."""

    __slots__ = ("_all",)

    def __init__(self) -> None:
        self._all: dict[str, Subscription] = {}

    def __contains__(self, stream_id: str) -> bool:
        return stream_id in self._all

    def __iter__(self) -> Iterator[Subscription]:
        return iter(list(self._all.values()))

    def get(self, stream_id: str) -> Subscription | None:
        """The subscription of this stream, if it is followed."""
        return self._all.get(stream_id)

    def follow(self, stream_id: str, after: int) -> Subscription:
        """Follow a stream; one that is followed already keeps its position."""
        found = self._all.get(stream_id)
        if found is None:
            found = self._all[stream_id] = Subscription(stream_id, after)
        return found

    def forget(self, stream_id: str) -> None:
        """Stop following."""
        self._all.pop(stream_id, None)

    def chunk(self, frame: StreamChunk) -> Step:
        """Decide on chunks, and move the position when they are to be applied."""
        found = self._all.get(frame.stream_id)
        if found is None or found.state != "live":
            return "drop"
        step = follow_chunks(found.last, frame.prev, frame.seq)
        if step == "apply":
            found.last = frame.seq
        return step

    def end(self, frame: StreamEnd) -> Step:
        """Decide on the end of a stream, and forget it when it is to be applied."""
        found = self._all.get(frame.stream_id)
        if found is None or found.state != "live":
            return "drop"
        if frame.seq != found.last:
            return "gap"
        found.to("end")
        self.forget(frame.stream_id)
        return "apply"

    def positions(self, most: int) -> list[StreamPosition]:
        """What to resume, for `hello`, at most so many."""
        chosen = list(self._all.values())[:most]
        return [StreamPosition(stream_id=each.stream_id, after=each.last) for each in chosen]

    def drop(self) -> None:
        """The socket is gone; every position stays."""
        for each in self._all.values():
            each.drop()
