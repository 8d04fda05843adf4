"""What nodes say to each other: typed values, encoded once and decoded once.

*News* concern a user and reach every other node where that user is present. *Orders* are for the one node that owns
something. A *question* is put to every other node where a user is present, and each answers yes or no, or a number.

Most of what is said only points at what is stored: a lost word costs time, never a fact.
"""

from typing import Any, Literal

from msgspec import Raw, Struct

from protocol.parts.chunks import Chunk


class AppendedRange(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The chunks `(prev, seq]` of a stream, which are in the journal.

    Args:
        chunks: the chunks themselves; None when they are too long to be sent along, and to be read from the journal.
    """

    stream_id: str
    prev: int
    seq: int
    chunks: list[Chunk] | None = None


class Appended(Struct, frozen=True, rename="camel", tag="appended"):
    """Streams have grown: what one tick appended for one user."""

    ranges: list[AppendedRange]


class Ended(Struct, frozen=True, rename="camel", tag="ended"):
    """A stream is over, after `seq` chunks; `end` is its `stream.end` frame."""

    stream_id: str
    seq: int
    end: Raw


class Labelled(Struct, frozen=True, rename="camel", tag="labelled"):
    """What an answer is doing, in words for people; `frame` is its `stream.status` frame."""

    stream_id: str
    frame: Raw


class Announced(Struct, frozen=True, rename="camel", tag="announced"):
    """Events were committed: the user's event log stands at this offset, whatever its epoch."""

    offset: int


class StopStream(Struct, frozen=True, rename="camel", tag="stop"):
    """Stop an answer that you write."""

    user_id: str
    stream_id: str


class SettleRequest(Struct, frozen=True, rename="camel", tag="settle"):
    """A person has answered what a tool call of an answer that you write waits for; it is written down.

    Args:
        kind, request_id: name the request, as `app.store.tool_requests.Request` does.
        answer: what was said.
    """

    user_id: str
    stream_id: str
    kind: Literal["approval", "output"]
    request_id: str
    answer: dict[str, Any]


class IsVisible(Struct, frozen=True, rename="camel", tag="visible"):
    """Does somebody look at this chat of the user? (guarantee 26)"""

    chat_id: str


class HowMany(Struct, frozen=True, rename="camel", tag="howMany"):
    """How many sockets does the user have with you?"""


class Asked(Struct, frozen=True, rename="camel", tag="asked"):
    """A question, under the number by which the asking node knows it."""

    number: int
    question: IsVisible | HowMany


class Answered(Struct, frozen=True, rename="camel", tag="answered"):
    """The answer to a question of yours: yes or no, or how many."""

    number: int
    answer: bool | int


class Probe(Struct, frozen=True, rename="camel", tag="probe"):
    """A word of a node to itself: when it comes back, words are delivered."""

    number: int


News = Appended | Ended | Labelled | Announced
Order = StopStream | SettleRequest
Question = IsVisible | HowMany
Word = News | Order | Asked | Answered | Probe
"""Everything that is ever said."""
