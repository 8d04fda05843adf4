"""The SDK without a network: sockets joined to a small server in memory, and a clock that tests turn."""

import asyncio
import heapq
import itertools
import random
from collections.abc import Callable
from typing import Any

import tidewire

from protocol.codec import encode
from protocol.frames.server import ServerFrame
from tests.protocol.client.peer import Peer, World


class ManualTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualClock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._timers: list[tuple[float, int, ManualTimer]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self.time

    def unix_ms(self) -> int:
        return 1_790_000_000_000

    def call_at(self, when: float, callback: Callable[[], None]) -> ManualTimer:
        timer = ManualTimer(callback)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    async def turn(self, seconds: float) -> None:
        """Let time pass, waking whoever is due on the way."""
        until = self.time + seconds
        while self._timers and self._timers[0][0] <= until:
            when, _, timer = heapq.heappop(self._timers)
            self.time = max(self.time, when)
            if timer.callback is not None:
                timer.callback()
            await idle()
        self.time = until
        await idle()


async def idle() -> None:
    """Let everything that is ready run."""
    for _ in range(20):
        await asyncio.sleep(0)


class MemorySocket:
    """A socket whose other end is a `Peer` in the same loop."""

    def __init__(self, net: "Net") -> None:
        self.net = net
        self.peer = Peer(net.world, lambda at, head: net.cut(at, head))
        self.mute = False  # swallows everything, as a dead network does
        self.on_text: Callable[[bytes], None] | None = None
        self.on_close: Callable[[int], None] | None = None
        self.close_code: int | None = None

    def listen(self, on_text: Callable[[bytes], None], on_close: Callable[[int], None]) -> None:
        self.on_text, self.on_close = on_text, on_close

    def send(self, data: bytes) -> None:
        if not self.mute:
            asyncio.get_running_loop().call_soon(self._answer, data)

    def _answer(self, data: bytes) -> None:
        for frame in self.peer.receive(data):
            self.say_raw(frame)
        self.pump()

    def say_raw(self, data: bytes) -> None:
        if self.on_text is not None and not self.mute:
            self.on_text(data)

    def say(self, frame: ServerFrame) -> None:
        self.say_raw(encode(frame))

    def pump(self) -> None:
        while self.on_text is not None and not self.mute and (frames := self.peer.pump()):
            for frame in frames:
                self.say_raw(frame)

    def close(self, code: int) -> None:
        self.close_code = code
        self.on_text = self.on_close = None

    async def wait_closed(self) -> None:
        return

    def die(self, code: int = 1006) -> None:
        """The server or the network closes it."""
        on_close, self.on_text, self.on_close = self.on_close, None, None
        assert on_close is not None
        on_close(code)


class Net:
    """Opens sockets to one world; refuses while `down` holds a close code."""

    def __init__(self) -> None:
        self.world = World()
        self.sockets: list[MemorySocket] = []
        self.down: int | None = None
        self.clock = ManualClock()
        self.cut: Callable[[int, int], int] = lambda _at, head: head

    async def __call__(self, url: str) -> MemorySocket:
        assert url == "ws://server/v1/socket"
        if self.down is not None:
            raise tidewire.ConnectFailed(self.down, "down")
        self.sockets.append(MemorySocket(self))
        return self.sockets[-1]

    def connect(self, **options: Any) -> tidewire.Client:
        given = {"token": "t", "timeout": None, **options}
        return tidewire.connect("http://server", connector=self, clock=self.clock, random=random.Random(7), **given)

    @property
    def socket(self) -> MemorySocket:
        return self.sockets[-1]

    def pump(self) -> None:
        for socket in self.sockets:
            socket.pump()

    def say(self, *words: str, stream: str = "str_1") -> None:
        self.world.logs[stream].say(*words)
        self.pump()

    def finish(self, status: str = "completed", stream: str = "str_1") -> None:
        self.world.logs[stream].finish(status)
        self.pump()
