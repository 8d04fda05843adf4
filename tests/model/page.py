"""A tab: the SDK's client on a socket that can be cut, the sidebar it keeps, and the chat it shows."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine
from typing import Any

import tidewire
from tidewire.transport import OnClose, OnText, Socket, WebSocketTransport

from tests.model.thread import Thread
from tests.model.witness import SocketWitness, Witness


class Impatient(random.SystemRandom):
    """Hardly any jitter: nobody waits in a test."""

    def random(self) -> float:
        return 0.02


class WatchedSocket:
    """A real socket whose frames are witnessed on their way."""

    def __init__(self, socket: WebSocketTransport, witness: SocketWitness) -> None:
        self._socket = socket
        self.witness = witness
        self.close, self.wait_closed = socket.close, socket.wait_closed

    def listen(self, on_text: OnText, on_close: OnClose) -> None:
        def witnessed(data: bytes) -> None:
            self.witness.received(bytes(data))
            on_text(data)

        self._socket.listen(witnessed, on_close)

    def send(self, data: bytes) -> None:
        self.witness.sent(data)
        self._socket.send(data)

    def abort(self) -> None:
        """Lose the connection without a word, as a phone in a tunnel does."""
        self._socket._connection.transport.abort()


class Page:
    """One tab.

    Args:
        name: of the device and the tab, as `phone/1`.
        capabilities: what it asks for by name; with `status` it hears nothing of growing answers while it is hidden.
        spawn: runs what the tab does by itself; a failure there is a counterexample.
    """

    def __init__(
        self,
        name: str,
        url: str,
        token: str,
        witness: Witness,
        *,
        capabilities: tuple[str, ...],
        on_frame: Callable[[], None],
        spawn: Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"],
    ) -> None:
        self.name = name
        self.thread: Thread | None = None
        self.is_visible = False
        self._hears_status_only = "status" in capabilities
        self._saw = -1  # the version of the chat that was said to be seen
        self._witness = witness
        self._on_frame = on_frame
        self._spawn = spawn
        self._open_socket = tidewire.connector()
        self._socket: WatchedSocket | None = None
        self.client = tidewire.connect(
            url, token=token, capabilities=capabilities, connector=self._connect, random=Impatient()
        )

    async def open(self) -> None:
        """Connect, and begin to follow what happens."""
        await self.client.__aenter__()
        self._reading = self._spawn(self._read())

    async def close(self) -> None:
        """Close the tab."""
        self._reading.cancel()
        if self.thread is not None:
            self.thread.close()
        await self.client.__aexit__(None, None, None)

    def show(self, chat_id: str) -> None:
        """Show a chat instead of the one that was shown."""
        if self.thread is not None:
            if self.thread.chat_id == chat_id:
                return
            self.thread.close()
        self.thread = Thread(self.client, chat_id, self._spawn)
        self._spawn(self.thread.load())
        self.look(visible=self.is_visible)

    def look(self, *, visible: bool) -> None:
        """Bring the tab to the front, or put another one before it."""
        self.is_visible = visible
        shown = None if self.thread is None else self.thread.chat_id
        self.client.presence("visible" if visible else "hidden", shown)
        self._glance()

    def _glance(self) -> None:
        """Whoever looks at a chat whose answer counts as unseen has seen it (guarantee 26)."""
        chat = None if self.thread is None else self.client.dashboard.chat(self.thread.chat_id)
        if self.is_visible and chat is not None and chat.unseen and chat.leaf_id and chat.version != self._saw:
            self._saw = chat.version
            self._spawn(self._see(chat.chat_id, chat.leaf_id))

    async def _see(self, chat_id: str, message_id: str) -> None:
        with contextlib.suppress(tidewire.CommandRefused, tidewire.ClientClosed):  # deleted meanwhile; closed
            await self.client.seen(chat_id, message_id)

    def cut(self) -> None:
        """Lose the socket."""
        if self._socket is not None:
            self._socket.abort()

    @property
    def state(self) -> str:
        """`settled`, or what the tab waits for."""
        if self.client.state != "ready":
            return self.client.state
        return "loading" if self.thread is not None and self.thread.state == "loading" else "settled"

    @property
    def lags(self) -> bool:
        """Whether it has asked not to be sent the chunks of answers before they end."""
        return self._hears_status_only and not self.is_visible

    @property
    def position(self) -> tuple[str, int | None]:
        """Where the tab stands in the event log."""
        return ("", None) if self._socket is None else self._socket.witness.position

    async def _read(self) -> None:
        async for change in self.client.events():
            if self.thread is not None:
                self.thread.take(change)
            self._glance()

    async def _connect(self, url: str) -> Socket:
        socket = await self._open_socket(url)
        assert isinstance(socket, WebSocketTransport)
        self._socket = WatchedSocket(socket, SocketWitness(self.name, self._witness, self._on_frame))
        return self._socket
