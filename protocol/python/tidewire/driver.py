"""Drives the client's rules: opens and closes real sockets, carries frames and wakes up in time."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from protocol.client import Action, ClientConnection, Close, Connect, Notice, Send
from protocol.client.link import ABNORMAL
from protocol.frames.server import StreamChunk
from tidewire.clock import Clock, Timer
from tidewire.errors import Unreachable
from tidewire.transport import ConnectFailed, Connector, Socket

OnNotice = Callable[[Notice, int], None]
TokenSource = Callable[[], Awaitable[str]]


class Driver:
    """One client's sockets and its timer, in one task group.

    Args:
        url: of the websocket.
        token: asked for a fresh token before every hello; None leaves the one the rules know. While it raises OSError
            or `Unreachable` nothing is opened, and it is asked again as after a lost socket.
        on_notice: takes every notice, with the size in bytes of the frame it came with; must not block.
    """

    def __init__(
        self,
        core: ClientConnection,
        connector: Connector,
        url: str,
        clock: Clock,
        token: TokenSource | None,
        on_notice: OnNotice,
    ) -> None:
        self.core = core
        self._connector, self._url, self._clock, self._token = connector, url, clock, token
        self._on_notice = on_notice
        self._dialing: dict[int, asyncio.Task[None]] = {}
        self._sockets: dict[int, Socket] = {}
        self._closing: list[Socket] = []
        self._timer: Timer | None = None
        self._due = 0.0
        self._group: asyncio.TaskGroup | None = None
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Connect and stay connected until `finish` or a failure; leaves nothing open behind it."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self.take(self.core.open(self._clock.now()))
                await self._over
                self.take(self.core.close())
        finally:
            self._abandon()
            await asyncio.gather(*[socket.wait_closed() for socket in self._closing])

    def finish(self, failure: BaseException | None = None) -> None:
        """End `run`, with the failure if there is one; nothing happens when it has ended."""
        if self._over.done():
            return
        if failure is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(failure)

    def spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        """Run something beside the sockets; its failure ends `run`."""
        if self._group is None:
            raise RuntimeError("The client is not running yet.")
        return self._group.create_task(_await(work))

    def take(self, notices: list[Notice], size: int = 0) -> None:
        """Hand over notices, then act: that order is what a pong promises."""
        for notice in notices:
            self._on_notice(notice, size)
        actions = self.core.actions()
        if actions:
            self._act(actions)
        elif len(notices) == 1 and type(notices[0]) is StreamChunk:
            return  # nearly every frame is one of these, and they move no deadline nearer
        self._arm()

    def _act(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                if (socket := self._sockets.get(action.link)) is not None:
                    socket.send(action.data)
            elif isinstance(action, Connect):
                self._dialing[action.link] = self.spawn(self._dial(action.link))
            else:
                self._close(action)

    def _arm(self) -> None:
        """Set the timer when something is due earlier than it; one that is early only looks again."""
        now = self._clock.now()
        due = self.core.deadline(now)
        if due is None or (self._timer is not None and self._due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._clock.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._guarded(lambda: self.take(self.core.tick(self._clock.now())))

    async def _dial(self, link: int) -> None:
        try:
            token = await self._fresh_token()
            socket = await self._connector(self._url)
        except ConnectFailed as failure:
            self._dialing.pop(link, None)
            self.take(self.core.closed(link, failure.code, self._clock.now()))
            return
        self._dialing.pop(link, None)
        self._sockets[link] = socket
        self.take(self.core.opened(link, self._clock.now(), token))
        socket.listen(partial(self._received, link), partial(self._closed, link))

    async def _fresh_token(self) -> str | None:
        if self._token is None:
            return None
        try:
            return await self._token()
        except (OSError, Unreachable) as failure:
            raise ConnectFailed(ABNORMAL, str(failure)) from failure

    def _received(self, link: int, data: bytes) -> None:
        try:
            self.take(self.core.received(link, data, self._clock.now()), len(data))
        except Exception as failure:  # noqa: BLE001 - the parser calls this; the failure belongs to our owner
            self.finish(failure)

    def _closed(self, link: int, code: int) -> None:
        self._sockets.pop(link, None)
        self._guarded(lambda: self.take(self.core.closed(link, code, self._clock.now())))

    def _guarded(self, work: Callable[[], None]) -> None:
        if self._over.done():
            return
        try:
            work()
        except Exception as failure:  # noqa: BLE001 - the event loop calls this; the failure belongs to our owner
            self.finish(failure)

    def _close(self, action: Close) -> None:
        task = self._dialing.pop(action.link, None)
        if task is not None:
            task.cancel()
        socket = self._sockets.pop(action.link, None)
        if socket is not None:
            self._hang_up(socket, action.code)

    def _hang_up(self, socket: Socket, code: int) -> None:
        socket.close(code)
        self._closing.append(socket)
        if not self._over.done() and len(self._closing) > 1:
            # Those from long ago are gone by now (2 s); only the newest may still be closing.
            self._closing = self._closing[-2:]

    def _abandon(self) -> None:
        """Whatever ended us, no socket and no timer outlives us."""
        if self._timer is not None:
            self._timer.cancel()
        for socket in self._sockets.values():
            self._hang_up(socket, 1001)
        self._sockets.clear()


async def _await(work: Awaitable[None]) -> None:
    await work
