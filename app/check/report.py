"""What `tidewire check` says: a line for each check, or one JSON object."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.check.catalogue import Check
from app.check.failure import Failure


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one check went.

    Args:
        failure: what was wrong; None when nothing was.
        excuse: why it was not run; None when it was.
    """

    check: Check
    seconds: float = 0.0
    failure: Failure | None = None
    excuse: str | None = None

    @property
    def guarantees(self) -> tuple[str, ...]:
        """What it shows; of a failure, what is broken."""
        return self.check.guarantees if self.failure is None else self.failure.guarantees or self.check.guarantees


def line(outcome: Outcome) -> str:
    """One check for people; a failure with what was expected and what came."""
    check, shown = outcome.check, _named(outcome.guarantees)
    if outcome.excuse is not None:
        return f"  -     {check.name}: not run, {outcome.excuse}"
    if outcome.failure is None:
        return f"  ok    {check.name} ({shown}) {outcome.seconds:.2f} s"
    failure = outcome.failure
    return (
        f"  FAIL  {check.name}: {failure.why} ({shown})\n"
        f"          expected  {failure.expected}\n          received  {failure.received}"
    )


def summary(outcomes: Sequence[Outcome]) -> str:
    """The last line."""
    failed = sum(each.failure is not None for each in outcomes)
    left = sum(each.excuse is not None for each in outcomes)
    passed = len(outcomes) - failed - left
    return f"{passed} passed, {failed} failed, {left} not run. Shown: {_named(shown(outcomes))}."


def shown(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """The guarantees that every check of theirs has shown."""
    good = {
        each
        for outcome in outcomes
        if outcome.failure is None and outcome.excuse is None
        for each in outcome.guarantees
    }
    bad = {each for outcome in outcomes if outcome.failure is not None for each in outcome.guarantees}
    return tuple(sorted(good - bad, key=_order))


def listing(checks: Sequence[Check]) -> str:
    """What there is to check, with what each shows."""
    lines = []
    for check in checks:
        needs = f" Needs {', '.join(check.needs)}." if check.needs else ""
        excuse = f" Not for a live server: {check.excuse}." if check.excuse is not None else ""
        lines.append(f"{check.name} ({_named(check.guarantees)})\n    {check.about}{needs}{excuse}")
    return "\n".join(lines)


def told(outcomes: Sequence[Outcome], urls: Sequence[str]) -> dict[str, Any]:
    """Everything for machines."""
    return {"urls": urls, "passed": all(each.failure is None for each in outcomes), "shown": shown(outcomes),
            "checks": [_told(each) for each in outcomes]}  # fmt: skip


def _told(outcome: Outcome) -> dict[str, Any]:
    state = "failed" if outcome.failure else "notRun" if outcome.excuse else "passed"
    said: dict[str, Any] = {"name": outcome.check.name, "guarantees": outcome.guarantees, "state": state,
                            "seconds": round(outcome.seconds, 3)}  # fmt: skip
    if outcome.failure is not None:
        failure = outcome.failure
        said["failure"] = {"why": failure.why, "expected": failure.expected, "received": failure.received}
    if outcome.excuse is not None:
        said["why"] = outcome.excuse
    return said


def _named(guarantees: Sequence[str]) -> str:
    """Guarantees as people write them: `guarantees 3 and 19b, §8`."""
    numbers = [each for each in guarantees if not each.startswith("§")]
    word = ["guarantee" if len(numbers) == 1 else "guarantees", ", ".join(numbers)] if numbers else []
    sections = [each for each in guarantees if each.startswith("§")]
    return ", ".join([" ".join(word)] * bool(word) + sections) or "nothing"


def _order(guarantee: str) -> tuple[bool, int, str]:
    digits = guarantee.strip("§b")
    return guarantee.startswith("§"), int(digits), guarantee
