"""What can go wrong, by who has to act.

TidewireError
├── CommandRefused      the server said no to one command; `error` says why and whether to try again
├── StreamLost          an answer cannot be followed any further and is not in the history either
├── Unreachable         no server answered in time
├── ConnectionStopped   the server wants no socket from us until something changes (sign in again, upgrade)
└── ClientClosed        the client was closed while something was waited for
"""

from protocol.client import OutboxFull
from protocol.codes import CLOSE_MEANINGS
from protocol.frames.objects import ErrorObject

__all__ = [
    "ClientClosed",
    "CommandRefused",
    "ConnectionStopped",
    "OutboxFull",
    "StreamLost",
    "TidewireError",
    "Unreachable",
]


class TidewireError(Exception):
    """Everything this library raises about the conversation with the server."""


class CommandRefused(TidewireError):  # noqa: N818 - the word of the protocol
    """The server refused a command.

    Args:
        command: its type, as `message.send`.
        error: code, sentence, `retryable`, `retry_after_ms`, `param`, `details`.
    """

    def __init__(self, command: str, error: ErrorObject) -> None:
        super().__init__(f"{command} was refused ({error.code}): {error.message}")
        self.command = command
        self.error = error


class StreamLost(TidewireError):  # noqa: N818 - reads as what it is
    """An answer cannot be followed any further, and the history does not hold it.

    Args:
        error: what the server said when the stream was asked for again.
    """

    def __init__(self, stream_id: str, error: ErrorObject) -> None:
        super().__init__(f"The stream {stream_id} is lost ({error.code}): {error.message}")
        self.stream_id = stream_id
        self.error = error


class Unreachable(TidewireError):  # noqa: N818 - reads as what it is
    """No server said welcome within the time given."""


class ConnectionStopped(TidewireError):  # noqa: N818 - reads as what it is
    """Reconnecting alone cannot help: the close code says that something must change first.

    Args:
        code: the websocket close code.
        error: the error that came before it, if any.
    """

    def __init__(self, code: int, error: ErrorObject | None) -> None:
        why = error.message if error is not None else CLOSE_MEANINGS.get(code, "the server refused the connection")
        super().__init__(f"The server closed the connection for good (code {code}): {why}")
        self.code = code
        self.error = error


class ClientClosed(TidewireError):  # noqa: N818 - reads as what it is
    """The client was closed; open a new one."""
