"""Starting uvicorn ourselves: listening sockets, its settings, and signals that let the application drain.

Stock uvicorn answers SIGTERM by closing every websocket with 1012 before the application runs a line. Here the first
signal is only reported; the application says goodbye, finishes what it must and then sets `should_exit`.
"""

import asyncio
import errno
import gc
import importlib.util
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import uvicorn

from app.sockets.fair import FairProtocol
from app.sockets.upgrade import BoundedHttpProtocol

MAX_MESSAGE: Final = 256 * 1024
"""Bytes of one inbound message (the protocol's limit); an endpoint changes its own with `Outlet.limit`."""

BACKLOG: Final = 2048

SEND_BUFFER: Final = 64 * 1024
"""Kernel send buffer asked for; left alone it grows to 4 MB, seconds of tokens that no stop or ping can overtake."""

NOTSENT_LOWAT: Final = 16 * 1024
"""Unsent bytes the kernel may hold before the socket stops being writable: about one flow window (guarantee 27)."""

USER_TIMEOUT_MS: Final = 20_000
"""Milliseconds of unacknowledged data, or of a zero window, after which the kernel drops a connection."""

KEEP_ALIVE: Final = 75
"""Seconds an idle HTTP connection stays; longer than the 60 s of common proxies, or they reuse one as it closes."""

GC_THRESHOLDS: Final = (10_000, 20, 100)
"""Allocations between collections. CPython's (700, 10, 10) make full passes, 461 ms at 9,000 sockets, too often."""


class ListenError(Exception):
    """The address cannot be listened on; the message tells the person who started the server what to change."""


def listen(host: str, port: int) -> list[socket.socket]:
    """Open the listening sockets of `host`, one for each of its addresses.

    Options that accepted connections inherit are set here, before any is accepted.

    Args:
        host: a name or an address; `localhost` usually means both 127.0.0.1 and ::1.
        port: 0 lets the system choose one, the same for all addresses; read it with `port_of`.

    Raises:
        ListenError: with a sentence that names the remedy.
    """
    opened: list[socket.socket] = []
    skipped: OSError | None = None
    try:
        for family, address in _addresses(host, port):
            try:
                opened.append(_open(family, address, port or (port_of(opened) if opened else 0)))
            except OSError as error:
                # A host without IPv6 still resolves localhost to ::1.
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                skipped = error
        if skipped is not None and not opened:
            raise skipped
    except OSError as error:
        for one in opened:
            one.close()
        raise ListenError(_sentence(error, host, port)) from error
    return opened


def port_of(sockets: list[socket.socket]) -> int:
    """Tell the port that sockets from `listen` are bound to."""
    port: int = sockets[0].getsockname()[1]
    return port


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    # A dict keeps the order and drops the doubles that /etc/hosts may cause.
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _open(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _set_inherited(opened)
        opened.bind((address, port))
        # Listening now finds a taken port before the database is migrated, not after.
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except BaseException:
        opened.close()
        raise
    return opened


def _set_inherited(listener: socket.socket) -> None:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in (("TCP_NOTSENT_LOWAT", NOTSENT_LOWAT), ("TCP_USER_TIMEOUT", USER_TIMEOUT_MS)):
        option = getattr(socket, name, None)  # macOS and Windows lack one or both
        if option is not None:
            listener.setsockopt(socket.IPPROTO_TCP, option, value)


def _sentence(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken: another program listens there. Stop it, or choose another port."
    if error.errno == errno.EACCES:
        return f"Port {port} on {host} needs more rights than this program has. Choose a port from 1024 up."
    if isinstance(error, socket.gaierror):
        return f"The host {host!r} is not known here. Give an address of this machine, such as 127.0.0.1 or 0.0.0.0."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine. Listen on 127.0.0.1, 0.0.0.0 or one of its own addresses."
    return f"Cannot listen on {host}, port {port}: {error.strerror}."


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Choose the event loop for `asyncio.Runner`: uvloop where it is installed."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop
    import uvloop

    return uvloop.new_event_loop


def config(
    app: Callable[..., Any], *, max_message: int = MAX_MESSAGE, deflate: bool = False, grace: int = 5
) -> uvicorn.Config:
    """Settle uvicorn's settings, each one a decision of ours.

    Args:
        app: the ASGI 3 callable.
        max_message: bytes an inbound websocket message may have.
        deflate: offer permessage-deflate; costs 50 KiB a connection.
        grace: seconds the last connections get to close once `should_exit` is set.
    """
    return uvicorn.Config(
        app,
        interface="asgi3",
        lifespan="on",
        http=BoundedHttpProtocol,
        ws=FairProtocol,
        ws_max_size=max_message,
        ws_per_message_deflate=deflate,
        ws_ping_interval=None,  # the application pings (guarantees 27 and 29); RFC 6455 pings would come on top
        log_config=None,
        log_level="warning",  # uvicorn's INFO lines hold paths with their query strings, which may carry tickets
        access_log=False,
        proxy_headers=False,  # who may be trusted is the application's setting
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=grace,
        backlog=BACKLOG,
    )


class Server(uvicorn.Server):
    """uvicorn's server, in which signals ask for a drain.

    The first SIGTERM or SIGINT calls `on_signal` in the loop and closes nothing; whoever drains sets `should_exit` when
    done. A second signal exits at once, with the application's shutdown but without waiting for connections. A third
    ends the process. `serve()` returns in every case but the last, so that the caller can clean up and choose the
    process's exit code.

    Args:
        config: from `config`.
        on_started: called once, when the server answers.
        on_signal: called once with the signal's number; without it the first signal sets `should_exit`.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_started: Callable[[], None] | None = None,
        on_signal: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._on_signal = on_signal
        self._signals = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def handle_exit(self, sig: int, _frame: FrameType | None) -> None:
        """Answer a signal. Runs between any two bytecodes of the main thread, so it only leaves word for the loop."""
        self._signals += 1
        if self._signals > 1:
            self.should_exit = self.force_exit = True
            self._let_the_next_signal_kill()
        elif self._on_signal is None or self._loop is None or not self.started:
            self.should_exit = True
        else:
            self._loop.call_soon_threadsafe(self._on_signal, sig)

    def stop_listening(self) -> None:
        """Take no new connections; those that are open go on."""
        for listening in self.servers:
            listening.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started and self._on_started is not None:
            self._on_started()
        # Everything imported and built until now lives as long as the process: no collection need look at it again.
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.force_exit:
            # The parent skips this after a second signal; the application still seals what it owns.
            await self.lifespan.shutdown()

    async def _serve(self, sockets: list[socket.socket] | None = None) -> None:
        before = gc.get_threshold()
        gc.set_threshold(*GC_THRESHOLDS)
        try:
            await super()._serve(sockets)
        finally:
            gc.set_threshold(*before)
            gc.unfreeze()

    @staticmethod
    def _let_the_next_signal_kill() -> None:
        if threading.current_thread() is threading.main_thread():
            for one in (signal.SIGINT, signal.SIGTERM):
                signal.signal(one, signal.SIG_DFL)
