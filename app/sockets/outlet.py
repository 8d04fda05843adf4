"""What a socket writes to: whole frames, written at once, by plain functions.

An ASGI `send` is a coroutine: a fan-out that awaits it stands still with its slowest reader, and every frame pays for
a task switch and for framing. An outlet takes frames that are framed already, so that all tabs share the same bytes,
and hands them to the transport in one write. `FairProtocol` offers one in the scope; under any other ASGI server
`AsgiOutlet` gives the same interface over `send`.

Nothing here decides what to write or when: flow control (guarantee 27) is the caller's. The one rule of this file is
that a caller who ignores `writable` loses the connection at `MAX_BUFFERED` instead of eating the memory.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, cast

from websockets.protocol import State

if TYPE_CHECKING:
    from app.sockets.fair import FairProtocol

EXTENSION: Final = "tidewire.outlet"
"""Name in `scope["extensions"]` under which our protocol class offers its outlet."""

MAX_BUFFERED: Final = 16 * 1024 * 1024
"""Bytes held for one socket at which it is cut: twice the largest stream log (8 MiB), which no window lets through."""

HIGH_WATER: Final = 64 * 1024
LOW_WATER: Final = 16 * 1024
"""The marks asyncio and uvloop use for their transports; `AsgiOutlet` keeps to the same ones."""

CLOSE_GRACE: Final = 2.0
"""Seconds an `AsgiOutlet` gives a close frame to get out: a peer that does not read must not hold the connection."""

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_TEXT_FIN: Final = 0x81
_PING_FIN: Final = 0x89
_SHORT_HEADS: Final = tuple(bytes((_TEXT_FIN, length)) for length in range(126))
_MEDIUM_HEAD: Final = Struct("!BBH").pack
_LONG_HEAD: Final = Struct("!BBQ").pack


def frame(payload: bytes) -> bytes:
    """Frame one text message as a server sends it: final, unmasked (RFC 6455, 5.2).

    The result depends on nothing but the payload, so one framed message may be written to any number of outlets.

    Args:
        payload: the whole message, UTF-8.
    """
    length = len(payload)
    if length < 126:
        return _SHORT_HEADS[length] + payload
    if length < 65_536:
        return _MEDIUM_HEAD(_TEXT_FIN, 126, length) + payload
    return _LONG_HEAD(_TEXT_FIN, 127, length) + payload


def payload_of(framed: bytes) -> bytes:
    """Undo `frame`, for connections that frame by themselves."""
    length = framed[1]
    return framed[2 if length < 126 else 4 if length == 126 else 10 :]


class Outlet(Protocol):
    """Where one connection's frames go. Use it as an async context manager for the connection's whole life."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...

    @property
    def buffered(self) -> int:
        """Bytes written and not yet taken by the kernel (or, behind `AsgiOutlet`, by the server)."""

    @property
    def written(self) -> int:
        """Bytes written so far, with their websocket heads."""

    @property
    def writable(self) -> bool:
        """Whether the connection is open and the buffer below its high-water mark."""

    def write(self, framed: Sequence[bytes]) -> None:
        """Write a batch in order, each item the `frame` of one message. After a close it does nothing."""

    def on_writable(self, callback: Callable[[], None] | None) -> None:
        """Call `callback` each time the buffer falls to its low-water mark after `writable` was false."""

    @property
    def can_ping(self) -> bool:
        """Whether `ping` does anything: ASGI has no word for it."""

    def ping(self, payload: bytes) -> None:
        """Send a ping of RFC 6455 behind everything written; `payload` has at most 125 bytes."""

    def on_pong(self, callback: Callable[[bytes], None] | None) -> None:
        """Call `callback` with the payload of each pong."""

    def limit(self, max_message_bytes: int) -> None:
        """Close 1009 on any later message above this size. No effect where the server cannot change its limit."""

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame behind everything written; the reader then sees `websocket.disconnect`."""

    def abort(self) -> None:
        """Drop the connection and whatever it has not taken, without a close frame."""


def outlet_of(scope: Mapping[str, Any], send: Send) -> Outlet:
    """Pick the outlet of a websocket scope: the server's own, or one over `send`."""
    offered = (scope.get("extensions") or {}).get(EXTENSION)
    return cast(Outlet, offered) if offered is not None else AsgiOutlet(send)


class RawOutlet:
    """Writes straight to the transport of a `FairProtocol`."""

    __slots__ = ("_conn", "_protocol", "_transport", "written")

    def __init__(self, protocol: "FairProtocol") -> None:
        self._protocol = protocol
        self._conn = protocol.conn
        self._transport = protocol.transport
        self.written = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._protocol.on_drained = None
        self._protocol.on_pong = None

    @property
    def buffered(self) -> int:
        # uvloop refuses to tell once the handle is closed.
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    @property
    def writable(self) -> bool:
        return self._is_open and self._protocol.writable.is_set()

    def write(self, framed: Sequence[bytes]) -> None:
        if not self._is_open:
            self._refuse_early_write()
        elif self._conn.extensions:
            self._write_compressed(framed)
        elif self._protocol.writable.is_set() or self.buffered < MAX_BUFFERED:
            # On uvloop this costs what `writelines` does (tests/bench/raw_write.py); asyncio's joins too, before 3.12.
            data = framed[0] if len(framed) == 1 else b"".join(framed)
            self.written += len(data)
            self._transport.write(data)
        else:
            self.abort()

    def on_writable(self, callback: Callable[[], None] | None) -> None:
        self._protocol.on_drained = callback

    @property
    def can_ping(self) -> bool:
        return True

    def ping(self, payload: bytes) -> None:
        if self._is_open:
            self._transport.write(bytes((_PING_FIN, len(payload))) + payload)

    def on_pong(self, callback: Callable[[bytes], None] | None) -> None:
        self._protocol.on_pong = callback

    def limit(self, max_message_bytes: int) -> None:
        self._conn.max_message_size = max_message_bytes

    def close(self, code: int, reason: str = "") -> None:
        self._protocol.close(code, reason)

    def abort(self) -> None:
        self._transport.abort()

    @property
    def _is_open(self) -> bool:
        return self._conn.state is State.OPEN and not self._transport.is_closing()

    def _refuse_early_write(self) -> None:
        if self._conn.state is State.CONNECTING and not self._transport.is_closing():
            raise RuntimeError("An outlet takes frames after 'websocket.accept'; this connection is not accepted yet.")

    def _write_compressed(self, framed: Sequence[bytes]) -> None:
        """Let the connection frame each message, since permessage-deflate keeps a state per connection (RFC 7692)."""
        for one in framed:
            self._conn.send_text(payload_of(one))
        data = b"".join(self._conn.data_to_send())
        self.written += len(data)
        self._transport.write(data)


class AsgiOutlet:
    """The same interface over a plain ASGI `send`, for servers other than our own."""

    __slots__ = (
        "_callback",
        "_closed",
        "_farewell",
        "_is_full",
        "_pending",
        "_pending_bytes",
        "_send",
        "_wake",
        "_writer",
        "written",
    )

    def __init__(self, send: Send) -> None:
        self._send = send
        self._pending: deque[bytes] = deque()
        self._pending_bytes = 0
        self._is_full = False
        self._wake = asyncio.Event()
        self._callback: Callable[[], None] | None = None
        self._farewell: tuple[int, str] | None = None
        self._closed = False
        self._writer: asyncio.Task[None] | None = None
        self.written = 0

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._deliver(), name="tidewire outlet")
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End the writer, giving a close frame `CLOSE_GRACE` to get out; raises what broke the writer."""
        if self._writer is None:
            return
        self._callback = None
        if self._farewell is not None:
            await asyncio.wait([self._writer], timeout=CLOSE_GRACE)
        self._closed = True
        self._writer.cancel()
        await asyncio.wait([self._writer])
        if not self._writer.cancelled():
            self._writer.result()

    @property
    def buffered(self) -> int:
        return self._pending_bytes

    @property
    def writable(self) -> bool:
        return not self._closed and not self._is_full

    def write(self, framed: Sequence[bytes]) -> None:
        if self._closed:
            return
        size = sum(map(len, framed))
        self._pending.extend(framed)
        self._pending_bytes += size
        self.written += size
        self._is_full = self._is_full or self._pending_bytes > HIGH_WATER
        self._wake.set()
        if self._pending_bytes > MAX_BUFFERED:
            self.abort()

    def on_writable(self, callback: Callable[[], None] | None) -> None:
        self._callback = callback

    @property
    def can_ping(self) -> bool:
        return False

    def ping(self, payload: bytes) -> None:
        """ASGI has no word for it."""

    def on_pong(self, callback: Callable[[bytes], None] | None) -> None:
        """ASGI has no word for it."""

    def limit(self, max_message_bytes: int) -> None:
        """ASGI has no word for it: the server's own limit holds."""

    def close(self, code: int, reason: str = "") -> None:
        if not self._closed:
            self._closed = True
            self._farewell = (code, reason)
            self._wake.set()

    def abort(self) -> None:
        """Forget what is pending; the server drops the connection when the application returns."""
        self._forget()
        if self._writer is not None:
            self._writer.cancel()

    def _forget(self) -> None:
        self._closed = True
        self._farewell = None
        self._pending.clear()
        self._pending_bytes = 0

    async def _deliver(self) -> None:
        """Send what is pending, in order, for as long as the peer is there."""
        try:
            while self._pending or not self._closed:
                while self._pending:
                    framed = self._pending.popleft()
                    await self._send({"type": "websocket.send", "text": payload_of(framed).decode()})
                    self._taken(len(framed))
                if not self._closed:
                    await self._wake.wait()
                    self._wake.clear()
            if self._farewell is not None:
                code, reason = self._farewell
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except OSError:  # what servers raise once the peer is gone; the reader hears of it as a disconnect
            self._forget()

    def _taken(self, size: int) -> None:
        self._pending_bytes -= size
        if self._is_full and self._pending_bytes <= LOW_WATER:
            self._is_full = False
            if self._callback is not None and not self._closed:
                self._callback()
