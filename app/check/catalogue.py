"""What can be checked: `protocol/vectors/checks.json`, and every transcript that a live server can play."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from app.check.transcripts import steps_of, why_not

Json = dict[str, Any]

_VECTORS = files("protocol") / "vectors"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to show.

    Args:
        guarantees: what it shows, as numbers of section 7 or sections (`§1`).
        needs: `other` (a second account), `demo` (our demo model), `tools` (and its tools).
        is_slow: it waits for a timer of the server.
        excuse: why no live server can be driven through it; None when one can.
    """

    name: str
    about: str
    guarantees: tuple[str, ...]
    steps: tuple[Json, ...]
    needs: tuple[str, ...] = ()
    is_slow: bool = False
    excuse: str | None = None


def checks() -> list[Check]:
    """Every check, the transcripts first."""
    return [_of_transcript(each) for each in _read("transcripts.json")] + [
        _of_data(each) for each in _read("checks.json")
    ]


def chosen(found: Sequence[Check], only: Sequence[str], *, quick: bool) -> list[Check]:
    """Those whose name has one of these words in it, or that show a guarantee of this number; all without words.

    Args:
        quick: leave out those that wait for a timer of the server.
    """
    named = [check for check in found if not only or any(_fits(check, word) for word in only)]
    return [check for check in named if not (quick and check.is_slow)]


def _fits(check: Check, word: str) -> bool:
    return word in check.guarantees or (not word.rstrip("b").isdecimal() and word in check.name)


def _read(name: str) -> list[Json]:
    found: list[Json] = json.loads((_VECTORS / name).read_bytes())
    return found


def _of_data(data: Json) -> Check:
    return Check(
        data["name"], data["about"], tuple(data["guarantees"]), tuple(data["steps"]),
        tuple(data.get("needs", ())), data.get("slow", False),
    )  # fmt: skip


def _of_transcript(data: Json) -> Check:
    excuse = why_not(data)
    steps = () if excuse is not None else tuple(steps_of(data))
    needs = ("tools",) if any("tool.approval" in json.dumps(step) for step in steps) else ()
    return Check(data["name"], data["about"], tuple(data["guarantees"]), steps, needs, excuse=excuse)
