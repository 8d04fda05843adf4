"""The commands that wait for their answer, and those that wait for a socket.

Every command keeps its id until it is answered, so sending it again on another socket has one effect (guarantee 3).
What the application asked is sent again after a reconnect; what the connection asked for itself is derived anew
instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from protocol.codec import encode
from protocol.frames.client import (
    AuthRefresh,
    ChatCommand,
    Command,
    Generating,
    MessageSelect,
    ProjectCommand,
    QueueUpdate,
)

Purpose = Literal["application", "subscribe", "unsubscribe", "resume", "snapshot"]

# Sixteen frames of the largest size; an application that fills this is sending faster than any server answers.
MOST_BYTES = 4 * 1024 * 1024
MOST_TRIES = 10
# What changes a chat or a project takes effect in the order it was given; stops and reads never wait.
_ORDERED = (Generating, MessageSelect, ChatCommand, ProjectCommand, QueueUpdate)


class OutboxFull(Exception):  # noqa: N818 - reads as what it is
    """More commands wait than a client may hold; wait for some answers first."""


@dataclass(slots=True)
class Waiting:
    """One command without an answer.

    Args:
        number: how many were given before it.
        link: the socket it was sent on; None while it waits for one.
        not_before: the earliest time to send it, in monotonic seconds.
        tries: how often a server put it off.
        patient_until: until when it is tried again where the server could not say when that helps, in monotonic
            seconds; None before its first refusal.
        shuns: a socket it is not sent on again.
        was_sent: whether a server may carry it out, or may have: it is on its way, or was when its socket died.
        is_doubtful: whether its socket died once before it was answered; a refusal later says nothing about that.
    """

    frame: Command
    data: bytes
    purpose: Purpose
    number: int
    link: int | None = None
    not_before: float = 0.0
    tries: int = 0
    patient_until: float | None = None
    shuns: int | None = None
    was_sent: bool = False
    is_doubtful: bool = False


class Outbox:
    """Commands by id, in the order they were given."""

    __slots__ = ("_bytes", "_given", "_waiting")

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}
        self._bytes = 0
        self._given = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, frame: Command, purpose: Purpose) -> Waiting:
        """Take a command.

        Raises:
            OutboxFull: what waits already is too much; the connection's own commands always find room.
        """
        data = encode(frame)
        if purpose == "application" and self._bytes + len(data) > MOST_BYTES:
            raise OutboxFull("Too many commands wait for an answer. Wait for some of them before sending more.")
        self._given += 1
        entry = self._waiting[frame.id] = Waiting(frame, data, purpose, self._given)
        self._bytes += len(data)
        return entry

    def due(self, link: int, most: int, now: float) -> list[Waiting]:
        """Mark as sent on this socket what may go now, at most `most` in flight there, and return it in order.

        What was given behind a command that was put off, about the same chat or project, waits until that one is
        answered.
        """
        room = most - self.in_flight(link)
        free = (e for e in self._in_order() if e.link is None and e.shuns != link and e.not_before <= now)
        ready = list(islice(free, max(0, room)))
        for entry in ready:
            entry.link = link
            entry.was_sent = True
        return ready

    def is_overtaken(self, entry: Waiting) -> bool:
        """Whether a command given after this one, about the same thing, may have been carried out already."""
        things = _things(entry.frame)
        later = (e for e in self._waiting.values() if e.number > entry.number and e.was_sent)
        return any(not things.isdisjoint(_things(other.frame)) for other in later)

    def in_flight(self, link: int) -> int:
        """How many commands this socket still owes an answer."""
        return sum(entry.link == link for entry in self._waiting.values())

    def answered(self, command_id: str) -> Waiting | None:
        """Take out the command that was answered; None when it was answered before or never asked."""
        entry = self._waiting.pop(command_id, None)
        if entry is not None:
            self._bytes -= len(entry.data)
        return entry

    def hold(self, entry: Waiting, until: float) -> bool:
        """Put a refused command back to be sent again later; False when it was put off too often."""
        entry.tries += 1
        if entry.tries > MOST_TRIES:
            return False
        entry.link, entry.not_before = None, until
        self._put_back(entry)
        return True

    def keep_for_another(self, entry: Waiting, link: int) -> None:
        """Put a refused command back to be sent on another socket than this one, as soon as there is one."""
        entry.link, entry.shuns = None, link
        self._put_back(entry)

    def lost(self, link: int) -> None:
        """A socket is gone: what the application sent on it waits for the next one."""
        for entry in self._waiting.values():
            if entry.link == link:
                entry.link, entry.is_doubtful = None, True

    def forget_own(self) -> None:
        """Forget what the connection asked for itself; a new socket makes those questions anew."""
        for entry in list(self._waiting.values()):
            if entry.purpose != "application":
                self.answered(entry.frame.id)

    def refreshes(self) -> list[Waiting]:
        """Token refreshes that were not answered: the next `hello` carries the token and proves as much."""
        found = [e for e in self._waiting.values() if e.link is None and isinstance(e.frame, AuthRefresh)]
        for entry in found:
            self.answered(entry.frame.id)
        return found

    def deadline(self, now: float) -> float | None:
        """When the next command that was put off may go; None when none was."""
        times = [e.not_before for e in self._waiting.values() if e.link is None and e.not_before > now]
        return min(times, default=None)

    def _in_order(self) -> Iterator[Waiting]:
        """All but those that were given behind one that was put off, about the same thing."""
        late: set[str] = set()
        for entry in self._waiting.values():
            things = _things(entry.frame)
            is_behind = not late.isdisjoint(things)
            if is_behind or entry.tries > 0:
                late |= things
            if not is_behind:
                yield entry

    def _put_back(self, entry: Waiting) -> None:
        """To where it was: commands keep the order in which they were given."""
        entry.was_sent = entry.is_doubtful
        self._bytes += len(entry.data)
        entries = sorted([*self._waiting.values(), entry], key=lambda each: each.number)
        self._waiting = {each.frame.id: each for each in entries}


def _things(frame: Command) -> frozenset[str]:
    """The chat and the project that a command changes; nothing for one that need not keep an order with others."""
    if not isinstance(frame, _ORDERED):
        return frozenset()
    found = (getattr(frame, "chat_id", None), getattr(frame, "project_id", None))
    return frozenset(thing for thing in found if thing)
