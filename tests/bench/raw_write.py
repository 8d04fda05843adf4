"""What a delivered frame costs: `await send` against the outlet's raw write, flat out.

One server process, K sockets of one client process, a pre-encoded frame a token. The ways of writing take turns, block
by block, in one run, so that whatever else the machine does hits each alike; cost is the server's own CPU time
(user and system, from the kernel), divided by the frames delivered.

    python -m tests.bench.raw_write --sockets 64 --frames 2000 --blocks 6
"""

import argparse
import asyncio
import multiprocessing
import resource
import sys
from collections import defaultdict
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, cast

from app.sockets.outlet import Outlet, frame, outlet_of
from app.sockets.server import Server, config, listen, loop_factory, port_of

PAYLOAD = (
    b'{"type":"stream.chunk","streamId":"str_9","prev":412,"seq":413,"chunks":[{"type":"text-delta","delta":"word"}]}  '
)
WAYS = ("await send", "write 1", "join 4", "lines 4", "join 16", "lines 16")


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Fan:
    """The application: sockets that are written to on command."""

    def __init__(self) -> None:
        self.sockets: list[tuple[Outlet, Any]] = []

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                kind = (await receive())["type"]
                await send({"type": f"{kind}.complete"})
                if kind == "lifespan.shutdown":
                    return
        await receive()
        await send({"type": "websocket.accept"})
        self.sockets.append((outlet_of(scope, send), send))
        while (await receive())["type"] != "websocket.disconnect":
            pass

    async def block(self, way: str, frames: int) -> float:
        """Write `frames` frames to every socket in one way; returns CPU seconds."""
        start = cpu()
        if way == "await send":
            await self._sends(frames)
        else:
            kind, size = way.split()
            await self._writes(kind, int(size), frames)
        await self.until(lambda: not any(outlet.buffered for outlet, _ in self.sockets))
        return cpu() - start

    async def _sends(self, frames: int) -> None:
        text = PAYLOAD.decode()
        for _ in range(frames):
            for _, send in self.sockets:
                await send({"type": "websocket.send", "text": text})
            await asyncio.sleep(0)

    async def _writes(self, kind: str, size: int, frames: int) -> None:
        for _ in range(frames // size):
            batch = [frame(PAYLOAD) for _ in range(size)]  # framed once for all sockets, as the fan-out does
            for outlet, _ in self.sockets:
                if kind == "lines":
                    outlet._transport.writelines(batch)  # type: ignore[attr-defined]  # the way not taken
                else:
                    outlet.write(batch)
            await asyncio.sleep(0)
            if not all(outlet.writable for outlet, _ in self.sockets):
                await self.until(lambda: all(outlet.writable for outlet, _ in self.sockets))

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not done():  # noqa: ASYNC110 - a rare wait, kept off the path that is measured
                await asyncio.sleep(0.001)


def client(port: int, sockets: int, pipe: Connection) -> None:
    """Read everything, parse nothing: the client must not be the bottleneck."""

    class Reader(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            cast(asyncio.Transport, transport).write(
                b"GET /v1/socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )

    async def run() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(sockets):
            await loop.create_connection(Reader, "127.0.0.1", port)
        await loop.run_in_executor(None, pipe.recv)

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(run())


async def measure(sockets: int, frames: int, blocks: int) -> dict[str, list[float]]:
    listeners = listen("127.0.0.1", 0)
    fan = Fan()
    server = Server(config(fan.app))
    serving = asyncio.create_task(server.serve(sockets=listeners))
    ours, theirs = multiprocessing.Pipe()
    reader = multiprocessing.get_context("spawn").Process(target=client, args=(port_of(listeners), sockets, theirs))
    reader.start()
    await fan.until(lambda: len(fan.sockets) == sockets)
    await fan.block("await send", frames)  # warm
    spent: dict[str, list[float]] = defaultdict(list)
    for number in range(blocks):
        for way in WAYS if number % 2 == 0 else WAYS[::-1]:
            spent[way].append(await fan.block(way, frames) / (frames * sockets) * 1e6)
    ours.send(None)
    reader.join()
    server.should_exit = True
    await serving
    return spent


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sockets", type=int, default=64)
    options.add_argument("--frames", type=int, default=2000)
    options.add_argument("--blocks", type=int, default=6)
    chosen = options.parse_args()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        spent = runner.run(measure(chosen.sockets, chosen.frames, chosen.blocks))
    ceiling = sorted(spent["await send"])[len(spent["await send"]) // 2]
    for way, costs in spent.items():
        middle = sorted(costs)[len(costs) // 2]
        line = f"{way:12} {middle:6.2f} us a frame {middle / ceiling:6.2f} x  ({min(costs):.2f} to {max(costs):.2f})"
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
