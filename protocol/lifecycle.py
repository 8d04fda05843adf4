"""The life of streams, connections, subscriptions and event logs, as tables.

Two rules hold in this file. A state is only a name: what belongs to it lives with its owner. A transition that is not
in a table cannot happen: asking for it raises, naming the event and the state. Terminal states have no way out.
"""

from collections.abc import Mapping

from protocol.frames.objects import StreamStatus

Table = Mapping[str, Mapping[str, str]]

STREAM: Table = {
    "queued": {"start": "streaming", "stop": "stopped", "fail": "failed"},
    "streaming": {
        "stop": "stopping",
        "complete": "completed",
        "fail": "failed",
        "seal": "interrupted",
    },
    # A finish that was already under way wins over the stop: the answer is whole, so it says so.
    "stopping": {
        "stop": "stopping",
        "halt": "stopped",
        "complete": "completed",
        "fail": "failed",
        "seal": "interrupted",
    },
    "completed": {},
    "stopped": {},
    "failed": {},
    "interrupted": {},
}

SERVER_CONNECTION: Table = {
    "accepted": {"hello": "greeting", "close": "closed"},
    "greeting": {"welcome": "ready", "close": "closed"},
    "ready": {"goodbye": "draining", "close": "closed"},
    "draining": {"goodbye": "draining", "close": "closed"},
    "closed": {"close": "closed"},
}

CLIENT_CONNECTION: Table = {
    "closed": {"open": "connecting"},
    "connecting": {"opened": "authenticating", "lost": "backoff", "refused": "stopped", "close": "closed"},
    "authenticating": {"welcome": "ready", "lost": "backoff", "refused": "stopped", "close": "closed"},
    "ready": {"goodbye": "draining", "lost": "backoff", "refused": "stopped", "close": "closed"},
    "draining": {"moved": "ready", "lost": "backoff", "refused": "stopped", "close": "closed"},
    "backoff": {"retry": "connecting", "close": "closed"},
    "stopped": {"open": "connecting", "close": "closed"},
}

SUBSCRIPTION: Table = {
    "idle": {"subscribe": "subscribing"},
    "subscribing": {"ack": "live", "subscribe": "subscribing", "refused": "lost", "drop": "idle"},
    "live": {"gap": "subscribing", "subscribe": "subscribing", "end": "ended", "drop": "idle"},
    "ended": {},
    "lost": {"subscribe": "subscribing"},
}

TERMINAL: frozenset[StreamStatus] = frozenset({"completed", "stopped", "failed", "interrupted"})
ACTIVE: frozenset[StreamStatus] = frozenset({"streaming", "stopping"})
# What a person may try again; a completed answer is regenerated instead.
RETRYABLE: frozenset[StreamStatus] = frozenset({"stopped", "failed", "interrupted"})


class IllegalTransition(Exception):  # noqa: N818 - reads as what it is
    """An event came in a state whose table has no entry for it: a bug of this side, or a peer breaking the rules."""

    def __init__(self, event: str, state: str, table: Table) -> None:
        legal = ", ".join(table[state]) or "nothing; it is final"
        super().__init__(f"{event!r} cannot happen in state {state!r}; what can: {legal}.")
        self.event = event
        self.state = state


def advance(table: Table, state: str, event: str) -> str:
    """Return the state that follows.

    Raises:
        IllegalTransition: the table has no such entry.
    """
    try:
        return table[state][event]
    except KeyError:
        raise IllegalTransition(event, state, table) from None
