"""Merges neighbouring deltas, so that a replay is a few chunks and not every token.

Only neighbours of one kind and one id merge, and only when they carry nothing but type, id and text: then the fold of
the merged chunks equals the fold of the raw ones, for every split (guarantee 9).
"""

from collections.abc import Iterable

from protocol.parts.chunks import MERGEABLE, Chunk


def merge_key(chunk: Chunk) -> tuple[str, str] | None:
    """Kind and id that a neighbour must share to be merged with this chunk; None when it stands alone."""
    field = MERGEABLE.get(chunk["type"])
    if field is None or len(chunk) != 3:
        return None
    return chunk["type"], chunk[field.id_field]


def coalesce(chunks: Iterable[Chunk]) -> list[Chunk]:
    """The same log in as few chunks as may be; the chunks given are not changed."""
    merged: list[Chunk] = []
    run: list[Chunk] = []
    key: tuple[str, str] | None = None
    for chunk in chunks:
        own = merge_key(chunk)
        if own is None or own != key:
            merged += _joined(run)
            run = []
        run.append(chunk)
        key = own
    return merged + _joined(run)


def _joined(run: list[Chunk]) -> list[Chunk]:
    """One chunk for a run of deltas of one part."""
    if len(run) < 2:
        return run
    text = MERGEABLE[run[0]["type"]].text_field
    return [{**run[0], text: "".join([chunk[text] for chunk in run])}]
