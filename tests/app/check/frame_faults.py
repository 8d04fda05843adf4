"""Servers that lose, double, swap or change one frame."""

from tests.app.check.faulty import Fault, Frame


class Nth(Fault):
    """Something happens to the third frame of a type."""

    kind = "stream.chunk"
    which = 3

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def down(self, frame: Frame) -> list[Frame]:
        if frame["type"] != self.kind:
            return [frame]
        self.count += 1
        return self.hit(frame) if self.count == self.which else [frame]

    def hit(self, frame: Frame) -> list[Frame]:
        return []


class LoseChunk(Nth):
    pass


class DoubleChunk(Nth):
    def hit(self, frame: Frame) -> list[Frame]:
        return [frame, frame]


class SwapChunks(Nth):
    held: Frame | None = None

    def down(self, frame: Frame) -> list[Frame]:
        if self.held is not None and frame["type"] == self.kind:
            held, self.held = self.held, None
            return [frame, held]
        return super().down(frame)

    def hit(self, frame: Frame) -> list[Frame]:
        self.held = frame
        return []


class ChangeWord(Nth):
    """The words of one delta are others than those that are stored."""

    def hit(self, frame: Frame) -> list[Frame]:
        for chunk in frame["chunks"]:
            if chunk["type"] == "text-delta":
                chunk["delta"] += "!"
        return [frame]


class CountTooFew(Nth):
    """A frame holds more chunks than its numbers say."""

    def hit(self, frame: Frame) -> list[Frame]:
        return [frame | {"chunks": frame["chunks"] * (frame["seq"] - frame["prev"] + 1)}]


class EndWithoutEnd(Nth):
    """The end says that the stream goes on."""

    kind, which = "stream.end", 1

    def hit(self, frame: Frame) -> list[Frame]:
        return [frame | {"status": "streaming"}]


class LoseEvent(Nth):
    kind, which = "event", 2


class DoubleEvent(Nth):
    kind, which = "event", 2

    def hit(self, frame: Frame) -> list[Frame]:
        return [frame, frame]


class NoEnd(Nth):
    kind, which = "stream.end", 1


class TwoEnds(Nth):
    kind, which = "stream.end", 1

    def hit(self, frame: Frame) -> list[Frame]:
        return [frame, frame]


class EndElsewhere(Nth):
    kind, which = "stream.end", 1

    def hit(self, frame: Frame) -> list[Frame]:
        return [frame | {"seq": frame["seq"] + 1}]


class NoAck(Nth):
    kind, which = "ack", 1


class TwoAcks(Nth):
    kind, which = "ack", 1

    def hit(self, frame: Frame) -> list[Frame]:
        return [frame, frame]


class AckOfAnother(Nth):
    kind, which = "ack", 1

    def hit(self, frame: Frame) -> list[Frame]:
        return [frame | {"id": "somebody-else"}]


class SwapEvents(Nth):
    """The offsets are right, and what they say is not: two changes of title came the wrong way round."""

    kind, which = "event", 2
    held: Frame | None = None

    def down(self, frame: Frame) -> list[Frame]:
        if self.held is not None and frame["type"] == "event":
            held, self.held = self.held, None
            return [frame | {"offset": held["offset"]}, held | {"offset": frame["offset"]}]
        return super().down(frame)

    def hit(self, frame: Frame) -> list[Frame]:
        self.held = frame
        return []
