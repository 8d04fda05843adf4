"""What makes a node the owner of its streams, and when it may take over those of others.

On several nodes it is a row in the database, renewed every second and good for eight, by the database's clock. Only a
node that has renewed its own without a break for one whole term may take over streams: so an outage of the database,
which stops every renewal alike, kills nobody when it ends. A node that could not renew in time no longer knows whether
its streams are its own; it shows nothing any more that the journal has not taken.

On a single node it is the lock on the data folder, which the kernel keeps. With PostgreSQL such a node has a lease as
well, against one with another data folder.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from app.backplane.folder import DataFolder
from app.clock import Clock
from app.store import leases
from app.store.errors import StoreUnavailable
from app.store.leases import Neighbour
from app.store.queries import Queries

# With the look that finds it run out and the sealing of what it left, the end comes within ten seconds (guarantee 18).
TERM_MS = 8_000
RENEW_EVERY = 1.0
# Two more tries fit into what is left of the term.
RENEW_PATIENCE = 3.0
# Past the end of a neighbour's lease by the database's clock, so that the next look finds it run out.
AFTER_EXPIRY = 0.02


class Lease(Protocol):
    """The right of this node to own streams."""

    async def take(self) -> None:
        """Take it, before anything is owned.

        Raises:
            NotAlone: another node lives where only one can.
            StoreUnavailable: it cannot be taken now.
        """

    async def renew(self) -> None:
        """Keep it.

        Raises:
            StoreUnavailable: it could not be renewed now.
        """

    async def release(self) -> None:
        """Give it back, because this node goes."""

    @property
    def is_held(self) -> bool:
        """Whether nobody else can have taken over this node's streams."""

    @property
    def may_seal(self) -> bool:
        """Whether streams of dead nodes may be taken over."""

    @property
    def neighbours(self) -> Sequence[str]:
        """The other nodes that lived when it was renewed last."""

    @property
    def next_look(self) -> float:
        """In how many seconds to renew it, or to look whether a neighbour has died."""


class NotAlone(Exception):  # noqa: N818 - says what is the matter
    """Another node lives where only one can; a sentence that names it."""


class FolderLease:
    """A single node's: the lock on its data folder. What an earlier process left is sealed at the start."""

    is_held = True
    may_seal = False
    neighbours: Sequence[str] = ()
    next_look = RENEW_EVERY

    async def take(self) -> None:
        """Whoever opened the data folder has it."""

    async def renew(self) -> None:
        """The kernel keeps the lock."""

    async def release(self) -> None:
        """The lock goes with the process."""


class NodeLease:
    """One of several nodes', kept in the database.

    Args:
        database: where it is.
        clock: measures how long this process can be sure of it.
        node: this node.
    """

    def __init__(self, database: Queries, clock: Clock, *, node: str) -> None:
        self._database = database
        self._clock = clock
        self._node = node
        self._sure_until = 0.0
        self._unbroken_ms = 0
        self._neighbours: Sequence[Neighbour] = ()

    async def take(self) -> None:
        """Begin the first term."""
        await self.renew()

    async def renew(self) -> None:
        """Prolong it, or begin a new term."""
        asked_at = self._clock.monotonic()  # before the database's clock is read, so never later than it thinks
        try:
            async with asyncio.timeout(RENEW_PATIENCE):
                lease = await leases.renew(self._database, self._node, term_ms=TERM_MS)
                self._neighbours = await leases.neighbours(self._database, self._node)
        except TimeoutError:
            raise StoreUnavailable("The lease of this node could not be renewed in time.") from None
        self._sure_until = asked_at + TERM_MS / 1000
        self._unbroken_ms = lease.renewed_at - lease.acquired_at

    async def release(self) -> None:
        """Give it back: the neighbours need not wait until it runs out."""
        self._sure_until = 0.0
        await leases.release(self._database, self._node)

    @property
    def is_held(self) -> bool:
        """Whether the term of the last renewal is not over."""
        return self._clock.monotonic() < self._sure_until

    @property
    def may_seal(self) -> bool:
        """Whether it was renewed for a whole term without a break."""
        return self.is_held and self._unbroken_ms >= TERM_MS

    @property
    def neighbours(self) -> Sequence[str]:
        """The other nodes that lived when it was renewed last."""
        return [neighbour.node for neighbour in self._neighbours]

    @property
    def next_look(self) -> float:
        """A second, or less when a neighbour's lease ends sooner: nobody waits longer for its readers' sake."""
        if not self._neighbours:
            return RENEW_EVERY
        return min(RENEW_EVERY, self._neighbours[0].remaining_ms / 1000 + AFTER_EXPIRY)


class LoneLease(NodeLease):
    """That of the only node of a database, which has no backplane to share with another.

    Args:
        database, clock, node: as for any node's.
        folder: its data folder, locked: so the node that had it before is dead, however it died.
    """

    def __init__(self, database: Queries, clock: Clock, folder: DataFolder, *, node: str) -> None:
        super().__init__(database, clock, node=node)
        self._folder = folder

    async def take(self) -> None:
        """Take it at once from the node that had the data folder before; any other one's lease must run out first.

        Raises:
            NotAlone: another node goes on renewing its own.
            DataFolderError: this node cannot be noted in the data folder.
        """
        if former := self._folder.former_node():
            await leases.release(self._database, former)
        self._folder.note_node(self._node)  # before the lease is taken: whoever comes next finds the name of every one
        give_up_at = self._clock.monotonic() + TERM_MS / 1000 + 2 * RENEW_EVERY
        await self.renew()
        while self._neighbours:
            if self._clock.monotonic() >= give_up_at:
                await self.release()
                raise NotAlone(
                    f"The node {self._neighbours[0].node} serves this database. Without REDIS_URL only one node can: "
                    "stop that one first, or set REDIS_URL for both."
                )
            await asyncio.sleep(self.next_look)
            await self.renew()
