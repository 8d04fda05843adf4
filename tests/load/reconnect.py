"""Bar: of 2,000 sockets on two nodes one node is killed; 99 % are resumed on the other one within 10 s, with one
database query each on average at most.

    python -m tests.load.reconnect [--everybody] [--any-speed]

Two nodes over a PostgreSQL and a Redis of the script's own. Each user has eight sockets on both nodes, an answer that
has ended and one that runs, on either node. One node is killed (SIGKILL); those who were there come back to the other
one as an SDK does, after a moment at random, and say which events and chunks they have. A socket is resumed once it has
its welcome, every event it missed, and both answers as far as the welcome says they are; one that is told to try again
does so on a new connection.

The queries are those of the surviving node from the kill until the last socket is resumed, whatever they were for: the
rounds and the sealing of the dead node's answers are among them. With `--everybody` all sockets are on the node that
dies.
"""

import asyncio
import json
import random
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field

import websockets
from websockets.asyncio.client import ClientConnection

from protocol.client.backoff import Backoff
from tests.load.figures import parser, percentile, report
from tests.load.nodes import Nodes, two_nodes
from tests.wire import Frame, guest, opened

RESUMED_WITHIN = 10.0
OF_ONE_USER = 8
OPENING_AT_ONCE = 50
PATIENCE = 60.0


@dataclass
class Person:
    """A user, what they have asked, and where their events stood before."""

    token: str
    events: Frame = field(default_factory=dict)
    streams: list[str] = field(default_factory=list)


class Line:
    """One socket of a user: lost, it comes back elsewhere."""

    def __init__(self, person: Person, url: str) -> None:
        self.person = person
        self.url = url
        self.tries = 0
        self.problem = ""
        self.socket: ClientConnection

    async def open(self, **positions: object) -> Frame:
        """Open a socket and say hello; return the welcome."""
        self.tries += 1
        self.socket = await websockets.connect(
            self.url.replace("http", "ws", 1) + "/v1/socket",
            subprotocols=["tidewire.v1"],  # type: ignore[list-item]  # plain names will do
            compression=None,
            ping_interval=None,
            open_timeout=PATIENCE,
        )
        hello = {"type": "hello", "id": "h", "clientId": "line", "token": self.person.token, "snapshot": "never"}
        await self.socket.send(json.dumps(hello | positions))
        return await self._next("welcome")

    async def stay(self) -> None:
        """Read until the connection is gone."""
        try:
            while True:
                await self._next("nothing")
        except websockets.ConnectionClosed:
            pass

    async def come_back(self, url: str) -> float:
        """Resume elsewhere; return when that was done."""
        self.url = url
        backoff, self.tries = Backoff(random.random), 0
        while True:
            await asyncio.sleep(backoff.next())
            try:
                return await self._resume()
            except (OSError, websockets.WebSocketException):
                continue

    async def _resume(self) -> float:
        positions = [{"streamId": stream_id, "after": 0} for stream_id in self.person.streams]
        welcome = await self.open(events=self.person.events, streams=positions)
        refused = [each["error"] for each in welcome["streams"] if "error" in each]
        if any(error["retryable"] for error in refused):
            self.socket.transport.abort()
            raise ConnectionError("a stream could not be read just now")
        if refused or not welcome["events"]["recovered"]:
            self.problem = f"not resumed: {refused} {welcome['events']}"
            return time.monotonic()
        missing = {each["streamId"]: each["seq"] for each in welcome["streams"]}
        reached, offset = dict.fromkeys(missing, 0), self.person.events["offset"]
        while offset < welcome["events"]["offset"] or any(reached[name] < seq for name, seq in missing.items()):
            frame = json.loads(await self._read())
            if frame["type"] == "event":
                self._check(frame["offset"] == offset + 1, frame)
                offset = frame["offset"]
            elif frame["type"] == "stream.chunk":
                self._check(frame["prev"] == reached[frame["streamId"]], frame)
                reached[frame["streamId"]] = frame["seq"]
        return time.monotonic()

    def _check(self, is_next: bool, frame: Frame) -> None:
        if not is_next:
            self.problem = f"a gap before {str(frame)[:200]}"

    async def _next(self, kind: str) -> Frame:
        while True:
            frame: Frame = json.loads(await self._read())
            if frame["type"] == kind:
                return frame

    async def _read(self) -> str:
        """Read a frame, and answer it if it is a ping."""
        data = await self.socket.recv(decode=True)
        if data.startswith('{"type":"ping"'):
            await self.socket.send(json.dumps({"type": "pong", "id": json.loads(data)["id"]}))
        return data


async def asked(nodes: Nodes, count: int) -> list[Person]:
    """People with an answer that has ended and one that runs, every other one's on the node that will die."""
    people = [Person(guest(nodes.a.url)) for _ in range(count)]
    for number, person in enumerate(people):
        async with opened((nodes.a, nodes.b)[number % 2].url, person.token) as tab:
            person.events = {name: tab.frames[0]["events"][name] for name in ("epoch", "offset")}
            done = await tab.ask("done", options={"tokens": 40, "pace": 0})
            await tab.ended(done["streamId"])
            running = await tab.ask("running", options={"tokens": 1_000, "pace": 0.2})
            person.streams = [done["streamId"], running["streamId"]]
    return people


def placed(people: list[Person], sockets: int, urls: list[str]) -> Iterator[Line]:
    """So many sockets, in turn on each of these nodes."""
    for number in range(sockets):
        yield Line(people[number // OF_ONE_USER], urls[number % len(urls)])


def queries(url: str) -> int:
    """How many statements a node has sent to the database."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        lines: list[str] = answer.read().decode().splitlines()
    [value] = [line.split()[1] for line in lines if line.startswith("tidewire_database_queries_total ")]
    return int(float(value))


async def open_all(lines: list[Line]) -> list[asyncio.Task[None]]:
    """Open all sockets, some at a time, and read each from then on: a task each that ends with its connection."""
    room = asyncio.Semaphore(OPENING_AT_ONCE)

    async def one(line: Line) -> asyncio.Task[None]:
        async with room:
            await line.open()
            return asyncio.create_task(line.stay())

    return await asyncio.gather(*(one(line) for line in lines))


async def main(sockets: int, *, everybody: bool, timing: bool) -> int:
    """Kill a node once and report."""
    with two_nodes(LOG_LEVEL="error") as nodes:
        people = await asked(nodes, -(-sockets // OF_ONE_USER))
        lines = list(placed(people, sockets, [nodes.a.url] if everybody else [nodes.a.url, nodes.b.url]))
        reading = await open_all(lines)
        moving = [line for line in lines if line.url == nodes.a.url]
        losing = [task for line, task in zip(lines, reading, strict=True) if line.url == nodes.a.url]
        staying = [task for line, task in zip(lines, reading, strict=True) if line.url != nodes.a.url]
        before = await asyncio.to_thread(queries, nodes.b.url)
        killed_at = time.monotonic()
        nodes.a.kill()
        await asyncio.gather(*losing)
        async with asyncio.timeout(PATIENCE):
            took = [at - killed_at for at in await asyncio.gather(*(line.come_back(nodes.b.url) for line in moving))]
        each = (await asyncio.to_thread(queries, nodes.b.url) - before) / len(moving)
        cut = sum(task.done() for task in staying)
        for task in staying:
            task.cancel()
        await asyncio.gather(*staying, return_exceptions=True)
        for line in lines:
            line.socket.transport.abort()
    problems, p99 = [line.problem for line in moving if line.problem], percentile(took, 99)
    return report(
        f"One of two nodes with {sockets} sockets is killed; {len(moving)} move to the other",
        {
            "resumed after": f"p50 {percentile(took, 50):.2f} s, p99 {p99:.2f} s, last {max(took):.2f} s",
            "database queries each": f"{each:.2f}",
            "connections each": f"{sum(line.tries for line in moving) / len(moving):.2f}",
            "sockets of the other node cut": cut,
            "problems": problems[:3] or "none",
        },
        reached=not problems and not cut and (not timing or (p99 <= RESUMED_WITHIN and each <= 1)),
    )


if __name__ == "__main__":
    options = parser(__doc__, sockets=2_000)
    options.add_argument("--everybody", action="store_true", help="all sockets are on the node that is killed")
    options.add_argument("--any-speed", action="store_true", help="only exactness decides, as on a busy machine")
    given = options.parse_args()
    sys.exit(asyncio.run(main(given.sockets, everybody=given.everybody, timing=not given.any_speed)))
