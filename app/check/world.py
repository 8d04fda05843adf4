"""The server under test, and what a check may use of it: who asks, which model answers, how long to wait."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from protocol.ids import uuid7

Frame = dict[str, Any]

# What is asked when the model takes no options that say how long the answer shall be.
_QUESTIONS = {
    "short": "Count from one to twenty, in words.",
    "steady": "Tell me about the tides in a hundred words.",
    "long": "Write a story of two thousand words about the sea.",
    "flood": "Write a story of four thousand words about the sea.",
}
# The demo model's: 0.3 s, 2.5 s, a minute, and as fast as it can.
DEMO: Mapping[str, Frame] = {
    "short": {"tokens": 60, "pace": 200},
    "steady": {"tokens": 250, "pace": 100},
    "long": {"tokens": 6_000, "pace": 100},
    "flood": {"tokens": 20_000, "pace": 0},
}


@dataclass(frozen=True, slots=True)
class Model:
    """Which model answers, and with which options for an answer of some length."""

    name: str | None
    options: Mapping[str, Frame]

    @property
    def is_demo(self) -> bool:
        """Whether it is our demo model, which can be told to fail and to call tools."""
        return self.name == "demo"


@dataclass(frozen=True, slots=True)
class World:
    """What every check is given.

    Args:
        socket_urls: of the websocket, at each node; they come round for ever.
        token: of the user who asks.
        other: the token of another user; None when there is none.
        patience: seconds to wait for a frame.
        random: chooses positions; seeded.
        capabilities: those that the server serves.
        limits: `welcome.limits`.
    """

    socket_urls: Iterator[str]
    token: str
    other: str | None
    patience: float
    random: Random
    model: Model
    capabilities: Sequence[str] = ()
    limits: Mapping[str, int] | None = None

    @property
    def socket_url(self) -> str:
        """Where the next socket is opened: a position is good at every node, so any will do."""
        return next(self.socket_urls)

    def asking(self, length: str) -> Frame:
        """The fields of a command whose answer shall be `short`, `steady` or `long`."""
        named = {} if self.model.name is None else {"model": self.model.name}
        options = self.model.options.get(length)
        return named | ({} if options is None else {"options": dict(options)})

    def lacks(self, needs: Sequence[str]) -> str | None:
        """Why a check with these needs cannot be run; None when it can."""
        if "other" in needs and self.other is None:
            return "it needs a second account (--other TOKEN)"
        if ("demo" in needs or "tools" in needs) and not self.model.is_demo:
            return "it needs the demo model"
        if "tools" in needs and "tools" not in self.capabilities:
            return "it needs a server with the capability `tools`"
        return None


def question(length: str) -> str:
    """Words to ask."""
    return _QUESTIONS[length]


def mint() -> str:
    """A fresh id."""
    return uuid7(time.time_ns() // 1_000_000, os.urandom(10))
