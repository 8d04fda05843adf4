"""Reaches whoever runs a stream: a runner of this node, or the node that owns it."""

import asyncio

from app.backplane.broker import Broker
from app.backplane.news import Order, SettleRequest, StopStream
from app.store import streams
from app.store.queries import Queries
from app.store.streams import StreamRow
from app.store.tool_requests import Answer, Request
from app.streams.supervisor import Supervisor
from app.tasks import Crew
from protocol.lifecycle import TERMINAL

# How often the database is asked whether another node has ended a stream.
LOOK_EVERY = 0.05


class Owners:
    """Stops streams, and settles what they wait for, wherever they run.

    Everything is written down first, so a word that is lost costs a second.

    Args:
        database: says when another node has ended a stream.
        supervisor: runs those of this node.
        broker: tells the other nodes.
        node: this node.
    """

    def __init__(self, database: Queries, supervisor: Supervisor, broker: Broker, *, node: str) -> None:
        self._database = database
        self._supervisor = supervisor
        self._broker = broker
        self._node = node
        self._crew = Crew("orders")

    async def close(self) -> None:
        """Give up what was not told yet; its owner finds it written down."""
        await self._crew.close()

    def halt(self, row: StreamRow) -> None:
        """Stop a stream whose stop is written down."""
        if not self._supervisor.halt(row.stream_id, "stop") and row.node not in (None, self._node):
            self._tell(str(row.node), StopStream(row.user_id, row.stream_id))

    def settle(self, node: str, user_id: str, request: Request, answer: Answer) -> None:
        """Pass an answer of people, which is written down, on to the node whose runner waits for it."""
        if node != self._node:
            self._tell(node, SettleRequest(user_id, *request, dict(answer)))

    async def end(self, row: StreamRow) -> bool:
        """Stop a stream and wait until it is stored and its end is sent.

        Returns:
            False when it is this node's by its row, and yet nobody runs it.
        """
        if await self._supervisor.stop(row.stream_id):
            return True
        if row.node in (None, self._node):
            return False
        self.halt(row)
        while await self._runs(row):  # noqa: ASYNC110 - another node says so in the database alone
            await asyncio.sleep(LOOK_EVERY)
        return True

    def _tell(self, node: str, order: Order) -> None:
        self._crew.start(self._broker.tell(node, order), name=f"{type(order).__name__} of {order.stream_id}")

    async def _runs(self, row: StreamRow) -> bool:
        now = await streams.get(self._database, row.user_id, row.stream_id)
        return now is not None and now.status not in TERMINAL
