"""One running server: what is opened and closed with it, its periodic rounds, and how it drains."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

from app.backplane.broker import Broker, Listener
from app.backplane.interface import Journal
from app.clock import Clock
from app.models.catalogue import Catalogue
from app.realtime.hub import Hub
from app.rounds import Round
from app.sockets.endpoint import Sockets
from app.sockets.wheel import Wheel
from app.store import retention
from app.store.engine import Database
from app.store.errors import StoreError, StoreUnavailable
from app.streams.lease import Lease
from app.streams.owners import Owners
from app.streams.ownership import Ownership
from app.streams.recovery import Recovery
from app.streams.registry import Registry
from app.streams.supervisor import Supervisor
from app.tasks import Crew
from protocol.limits import Limits

log = logging.getLogger("tidewire.node")

CLEANING_EVERY = 60.0
# Clients of a single node come back to the same one, so they need not be spread wide.
RECONNECT_SPREAD_MS = 1_000
# What commands under way get to finish once everybody was told to go.
CLOSE_AFTER_MS = 1_000
# Clients of one of several nodes come to its neighbours all at once unless they are spread.
MOVE_SPREAD_MS = 3_000
MOVE_WITHIN_MS = 8_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What a node is made of; `wiring` puts it together.

    Args:
        recovery: for a node that is alone; one of several seals what the dead left in its rounds.
        retire: called with the monotonic time, now and then, to forget what is old.
        rounds: recurring work of other parts, for as long as the node is open.
    """

    name: str
    database: Database
    journal: Journal
    broker: Broker
    listener: Listener
    catalogue: Catalogue
    registry: Registry
    supervisor: Supervisor
    recovery: Recovery | None
    owners: Owners
    ownership: Ownership
    lease: Lease
    hub: Hub
    sockets: Sockets
    commands: Crew
    wheel: Wheel
    clock: Clock
    limits: Limits
    retire: tuple[Callable[[float], None], ...]
    rounds: tuple[Round, ...] = ()


class Node:
    """Lives as long as the server process.

    Args:
        parts: what it is made of.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._crew = Crew("node")
        self._is_open = False

    @property
    def name(self) -> str:
        """What it is called: the same nowhere else, and at no other time."""
        return self._parts.name

    async def open(self) -> None:
        """Open everything, seal what an earlier process left, and begin the rounds; a second call does nothing.

        Raises:
            StoreError, JournalError: the database or the journal cannot be used.
        """
        if self._is_open:
            return
        self._is_open = True
        parts = self._parts
        await parts.database.connect()
        await parts.journal.open()
        parts.supervisor.open()
        parts.hub.open()
        await parts.lease.take()
        await parts.broker.open(parts.listener)
        if parts.recovery is not None:
            await parts.recovery.run()
        self._crew.start(parts.ownership.run(), name="ownership")
        self._crew.start(parts.wheel.run(), name="wheel")
        for recurring in (Round("cleaning up", CLEANING_EVERY, self._clean_up), *parts.rounds):
            self._crew.start(recurring.run(), name=recurring.name)
        self._crew.start(parts.catalogue.warm(), name="warming the models")

    async def close(self) -> None:
        """Close everything in the reverse order, even when some of it fails; the next start seals what still runs."""
        parts = self._parts
        async with AsyncExitStack() as stack:
            for close in (
                parts.database.close,
                parts.lease.release,
                parts.journal.close,
                parts.broker.close,
                parts.registry.following.close,
                parts.owners.close,
                parts.catalogue.close,
                parts.hub.close,
            ):
                stack.push_async_callback(close)
            for crew in (parts.supervisor, parts.commands, self._crew):
                stack.push_async_callback(crew.close)

    async def drain(self, within: float, stop_listening: Callable[[], None] = lambda: None) -> None:
        """Go without cutting anybody off (guarantee 30).

        New sockets are refused. Where another node lives, everybody is told at once to move there, a little apart, and
        running answers go on to them through the backplane. A node that is alone keeps its sockets until its answers
        end or the time is over, and then tells everybody to come back to whoever takes over.

        Args:
            within: how long answers may still take, in seconds.
            stop_listening: called where another node lives: a balancer that looks for the fewest sockets would lead
                everybody who leaves this node straight back to it.
        """
        log.info("draining: %d answers are being written", self._parts.supervisor.running)
        self._parts.sockets.stop_admitting()
        if await self._has_neighbours():
            stop_listening()
            moving = self._parts.sockets.say_goodbye(MOVE_SPREAD_MS, MOVE_WITHIN_MS, wait_for_moves=True)
            await asyncio.gather(moving, self._parts.supervisor.drain(within))
        else:
            await self._parts.supervisor.drain(within)
            await self._parts.sockets.say_goodbye(RECONNECT_SPREAD_MS, CLOSE_AFTER_MS)

    async def _has_neighbours(self) -> bool:
        """Whether another node lives now: one that has just started, as in a rolling restart, is not known yet."""
        with suppress(StoreUnavailable):
            await self._parts.lease.renew()
        return bool(self._parts.lease.neighbours)

    async def readiness(self) -> str | None:
        """Say why new sockets are not taken; None when they are."""
        if self._parts.supervisor.draining:
            return "draining"
        try:
            await self._parts.database.fetch_one("SELECT 1 AS one")
        except StoreError:
            return "the database does not answer"
        return None

    async def _clean_up(self) -> None:
        """Forget what has outlived its limits."""
        parts = self._parts
        now = parts.clock.now_ms()
        parts.registry.retire(now)
        for retire in parts.retire:
            retire(parts.clock.monotonic())
        await parts.journal.retire(now)
        await retention.sweep(parts.database, parts.limits, now=now)
