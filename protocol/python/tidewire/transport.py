"""Real sockets: `websockets`, without a task or a queue per connection.

Frames go from the parser straight into the client's rules, in the call that read them from the network. That is the
cheapest way (no wake-up per frame), and it keeps the promise of a `pong`: what came before was handled.
"""

import ssl as tls
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection as Connection
from websockets.asyncio.client import connect
from websockets.asyncio.connection import broadcast
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol

OnText = Callable[[bytes], None]
OnClose = Callable[[int], None]

# A snapshot of the dashboard or one long chat may come as one frame; anything larger is not our server.
MAX_FRAME = 8 * 1024 * 1024
# A peer that does not answer our close frame is not waited for.
CLOSE_TIMEOUT = 2.0
_OPEN_TIMEOUT = 10.0
_ABNORMAL = 1006
# A proxy's "try later"; every other refusal of the handshake will be the same next time.
_PASSING = frozenset({408, 425, 429})


class ConnectFailed(Exception):  # noqa: N818 - reads as what it is
    """A socket could not be opened.

    Args:
        code: the close code that says the same to the rules: whether to try again.
    """

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Socket(Protocol):
    """An open websocket, as far as the client needs one. No method blocks."""

    def listen(self, on_text: OnText, on_close: OnClose) -> None:
        """Hand over every text message, those that came already first, and at the end the close code, once."""

    def send(self, data: bytes) -> None:
        """Write one text message; nothing happens when the socket is closed."""

    def close(self, code: int) -> None:
        """Begin to close; `on_close` is not called any more."""

    async def wait_closed(self) -> None:
        """Wait until the socket is gone, which takes 2 s at most."""


class Connector(Protocol):
    """Opens sockets."""

    async def __call__(self, url: str) -> Socket:
        """Open a socket.

        Raises:
            ConnectFailed: it could not be opened; carries the close code that fits.
        """


class WebSocket(Connection):
    """A connection of `websockets` that calls back instead of queueing."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._on_text: OnText | None = None
        self._on_close: OnClose | None = None
        self._early: list[bytes] = []  # a server that refuses us says so before anybody listens
        self._early_close: int | None = None
        self._pieces: list[bytes] = []

    def process_event(self, event: Any) -> None:
        """Take one frame from the parser."""
        if self.response is None or not isinstance(event, Frame):
            super().process_event(event)
        elif event.opcode is Opcode.TEXT and event.fin:
            self._text(event.data)  # type: ignore[arg-type]  # any buffer will do for the JSON parser
        elif event.opcode in (Opcode.TEXT, Opcode.CONT):
            self._piece(event)
        elif event.opcode is Opcode.CLOSE:
            self._gone()

    def _piece(self, frame: Frame) -> None:
        self._pieces.append(bytes(frame.data))
        if frame.fin:
            whole, self._pieces = b"".join(self._pieces), []
            self._text(whole)

    def _text(self, data: bytes) -> None:
        if self._on_text is not None:
            self._on_text(data)
        elif self._on_close is None:
            self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The network connection is gone."""
        super().connection_lost(exc)
        self._gone()

    def _gone(self) -> None:
        received = self.protocol.close_rcvd
        code = _ABNORMAL if received is None else received.code
        self._on_text = None
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close(code)
        elif self._early_close is None:
            self._early_close = code

    def listen(self, on_text: OnText, on_close: OnClose) -> None:
        """Hand over every text message, those that came already first, and at the end the close code, once."""
        self._on_text, self._on_close = on_text, on_close
        early, self._early = self._early, []
        for data in early:
            on_text(data)
        if self._early_close is not None:
            self._gone()

    def send_text(self, data: bytes) -> None:
        """Write one text message; nothing happens when the socket is closed."""
        broadcast([self], data, text=True)

    def hang_up(self, code: int) -> None:
        """Begin to close; nobody is called back any more."""
        self._on_text = self._on_close = None
        self._early_close = code
        if self.protocol.state is State.OPEN:
            self.protocol.send_close(code)
            self.send_data()
        self.loop.call_later(CLOSE_TIMEOUT, self._abort)

    def _abort(self) -> None:
        # asyncio's transport has no loop any more once it has closed with something left to write, and fails here.
        if self.protocol.state is not State.CLOSED:
            self.transport.abort()


class WebSocketTransport:
    """The `Socket` over a `WebSocket`; the names of the two would clash in one class."""

    __slots__ = ("_connection", "listen", "send")

    def __init__(self, connection: WebSocket) -> None:
        self._connection = connection
        self.listen = connection.listen
        self.send = connection.send_text

    def close(self, code: int) -> None:
        """Begin to close; `on_close` is not called any more."""
        self._connection.hang_up(code)

    async def wait_closed(self) -> None:
        """Wait until the socket is gone, which takes 2 s at most."""
        await self._connection.wait_closed()


def connector(subprotocol: str = "tidewire.v1", *, ssl: tls.SSLContext | None = None) -> Connector:
    """Open websockets as the protocol wants them: no compression, no pings but the protocol's own.

    Args:
        ssl: for `wss` addresses; the system's trust when left out.
    """

    async def open_socket(url: str) -> Socket:
        parts = urlsplit(url)
        secure: dict[str, Any] = {"ssl": ssl} if parts.scheme == "wss" and ssl is not None else {}
        try:
            connection = await connect(
                url,
                subprotocols=[Subprotocol(subprotocol)],
                compression=None,
                max_size=MAX_FRAME,
                ping_interval=None,
                open_timeout=_OPEN_TIMEOUT,
                close_timeout=CLOSE_TIMEOUT,
                user_agent_header=None,
                proxy=None if is_loopback(parts.hostname) else True,
                create_connection=WebSocket,
                **secure,
            )
        except InvalidStatus as refusal:
            status = refusal.response.status_code
            raise ConnectFailed(_close_code(status), f"The server answered the handshake with {status}.") from refusal
        except (OSError, TimeoutError, WebSocketException) as failure:
            raise ConnectFailed(_ABNORMAL, str(failure)) from failure
        assert isinstance(connection, WebSocket)  # noqa: S101 - it came out of the factory above
        return WebSocketTransport(connection)

    return open_socket


def is_loopback(host: str | None) -> bool:
    """Whether a host name means this machine, which no proxy can reach."""
    return host in ("localhost", "127.0.0.1", "::1")


def _close_code(status: int) -> int:
    if 400 <= status < 500 and status not in _PASSING:
        return {401: 4401, 403: 4403}.get(status, 4406)
    return _ABNORMAL
