"""Servers that are wrong, one way each: what they do, and what of `tidewire check` must notice."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.app.check.faulty import Fault, Frame


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, and the check with the guarantee (one of them at least) that must fail because of it.

    Args:
        patience: seconds; short where the fault is that something does not come, which waiting longer does not change.
    """

    fault: Callable[[], Fault]
    check: str
    guarantees: frozenset[str]
    patience: int = 20


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


class DeltaWithoutStart(Fault):
    def down(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "stream.chunk":
            frame["chunks"] = [c for c in frame["chunks"] if c["type"] != "text-start"] or [{"type": "start-step"}]
        return [frame]


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


class StopThatCompletes(Fault):
    """The end says `completed` though the stop won, and the message says `stopped`."""

    def down(self, frame: Frame) -> list[Frame]:
        return [frame | {"status": "completed"} if frame.get("type") == "stream.end" else frame]


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


class AckAfterChunk(Fault):
    """The ack of a question comes behind its first chunk."""

    held: Frame | None = None

    def down(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "ack" and "streamId" in frame["result"]:
            self.held = frame
            return []
        if frame["type"] == "stream.chunk" and self.held is not None:
            held, self.held = self.held, None
            return [frame, held]
        return [frame]


class PingFirst(Fault):
    """Something comes before the welcome."""

    def down(self, frame: Frame) -> list[Frame]:
        return [{"type": "ping", "id": "early"}, frame] if frame["type"] == "welcome" else [frame]


class NoPong(Fault):
    def down(self, frame: Frame) -> list[Frame]:
        return [] if frame["type"] == "pong" else [frame]


class NoPings(Fault):
    """Data comes without a ping before it: the server is told what the client never was."""

    def down(self, frame: Frame) -> list[Frame]:
        return [] if frame["type"] == "ping" else [frame]


class Forgetful(Fault):
    """A repeated command is carried out again, as if its id were new."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.ids: dict[str, str] = {}

    def up(self, frame: Frame) -> list[Frame]:
        if frame["type"] != "message.send":
            return [frame]
        self.count += 1
        message = frame["message"] | {"id": f"{frame['message']['id']}-{self.count}"}
        self.ids[f"{frame['id']}-{self.count}"] = frame["id"]
        return [frame | {"id": f"{frame['id']}-{self.count}", "message": message, "ifActive": "stop"}]

    def down(self, frame: Frame) -> list[Frame]:
        return [frame | {"id": self.ids.get(frame["id"], frame["id"])} if "id" in frame else frame]


class NotSaidTwice(Fault):
    """A repeat is answered as if it were the first."""

    def down(self, frame: Frame) -> list[Frame]:
        frame.pop("duplicate", None)
        return [frame]


class Strict(Fault):
    """A field that the server does not know is an error."""

    refused: str | None = None

    def up(self, frame: Frame) -> list[Frame]:
        if "colour" in frame and frame["type"] != "hello":
            self.refused = frame["id"]
        return [frame]

    def down(self, frame: Frame) -> list[Frame]:
        if self.refused is not None and frame.get("id") == self.refused:
            error = {"code": "invalid_argument", "message": "What is a colour?", "retryable": False}
            return [{"type": "error", "id": self.refused, "error": error}]
        return [frame]


class OtherCode(Fault):
    """Errors have codes of the server's own."""

    def down(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "error":
            frame["error"]["code"] = "bad_request"
        return [frame]


class BareError(Fault):
    """An error without a sentence."""

    def down(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "error":
            del frame["error"]["message"]
        return [frame]


class MayRetry(Fault):
    """An error that cannot be retried says that it can."""

    def down(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "error":
            frame["error"]["retryable"] = True
        return [frame]


class PlainClose(Fault):
    def close(self, code: int) -> int:
        return 1000


class FromTheStart(Fault):
    """A position in a hello is passed over: the answer is sent again from its start."""

    def up(self, frame: Frame) -> list[Frame]:
        for position in frame.get("streams", ()):
            position["after"] = 0
        return [frame]


class Hole(Fault):
    """What is older than the position plus two is gone, and nobody says so."""

    def up(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "stream.subscribe":
            frame["after"] += frame["after"] > 0
        return [frame]


class AnyPosition(Fault):
    """A position beyond the head is taken for the head."""

    def up(self, frame: Frame) -> list[Frame]:
        return [frame | {"after": 0} if frame.get("after", 0) > 2**50 else frame]


class AlwaysRecovered(Fault):
    """Whatever position a client names, the server says that it lacks nothing."""

    def down(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "welcome":
            frame["events"]["recovered"] = True
        return [frame]


class NeverRecovered(Fault):
    def up(self, frame: Frame) -> list[Frame]:
        return [{key: value for key, value in frame.items() if key != "events"}]


class SnapshotOfAnotherTime(Fault):
    def down(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "welcome" and "snapshot" in frame:
            frame["snapshot"]["offset"] += 1
        return [frame]


class ChatMissing(Fault):
    """The fresh snapshot lacks the chat on top."""

    def down(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "ack" and "chats" in frame["result"]:
            del frame["result"]["chats"][:1]
        return [frame]


class OpenDoor(Fault):
    """Everybody is the same user: a check of foreign ids with a token of one's own shows it."""

    def up(self, frame: Frame) -> list[Frame]:
        return [frame | {"token": self.token} if frame["type"] == "hello" else frame]


class NothingUnseen(Fault):
    def down(self, frame: Frame) -> list[Frame]:
        return [frame | {"name": "chat.updated"} if frame.get("name") == "chat.unseen" else frame]


class AlwaysHidden(Fault):
    """Who looks is not asked."""

    def up(self, frame: Frame) -> list[Frame]:
        return [] if frame["type"] == "presence.update" else [frame]


class Anonymous(Fault):
    """Events do not say who caused them."""

    def down(self, frame: Frame) -> list[Frame]:
        frame.pop("sourceClientId", None)
        return [frame]


class Flood(Fault):
    """Pings are answered in the client's place, so nothing slows the server down."""

    def up(self, frame: Frame) -> list[Frame]:
        return [] if frame["type"] == "pong" else [frame]

    def down(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "ping":
            self.back.append({"type": "pong", "id": frame["id"]})
        return [frame]


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


class NoVersions(Fault):
    def down(self, frame: Frame) -> list[Frame]:
        for chunk in frame.get("chunks", ()):
            chunk.get("messageMetadata", {}).pop("versions", None)
        return [frame]


class WordsInBinary(Fault):
    """A field of the wrong type."""

    def down(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "welcome":
            frame["serverTime"] = str(frame["serverTime"])
        return [frame]


class TwoAtOnce(Fault):
    """Two answers at once in a chat: the second question goes to a chat of its own, and nobody says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.moved: dict[str, str] = {}

    def up(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "message.send":
            self.asked += 1
            if self.asked == 2:
                self.moved[f"{frame['chatId']}-2"] = frame["chatId"]
                return [frame | {"chatId": f"{frame['chatId']}-2"}]
        return [frame]


def broken(*guarantees: str) -> frozenset[str]:
    return frozenset(guarantees)


STORED, RESUMED, CUT = "an answer is stored", "read on from any", "cut again and again"
CASES: dict[str, Case] = {
    "loses a chunk": Case(LoseChunk, STORED, broken("8")),
    "sends a chunk twice": Case(DoubleChunk, STORED, broken("8")),
    "swaps two chunks": Case(SwapChunks, STORED, broken("8")),
    "stores other words": Case(ChangeWord, STORED, broken("13")),
    "sends a delta without its start": Case(DeltaWithoutStart, STORED, broken("9")),
    "loses an event": Case(LoseEvent, "two devices", broken("20")),
    "sends an event twice": Case(DoubleEvent, "two devices", broken("20")),
    "swaps two events": Case(SwapEvents, "commands of one chat", broken("4"), patience=2),
    "never ends": Case(NoEnd, STORED, broken("12"), patience=2),
    "ends twice": Case(TwoEnds, "one end after a stop", broken("12")),
    "counts too few chunks": Case(CountTooFew, STORED, broken("7")),
    "ends and goes on": Case(EndWithoutEnd, STORED, broken("12")),
    "ends elsewhere": Case(EndElsewhere, STORED, broken("12")),
    "completes what was stopped": Case(StopThatCompletes, "one end after a stop", broken("15")),
    "does not answer": Case(NoAck, "a refusal is not", broken("3"), patience=2),
    "answers twice": Case(TwoAcks, "a refusal is not", broken("2")),
    "answers somebody else": Case(AckOfAnother, "a refusal is not", broken("2")),
    "answers behind the first chunk": Case(AckAfterChunk, STORED, broken("10", "25")),
    "speaks before the welcome": Case(PingFirst, "a welcome says", broken("1")),
    "answers no ping": Case(NoPong, "a bad field", broken("2"), patience=2),
    "sends no pings": Case(NoPings, STORED, broken("27")),
    "carries out a repeat": Case(Forgetful, "one effect for", broken("3")),
    "does not say that it repeats": Case(NotSaidTwice, "a lost ack", broken("3")),
    "refuses unknown fields": Case(Strict, "unknown fields", broken("6")),
    "has codes of its own": Case(OtherCode, "a bad field", broken("§8")),
    "gives no reason": Case(BareError, "a bad field", broken("§3")),
    "says that no is not now": Case(MayRetry, "a bad field", broken("§8")),
    "closes with another code": Case(PlainClose, "a second hello", broken("1")),
    "resumes from the start": Case(FromTheStart, RESUMED, broken("8")),
    "resumes with a hole": Case(Hole, RESUMED, broken("8")),
    "takes any position": Case(AnyPosition, "positions that are wrong", broken("8")),
    "says that nothing is missing": Case(AlwaysRecovered, "events that cannot", broken("21")),
    "recovers no events": Case(NeverRecovered, "events that were missed", broken("21")),
    "has a snapshot of another time": Case(SnapshotOfAnotherTime, "a welcome says", broken("22")),
    "has a snapshot without a chat": Case(ChatMissing, "snapshot and events", broken("22")),
    "lets everybody in": Case(OpenDoor, "what belongs to another", broken("32")),
    "marks nothing unseen": Case(NothingUnseen, "that nobody saw", broken("26"), patience=2),
    "does not ask who looks": Case(AlwaysHidden, "that somebody saw", broken("26"), patience=2),
    "does not say who it was": Case(Anonymous, "two devices", broken("23"), patience=2),
    "waits for nobody": Case(Flood, "a client that reads slowly", broken("27")),
    "knows no versions": Case(NoVersions, "versions of an answer", broken("§4"), patience=2),
    "sends fields of other types": Case(WordsInBinary, "a welcome says", broken("§3")),
    "answers twice at once": Case(TwoAtOnce, "one answer at a time", broken("17")),
}
