"""What a command knows of who sent it, and what it answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from app.realtime.feed import Feed
from app.streams.stream import Stream
from protocol.errors import Refusal
from protocol.frames.client import Command


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a command: the user it acts for, and the client it came from.

    Args:
        may_follow: whether its connection may follow this stream, too; connections follow a limited number. A place is
            kept until the command is answered.
        capabilities: what its client can do beyond the core, as the welcome confirmed.
    """

    user_id: str
    client_id: str
    may_follow: Callable[[str], bool] = lambda _stream_id: True
    capabilities: frozenset[str] = frozenset()

    def check_room(self, stream_id: str = "") -> None:
        """Refuse to follow one stream too many, before the command has an effect.

        Args:
            stream_id: the stream; empty for one that is not there yet.

        Raises:
            Refusal: `quota_exceeded`.
        """
        if not self.may_follow(stream_id):
            raise Refusal("quota_exceeded", "This connection follows as many streams as it can; leave one first.")


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a command, and what the connection does right behind it.

    The ack goes first and is a barrier (guarantee 10): only then the connection follows the stream or the events.

    Args:
        result: the ack's result.
        duplicate: the command had been carried out before.
        subscribe: follow this stream after this position.
        unsubscribe: stop following this stream.
        events: follow this user's events after this offset.
    """

    result: dict[str, Any]
    duplicate: bool = False
    subscribe: tuple[Stream, int] | None = None
    unsubscribe: str | None = None
    events: tuple[Feed, int] | None = None


# A handler takes one kind of command; the table pairs them, so its type cannot say which.
Handler = Callable[[Caller, Any], Awaitable[Reply]]
Table = dict[type[Command], Handler]
