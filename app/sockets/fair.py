"""The websocket side of a connection: uvicorn's own class, made fair, bounded and quiet.

uvicorn parses whatever one read brought, up to 256 KiB, before anybody else has a turn; a flood of pings or of empty
fragments then holds the loop for a second, and the application never sees those frames. `FairProtocol` hands the
parser a slice at a time and lets the loop turn every 2 ms. Beside that it keeps four promises the parent does not:

- What one client can make us hold is bounded: bytes read ahead, messages queued, fragments, pongs it does not read.
- A client that breaks the rules is told why (1007, 1009, 1002): its unread bytes are drained before the connection is
  closed, since closing over unread bytes makes the kernel reset it and the close frame is lost with it.
- Nothing a client sends writes a traceback, and no log line holds a query string, which may carry a ticket.
- A peer that stopped reading cannot hold a connection that is to be closed.

It leans on the parent's internals, therefore pyproject pins uvicorn's minor version.
"""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import Any, Final, cast

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State

from app.sockets.outlet import EXTENSION, RawOutlet

SLICE: Final = 1024
"""Bytes parsed before the clock is read again: at most 170 frames (the smallest is 6 bytes), 2 to 4 ms of parsing."""

TURN: Final = 0.002
"""Seconds one connection may parse before the loop turns. Ends floods early; a message of 256 KiB takes half of it."""

MAX_FRAGMENTS: Final = 1024
"""Fragments one message may have: of 4 KiB each they make the largest message any endpoint takes (4 MiB)."""

LINGER: Final = 2.0
"""Seconds in which a failed client may take our close frame, and a closing one what is buffered for it."""

_PONG_HEAD: Final = bytes((0x80 | Opcode.PONG,))


def quiet_logger() -> logging.Logger:
    """Make a logger for per-connection code: errors reach uvicorn's handlers, anything below is dropped.

    The level of `uvicorn.error` belongs to the operator; at INFO the parent logs each upgrade with its query string, at
    DEBUG every header and frame. This one cannot be turned up.
    """
    logger = logging.Logger("uvicorn.error", logging.ERROR)
    logger.parent = logging.getLogger("uvicorn.error")
    return logger


_LOGGER: Final = quiet_logger()


class FairProtocol(WebSocketsSansIOProtocol):
    """One websocket connection; give the class to uvicorn as `ws=`.

    Offers a `RawOutlet` as `scope["extensions"]["tidewire.outlet"]`.
    """

    # Class attributes stand for what most connections never set: uvicorn's class has more attributes than CPython
    # shares keys for, so each further one would cost every idle socket.
    on_drained: Callable[[], None] | None = None
    on_pong: Callable[[bytes], None] | None = None
    _owed_pong: bytes | None = None
    _failed = False
    _stepping = False

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = self.conn.logger = _LOGGER
        self.conn.debug = False  # what the connection remembers of the logger it had; it would still format each frame
        self._held = bytearray()

    # Reading: slices, and not ahead of the application.

    def data_received(self, data: bytes) -> None:
        if self._failed:
            return
        if not self.handshake_initiated:
            self._open(data)
        elif not self._held and len(data) <= SLICE and self._may_parse:
            super().data_received(data)
        else:
            self._held += data
            if not self._stepping:
                self._step()

    @property
    def _may_parse(self) -> bool:
        """Frames wait for the accept, and for an application that has not taken the last message."""
        return self.handshake_complete and not self.read_paused

    def _step(self) -> None:
        """Parse what is held for at most a turn."""
        self._stepping = False
        end = monotonic() + TURN
        while self._held and self._may_parse and not self._is_over:
            part = bytes(self._held[:SLICE])
            del self._held[:SLICE]
            super().data_received(part)
            if monotonic() >= end:
                break
        self._go_on()

    def _go_on(self) -> None:
        """Arrange for the next turn, or for more bytes when none are held."""
        if self._is_over:
            self._held.clear()
        elif self._held:
            self.transport.pause_reading()
            if self._may_parse and not self._stepping:
                self._stepping = True
                self.loop.call_soon(self._step)
        elif self._may_parse:
            self.transport.resume_reading()

    @property
    def _is_over(self) -> bool:
        return self._failed or self.transport.is_closing()

    def _open(self, data: bytes) -> None:
        """Parse the upgrade request, which the HTTP protocol class read, bounded and handed over whole."""
        super().data_received(data)
        if self.handshake_initiated:
            return
        # The parser refused what the HTTP parser let through (a long line, a body). The parent would leave it open.
        refusal = b"".join(self.conn.data_to_send())
        self.transport.write(refusal or b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()

    async def receive(self) -> ASGIReceiveEvent:
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self._go_on()
        return message

    # Frames.

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions[EXTENSION] = RawOutlet(self)

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MAX_FRAGMENTS and not self.close_sent:
            self._fail(CloseCode.MESSAGE_TOO_BIG, f"more than {MAX_FRAGMENTS} fragments in one message")
        elif not self.close_sent:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not self.close_sent:
            data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
            try:
                data.decode()
            except UnicodeDecodeError as error:
                self._fail(CloseCode.INVALID_DATA, f"{error.reason} at position {error.start}")
                return
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        """Write the pongs the parser made; while the peer does not read, keep only the latest (RFC 6455, 5.5.3)."""
        output = self.conn.data_to_send()
        if not self.writable.is_set():
            pongs = [one for one in output if one.startswith(_PONG_HEAD)]
            output = [one for one in output if not one.startswith(_PONG_HEAD)]
            self._owed_pong = pongs[-1] if pongs else self._owed_pong
        self._write(b"".join(output))

    def handle_pong(self, event: Frame) -> None:
        """Tell whoever sent a ping; the parent knows only its own."""
        if self.on_pong is not None:
            self.on_pong(bytes(event.data))

    def _write(self, data: bytes) -> None:
        if data and not self._is_over:
            self.transport.write(data)

    # Writing.

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._owed_pong is not None and self.conn.state is State.OPEN:
            self._write(self._owed_pong)
        self._owed_pong = None
        if self.on_drained is not None:
            self.on_drained()

    async def send(self, message: ASGISendEvent) -> None:
        if self._failed or (self.transport.is_closing() and not self.close_sent):
            # The parent answers with a RuntimeError here, which reads in the log like a fault of the application.
            raise ClientDisconnected
        if message["type"] == "websocket.close" and self.conn.state is State.OPEN:
            self.close(message.get("code", 1000), message.get("reason") or "")
            return
        await super().send(message)
        if message["type"] == "websocket.accept" and self._held:
            self._go_on()

    # Closing.

    def close(self, code: int, reason: str = "") -> None:
        """Start the closing handshake behind what is written; never waits, also for a peer that does not read."""
        if self.conn.state is not State.OPEN or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)
        self.read_paused = False
        self._go_on()

    def _fail(self, code: CloseCode, reason: str) -> None:
        self.conn.fail(code, reason)
        self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Fail the connection (RFC 6455, 7.1.7): tell the peer and the application, then read to the peer's end."""
        close = self.conn.close_sent
        code, reason = (close.code, close.reason) if close is not None else (1006, "")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self._write(b"".join(self.conn.data_to_send()))
        self._failed = self.close_sent = True
        self._held.clear()
        self.frames = []
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.transport.resume_reading()
        self._abort_later(LINGER)

    def _abort_later(self, delay: float) -> None:
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(delay, self.transport.abort)

    def shutdown(self) -> None:
        super().shutdown()
        self._abort_later(LINGER)

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        # The scope holds the outlet that holds this object that holds the scope; see `connection_lost`.
        cast(dict[str, Any], self.scope["extensions"]).pop(EXTENSION, None)
        if not self.disconnected and self.close_timer is None:
            self._abort_later(LINGER)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._held.clear()
        self.on_drained = self.on_pong = None
        # The parser is a generator whose frame holds the connection that holds it. Ended here, a closed connection is
        # freed at once instead of waiting for a full garbage collection, which stops the loop.
        self.conn.parser.close()
