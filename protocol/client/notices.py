"""What a client connection says: notices for the application, actions for whoever drives the sockets.

Where a frame of the server already is what the application wants to know, the notice is that frame.
"""

from dataclasses import dataclass
from typing import Any

from protocol.frames.objects import DashboardSnapshot, ErrorObject, StreamStatus
from protocol.frames.server import AuthExpiring, Event, StreamChunk, StreamEnd, StreamStatusFrame, Welcome


@dataclass(frozen=True, slots=True)
class Connected:
    """The server said welcome; everything that was followed goes on from here.

    Args:
        moved: the connection moved to a new socket after a `goodbye` and was never lost.
    """

    welcome: Welcome
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The socket is gone; a new one follows by itself `retry_in` seconds from now."""

    code: int
    error: ErrorObject | None
    retry_in: float


@dataclass(frozen=True, slots=True)
class Stopped:
    """The server refuses this client until something changes (a token, a version); nothing is tried until `open`."""

    code: int
    error: ErrorObject | None


@dataclass(frozen=True, slots=True)
class Answered:
    """A command of the application was carried out."""

    id: str
    result: dict[str, Any]
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A command of the application was refused."""

    id: str
    error: ErrorObject


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A stream is being followed; `seq` is how far it has come, its chunks come next."""

    stream_id: str
    chat_id: str
    message_id: str
    status: StreamStatus
    seq: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A stream cannot be followed any further; the message, if there is one, is in the history (`chat.get`)."""

    stream_id: str
    error: ErrorObject


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A new snapshot of the dashboard replaces the old one; the events that follow continue it."""

    snapshot: DashboardSnapshot


@dataclass(frozen=True, slots=True)
class Reset:
    """Events were missed and will not come; a client that keeps a dashboard gets `Refreshed` next."""

    epoch: str
    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class Warned:
    """The server has a problem with the connection that does not end it."""

    error: ErrorObject


Notice = (
    Connected
    | Disconnected
    | Stopped
    | Answered
    | Refused
    | Subscribed
    | Lost
    | Refreshed
    | Reset
    | Warned
    | StreamChunk
    | StreamStatusFrame
    | StreamEnd
    | Event
    | AuthExpiring
)


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a socket and call it by this number from now on; answer with `opened` or `closed`."""

    link: int


@dataclass(frozen=True, slots=True)
class Send:
    """Write one text frame to a socket."""

    link: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close a socket (or give up opening it); nothing of it is wanted any more."""

    link: int
    code: int


Action = Connect | Send | Close
