"""One tab: a socket that follows every stream of its user and remembers what it was shown."""

import asyncio
import json
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import tidewire

from app.load.tally import Tally
from protocol.client import Connected, Disconnected, Notice, Subscribed
from protocol.frames.server import Event, StreamChunk


class Tab:
    """Watches one client.

    The times of tokens count only when they are delivered live: what is replayed to a tab that joins late or comes
    back is as old as it is. `added latency` compares clocks, so load and server belong on one machine.

    Args:
        wall_us: Unix time in microseconds.
    """

    def __init__(self, url: str, token: str, tally: Tally, wall_us: Callable[[], int]) -> None:
        self.client = tidewire.connect(url, token=token, observer=self._observe, timeout=60)
        self.shown: dict[str, str] = {}  # message id -> digest of the parts
        self.first_text: dict[str, float] = {}
        self._tally = tally
        self._wall_us = wall_us
        self._replaying: set[str] = set()
        self._watching: dict[str, asyncio.Task[None]] = {}

    def watch(self, answer: tidewire.Answer) -> None:
        """Remember how this answer ends; twice is once."""
        if answer.stream_id not in self._watching:
            self._watching[answer.stream_id] = asyncio.create_task(self._watch(answer))

    async def settled(self, patience: float) -> None:
        """Wait for every answer that is being watched, within the patience in seconds; late ones count as errors."""
        if not self._watching:
            return
        _, late = await asyncio.wait(self._watching.values(), timeout=patience)
        for task in late:
            self._tally.errors["never ended"] += 1
            task.cancel()
        await asyncio.gather(*self._watching.values(), return_exceptions=True)

    async def _watch(self, answer: tidewire.Answer) -> None:
        try:
            done = await answer.finished()
        except tidewire.TidewireError as failure:
            self._tally.errors[type(failure).__name__] += 1
        else:
            self.shown[done.message["id"]] = digest(done.message["parts"])

    def _observe(self, notice: Notice) -> None:
        if isinstance(notice, StreamChunk):
            self._chunk(notice)
        elif isinstance(notice, Event):
            if notice.name == "stream.started" and notice.source_client_id != self.client.client_id:
                self._follow(notice.data["streamId"])
        elif isinstance(notice, Subscribed):
            if notice.seq:
                self._replaying.add(notice.stream_id)
        elif isinstance(notice, Connected):
            self._connected(notice)
        elif isinstance(notice, Disconnected):
            self._tally.reconnects += 1

    def _connected(self, notice: Connected) -> None:
        self._tally.moves += notice.moved
        self._replaying.update(each.stream_id for each in notice.welcome.streams if each.seq)
        for each in notice.welcome.active_streams:
            self._follow(each.stream_id)

    def _follow(self, stream_id: str) -> None:
        # Not now: the client is in the middle of handing out notices.
        asyncio.get_running_loop().call_soon(self._follow_now, stream_id)

    def _follow_now(self, stream_id: str) -> None:
        if stream_id not in self._watching and self.client.state != "closed":
            self.watch(self.client.follow(stream_id))

    def _chunk(self, frame: StreamChunk) -> None:
        tally = self._tally
        tally.frames += 1
        live = frame.stream_id not in self._replaying
        now = self._wall_us()
        for chunk in frame.chunks:
            if chunk["type"] == "text-delta":
                stamps = chunk["delta"].split()
                tally.tokens += len(stamps)
                if frame.stream_id not in self.first_text:
                    self.first_text[frame.stream_id] = time.monotonic()
                if live:
                    for stamp in stamps:
                        tally.latency.add(now - int(stamp))
        if not live:
            self._replaying.discard(frame.stream_id)


def digest(parts: list[dict[str, Any]]) -> str:
    """A short stand-in for the parts of a message; equal parts give equal digests."""
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
