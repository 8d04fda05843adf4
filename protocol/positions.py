"""Positions: what to do with the next thing of a numbered log, given how far one has come.

A position belongs to a resource (a stream, an event log), never to a connection: whoever knows it can go on from it,
on any socket and any node.
"""

from typing import Literal

Step = Literal["apply", "drop", "gap"]


def follow_chunks(last: int, prev: int, seq: int) -> Step:
    """Decide on a `stream.chunk` that covers `(prev, seq]`, having applied everything up to `last`.

    A range that overlaps what was applied but does not start there cannot be cut by the client (merged deltas have no
    seams), so it is a gap like any other: subscribe again after `last` and the server sends exactly the rest.
    """
    if seq <= last:
        return "drop"
    return "apply" if prev == last else "gap"


def follow_events(last: int, offset: int) -> Step:
    """Decide on an `event`, having applied everything up to `last`."""
    if offset <= last:
        return "drop"
    return "apply" if offset == last + 1 else "gap"
