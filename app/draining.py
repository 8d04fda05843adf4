"""From the first signal to the end of the server: a drain in between."""

import asyncio
import logging
import signal

from app.node import Node
from app.sockets.server import Server

log = logging.getLogger("tidewire")

# Ctrl-C is a person waiting at a terminal.
INTERRUPT_DRAIN = 3.0


class Draining:
    """Turns the first signal into a drain, and its end into the server's (guarantee 30).

    Args:
        node: what drains.
        server: what ends when the node has drained, or could not.
        seconds: how long answers may still take after SIGTERM; after SIGINT, 3 s at most.
    """

    def __init__(self, node: Node, server: Server, seconds: float) -> None:
        self._node = node
        self._server = server
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def begin(self, signal_number: int) -> None:
        """Begin to drain."""
        seconds = min(self._seconds, INTERRUPT_DRAIN) if signal_number == signal.SIGINT else self._seconds
        self._task = asyncio.create_task(self._drain(seconds))

    async def over(self) -> None:
        """End what a second signal cut short."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _drain(self, seconds: float) -> None:
        try:
            await self._node.drain(seconds, self._server.stop_listening)
        except Exception:
            log.exception("draining failed; the server exits without it")
        finally:
            self._server.should_exit = True
