"""The HTTP side of a connection, up to the upgrade: uvicorn's own class with a deadline and a size for the head.

Every websocket begins as an HTTP request, and uvicorn waits for the end of its head for ever and without counting. A
client that sends a byte a minute holds a connection, one that sends headers without end holds memory.
"""

import asyncio
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from app.sockets.fair import quiet_logger

HEAD_DEADLINE: Final = 10.0
"""Seconds from the connection, or from a later request's first byte, to the end of the head. nginx gives 60."""

MAX_HEAD: Final = 32 * 1024
"""Bytes of request line and headers. nginx takes 32 KiB, Node 16; one line is 8 KiB at most, as in websockets."""

_LOGGER: Final = quiet_logger()


class BoundedHttpProtocol(HttpToolsProtocol):
    """One HTTP connection; give the class to uvicorn as `http=`."""

    head_deadline = HEAD_DEADLINE
    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _LOGGER

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the parent's
        super().connection_made(transport)
        self._begin_head()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD:
            self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin_head()

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        # The parser and this object hold each other. The connection has another protocol now, so nobody else would
        # part them, and every socket would keep both until a full garbage collection.
        self.parser = None  # type: ignore[assignment]  # as the parent does when the connection is lost

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def _begin_head(self) -> None:
        self._in_head = True
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_deadline, self._refuse, b"408 Request Timeout")

    def _end_head(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: bytes) -> None:
        self._end_head()
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()
