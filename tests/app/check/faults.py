"""Servers that are wrong all along, one way each."""

from tests.app.check.faulty import Fault, Frame


class DeltaWithoutStart(Fault):
    def down(self, frame: Frame) -> list[Frame]:
        if frame["type"] == "stream.chunk":
            frame["chunks"] = [c for c in frame["chunks"] if c["type"] != "text-start"] or [{"type": "start-step"}]
        return [frame]


class StopThatCompletes(Fault):
    """The end says `completed` though the stop won, and the message says `stopped`."""

    def down(self, frame: Frame) -> list[Frame]:
        return [frame | {"status": "completed"} if frame.get("type") == "stream.end" else frame]


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
