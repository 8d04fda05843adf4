"""What a watcher of a connection is told, for the metrics."""

from typing import Any

from protocol.errors import Refusal
from protocol.limits import FlowLimits, Limits
from protocol.server.connection import ServerConnection
from tests.protocol.server.world import FakeLog, Wire, code

GET = {"type": "chat.get", "chatId": "c"}


def get(n: int | str = 1) -> dict[str, Any]:
    return {**GET, "id": f"g{n}"}


class Watcher:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.resumes: list[int] = []

    def error(self, code: str) -> None:
        self.errors.append(code)

    def resumed(self, frames: int) -> None:
        self.resumes.append(frames)


def watched(**limits: int) -> tuple[Wire, Watcher]:
    """A connection that was welcomed, and who watches it."""
    watcher = Watcher()
    core = ServerConnection(Limits(**limits), 100.0, 0.5, FlowLimits(start=10_000), watcher)
    return Wire(core).greet(), watcher


def test_a_watcher_is_told_of_every_error_that_goes_out() -> None:
    connection, watcher = watched()
    connection.ask({"type": "later", "id": "a"})
    connection.ask({"type": "chat.get", "id": "b", "chatId": 7})
    connection.receive(get(1))
    connection.core.refuse("g1", Refusal("not_found").error)
    connection.take()
    connection.ask("not JSON")
    connection.core.refuse("g2", Refusal("not_found").error)  # nothing follows a fatal error
    assert watcher.errors == [code(frame) for frame in connection.sent if frame["type"] == "error"]
    assert watcher.errors == ["unknown_type", "invalid_argument", "not_found", "invalid_frame"]


def test_a_watcher_is_told_how_many_frames_a_client_needed_to_catch_up() -> None:
    connection, watcher = watched(outbound_bytes=200)
    short, long, new = FakeLog("s", words=3), FakeLog("l", words=300), FakeLog("n")
    for log, after in ((short, 1), (long, 0), (new, 0)):
        connection.core.subscribe(log, after)
    while connection.pong() | bool(connection.take()) and long.head not in _seqs(connection, "l"):
        pass
    frames = [frame for frame in connection.sent if frame["type"] == "stream.chunk"]
    assert watcher.resumes == [1, sum(frame["streamId"] == "l" for frame in frames)]
    assert watcher.resumes[1] > 5
    for log in (short, new):
        log.say("more")
        connection.core.touch(log.stream_id)
    connection.take()
    assert len(watcher.resumes) == 2, "what comes live is no resume"
    connection.core.subscribe(short, short.head)
    short.say("and more")
    connection.core.touch(short.stream_id)
    connection.take()
    assert len(watcher.resumes) == 2, "nothing was missed"


def _seqs(connection: Wire, stream_id: str) -> list[int]:
    return [frame["seq"] for frame in connection.sent if frame.get("streamId") == stream_id]
