"""The second's round of a node: it keeps its lease, obeys what others wrote down, and takes over from the dead.

Everything here is read from the database, because it alone sees all nodes. Whatever is also told faster (a stop over
the backplane, a queue's next by whoever ended the one before) is found here when telling it failed.
"""

import asyncio
import logging

from app.backplane.interface import JournalUnavailable
from app.store import streams
from app.store.engine import Database
from app.store.errors import BadQuery, ConstraintViolation, StoreUnavailable
from app.store.outbox import Outbox
from app.store.streams import StreamRow
from app.streams import ledger
from app.streams.closing import StreamLost
from app.streams.lease import RENEW_EVERY, Lease
from app.streams.quota import Quota
from app.streams.sealing import Sealing, about
from app.streams.supervisor import Supervisor

log = logging.getLogger("tidewire.streams")

# Streams taken over in one statement; the next look takes the next ones.
CLAIMS = 50
USERS = 50


class Ownership:
    """Sees to it that every stream has an owner that runs it.

    Args:
        database, outbox: what was promised.
        lease: this node's right to own streams.
        supervisor: runs them.
        sealing: ends those whose owner died.
        node: this node.
        quota: how much one user may have.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        lease: Lease,
        supervisor: Supervisor,
        sealing: Sealing,
        *,
        node: str,
        quota: Quota,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._lease = lease
        self._supervisor = supervisor
        self._sealing = sealing
        self._node = node
        self._quota = quota
        self._suspects: frozenset[str] = frozenset()
        self._misfits: set[str] = set()  # streams and users with whom something is wrong, told once in the log

    async def run(self) -> None:
        """Look after it for ever; owned by the node."""
        while True:
            try:
                await self.look()
            except (StoreUnavailable, JournalUnavailable) as problem:
                log.warning("a look at who owns what failed; the next one tries again: %s", problem)
            except Exception:
                log.exception("a look at who owns what failed; the next one tries again")
            await asyncio.sleep(min(RENEW_EVERY, self._lease.next_look))

    async def look(self) -> None:
        """Do one round.

        Raises:
            StoreUnavailable, JournalUnavailable: something could not be read or written now.
        """
        await self._lease.renew()
        await self._obey()
        if self._lease.may_seal:
            claimed = await streams.claim_orphans(self._database, self._node, limit=CLAIMS)
            # Together: their readers wait, and each commit waits for the database.
            sealed = (self._seal(row, "its node died") for row in claimed)
            for outcome in await asyncio.gather(*sealed, return_exceptions=True):
                if outcome is not None:
                    raise outcome
        if not self._supervisor.draining:
            for user_id in await streams.users_to_serve(self._database, at_once=self._quota.at_once, limit=USERS):
                await self._serve(user_id)

    async def _obey(self) -> None:
        """Stop what somebody asked to stop, and seal what is this node's but does not run.

        Between the commit that starts a stream and its launch nothing is awaited, yet this read may fall between the
        two; so only what does not run twice in a row is lost: its commit came through, and the word of it did not.
        """
        idle = []
        for row in await streams.owned(self._database, self._node):
            if not self._supervisor.runs(row.stream_id):
                idle.append(row)
            elif row.status == "stopping":
                self._supervisor.halt(row.stream_id, "stop")
        for row in idle:
            if row.stream_id in self._suspects:
                await self._seal(row, "nobody runs it")
        self._suspects = frozenset(row.stream_id for row in idle)

    async def _seal(self, row: StreamRow, why: str) -> None:
        if row.stream_id in self._misfits:
            return
        log.warning("%s is sealed: %s", row.stream_id, why, extra=about(row))
        try:
            started = await self._sealing.seal(row, start_next=not self._supervisor.draining)
        except (StoreUnavailable, JournalUnavailable):
            raise  # the next round tries again
        except StreamLost:
            return  # this node stood still meanwhile, and another one took its place
        except Exception:
            # Once is enough in the log: it stays as it is until somebody looks, and the others are sealed.
            self._misfits.add(row.stream_id)
            log.exception("%s cannot be sealed; the others are", row.stream_id, extra=about(row))
            return
        for generation in started:
            self._supervisor.launch(generation)

    async def _serve(self, user_id: str) -> None:
        if user_id in self._misfits:
            return
        try:
            async with self._outbox.change(user_id) as change:
                started = await ledger.start_waiting(change, node=self._node, quota=self._quota)
        except (ConstraintViolation, BadQuery):
            self._misfits.add(user_id)
            log.exception("the answers that %s waits for cannot start", user_id, extra={"user": user_id})
            return  # one user's queue must not hold up everybody's
        for generation in started:
            self._supervisor.launch(generation)
