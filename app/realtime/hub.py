"""Users to sockets: every committed event reaches every live socket of its user, in order (guarantees 20 to 24).

The hub is told of commits by plain calls and never waits for them. When a commit follows directly on what a feed
has, its events go straight to the sockets; when something is missing (an announcement was lost, doubled or
overtaken), the rows above the feed's head are read. A round compares the heads of all users present with the
database, so an event whose announcement never came still arrives within ten seconds. It also lets feeds go of what
every socket has.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from app.backplane.broker import Broker
from app.backplane.news import Announced
from app.realtime.feed import MOST_EVENTS, Feed
from app.store import events
from app.store.batching import Batch
from app.store.outbox import Committed
from app.store.queries import Queries
from app.tasks import Crew
from protocol.errors import Refusal
from protocol.frames.objects import EventPosition

log = logging.getLogger("tidewire.realtime")

CHECK_EVERY = 10.0
# Positions in one query: each may bring as much as a feed holds, 512 KiB.
_READ_BACK = 20


class Socket(Protocol):
    """A live connection of a user. `flush` is a plain function and must not fail."""

    def flush(self) -> None:
        """Write what may be written now."""

    def has_events(self, offset: int) -> bool:
        """Whether it follows its user's events and has been given all up to this offset."""

    def watches(self, chat_id: str) -> bool:
        """Whether a person looks at this chat there."""


class _Present:
    """One user with sockets on this node."""

    __slots__ = ("feed", "reading", "recovered", "sockets", "stale")

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.sockets: set[Socket] = set()
        self.reading = False
        self.stale = False  # something was committed while rows were being read
        self.recovered = False  # a position was, since the last round: its socket may not have begun to read there

    def rest(self) -> None:
        """Let the feed go of its frames, unless a socket still needs some."""
        if not self.recovered and all(socket.has_events(self.feed.head) for socket in self.sockets):
            self.feed.rest()
        self.recovered = False


@dataclass(frozen=True, slots=True)
class HubStatistics:
    """Who is present on a node, and how their events reached them since its start.

    Attributes:
        users: with a socket here.
        sockets: of theirs.
        gaps: times a feed read what it had missed in the database.
        resets: sockets that were sent to a snapshot, by reason.
    """

    users: int
    sockets: int
    gaps: int
    resets: Mapping[str, int]


class Hub:
    """Knows the users present on this node and their sockets.

    Args:
        database: where missed events are read.
        broker: brings word of what other nodes committed, and takes it to them.
        on_absent: called with a user whose last socket here is gone; a plain function.
    """

    def __init__(
        self, database: Queries, broker: Broker, on_absent: Callable[[str], None] = lambda _user_id: None
    ) -> None:
        self._database = database
        self._broker = broker
        self._on_absent = on_absent
        self._present: dict[str, _Present] = {}
        self._joining: dict[str, object] = {}  # users whose head is read; a commit takes the mark away
        self._heads = Batch("event heads", partial(events.heads, database))
        missed = partial(events.after_each, database, limit=MOST_EVENTS + 1)
        self._missed = Batch("missed events", missed, most=_READ_BACK)
        self._crew = Crew("hub")
        self._gaps = 0
        self._resets: Counter[str] = Counter()

    def statistics(self) -> HubStatistics:
        """Say who is present, and what happened since the start."""
        sockets = sum(len(present.sockets) for present in self._present.values())
        return HubStatistics(len(self._present), sockets, self._gaps, self._resets)

    def open(self) -> None:
        """Begin the rounds that find lost announcements."""
        self._crew.start(self._rounds(), name="rounds")

    async def close(self) -> None:
        """End the rounds."""
        await self._crew.close()

    def sockets_of(self, user_id: str) -> int:
        """How many sockets a user has on this node."""
        present = self._present.get(user_id)
        return len(present.sockets) if present else 0

    def is_watched(self, user_id: str, chat_id: str) -> bool:
        """Whether a person looks at this chat on a socket of this node."""
        present = self._present.get(user_id)
        return present is not None and any(socket.watches(chat_id) for socket in present.sockets)

    def feed_of(self, user_id: str) -> Feed | None:
        """The feed of a user who has a socket here."""
        present = self._present.get(user_id)
        return present.feed if present else None

    async def join(self, user_id: str, socket: Socket) -> Feed:
        """Add a socket; return the user's feed, which holds every event from its head on.

        Raises:
            Refusal: `session_revoked`, when the user is gone.
        """
        # First, so that whatever another node commits from here on is heard, or found missing by its number.
        await self._broker.subscribe(user_id)
        try:
            while (present := self._present.get(user_id)) is None:
                await self._begin(user_id)
        except BaseException:
            self._broker.unsubscribe(user_id)
            raise
        present.sockets.add(socket)
        return present.feed

    async def _begin(self, user_id: str) -> None:
        """Read where a user's log stands and begin the feed there, unless something came between."""
        mark = self._joining.setdefault(user_id, object())
        try:
            head = await self._heads.get(user_id)
            if head is None:
                raise Refusal("session_revoked")
            # A commit of this user while we read was told to nobody: what we read may be too old, so we read again.
            # Another socket that joined meanwhile took the mark away, too, and then its feed counts.
            if self._joining.get(user_id) is mark:
                self._present[user_id] = _Present(Feed(head.epoch, head.offset, self._resets))
        finally:
            if self._joining.get(user_id) is mark:
                del self._joining[user_id]

    def leave(self, user_id: str, socket: Socket) -> None:
        """Remove a socket; with the last one the feed goes."""
        present = self._present.get(user_id)
        if present is not None and socket in present.sockets:
            present.sockets.discard(socket)
            self._broker.unsubscribe(user_id)
            if not present.sockets:
                del self._present[user_id]
                self._on_absent(user_id)

    async def recover(self, user_id: str, feed: Feed, position: EventPosition) -> bool:
        """Make a feed reach back to a client's position; say whether everything since can follow (guarantee 21)."""
        if position.epoch != feed.epoch or position.offset > feed.head:
            return False
        if (present := self._present.get(user_id)) is not None:
            present.recovered = True
        if position.offset >= feed.base:
            return True
        missed = await self._missed.get((user_id, position.offset)) or []
        older = [event for event in missed if event.offset <= feed.base]
        if position.offset >= feed.base:
            return True  # another socket of this user has read them meanwhile
        complete = len(older) == feed.base - position.offset
        return complete and feed.extend_back(older)

    def committed(self, commit: Committed) -> None:
        """Take the events of a commit on this node."""
        self._broker.announce(commit.user_id, Announced(commit.events[-1].offset))
        self._joining.pop(commit.user_id, None)
        present = self._present.get(commit.user_id)
        if present is None:
            return
        if present.feed.follow(commit.events):
            _flush(present)
        else:
            self._catch_up(commit.user_id, present)

    def announced(self, user_id: str, offset: int) -> None:
        """Hear that another node has committed events up to an offset."""
        self._joining.pop(user_id, None)
        present = self._present.get(user_id)
        if present is not None and offset > present.feed.head:
            self._catch_up(user_id, present)

    def look_again(self) -> None:
        """Compare all heads soon, because announcements may have been lost."""
        self._crew.start(self._check_once(), name="looking again")

    def _catch_up(self, user_id: str, present: _Present) -> None:
        present.stale = True
        if not present.reading:
            present.reading = True
            self._gaps += 1
            self._crew.start(self._read_missed(user_id, present), name=f"events of {user_id}")

    async def _read_missed(self, user_id: str, present: _Present) -> None:
        try:
            while present.stale:
                present.stale = False
                missed = await events.after(self._database, user_id, present.feed.head, limit=MOST_EVENTS)
                if not present.feed.follow(missed):
                    self._start_over(user_id, present, missed[-1].offset)
                _flush(present)
                present.stale = present.stale or len(missed) == MOST_EVENTS
        finally:
            present.reading = False

    def _start_over(self, user_id: str, present: _Present, head: int) -> None:
        """The log was trimmed above the feed's head: what is between cannot be had, so the sockets are reset."""
        log.warning("events of %s between %d and %d are gone; its sockets start over", user_id, present.feed.head, head)
        present.feed.skip_to(head)

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY)
            await self._check_once()

    async def _check_once(self) -> None:
        try:
            await self.check()
        except Exception:
            log.exception("comparing event heads failed; the next round tries again")

    async def check(self) -> None:
        """Compare the heads of all users present with the database, and read what is missing; let feeds rest."""
        if not self._present:
            return
        for here in self._present.values():
            here.rest()
        for user_id, head in (await events.heads(self._database, list(self._present))).items():
            present = self._present.get(user_id)
            if present is not None and head.offset > present.feed.head:
                self._catch_up(user_id, present)


def _flush(present: _Present) -> None:
    for socket in list(present.sockets):
        socket.flush()
