"""Stories: what people do in six tabs, as plain data that can be drawn, printed, saved and played again."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hypothesis import strategies as st

# How often each action comes, out of all: what happens most in life, and what is most likely to go wrong.
ACTIONS = {
    "send": 8,
    "stop": 8,
    "regenerate": 5,
    "retry": 5,
    "edit": 5,
    "select": 8,
    "queue": 8,
    "decide": 5,
    "repeat": 3,
    "create": 1,
    "rename": 2,
    "file": 3,
    "delete": 2,
    "project": 3,
    "open": 3,
    "look": 4,
    "refresh": 3,
    "drop": 3,
    "restart": 1,
    "settle": 2,
}
# Seconds until the next step: at once, within the same tick, while a short answer is written, after it.
PAUSES = (0.0, 0.0, 0.004, 0.02, 0.06, 0.15)
TABS = 6
CHOICES = 12


@dataclass(frozen=True, slots=True)
class Step:
    """One thing somebody does.

    Numbers are turned into what there is at that moment (`target` modulo the chats this tab knows, for one), so any
    step can be played in any state, and a story stays one when steps are taken out of it.

    Args:
        tab: who does it. target: to what. variant: how. pause: seconds until the next step.
    """

    action: str
    tab: int
    target: int
    variant: int
    pause: float


@dataclass(frozen=True, slots=True)
class Story:
    """Steps, and after which of them everything is compared; it always is at the end."""

    steps: Sequence[Step]
    checks: Sequence[int]

    def save(self, path: Path) -> None:
        """Write it down."""
        lines = [json.dumps(asdict(step)) for step in self.steps]
        path.write_text("\n".join([json.dumps(list(self.checks)), *lines]) + "\n")

    @staticmethod
    def load(path: Path) -> "Story":
        """Read one back."""
        checks, *steps = [json.loads(line) for line in path.read_text().splitlines()]
        return Story([Step(**step) for step in steps], checks)


def stories(steps: int, *, shrink: bool = False) -> st.SearchStrategy[Story]:
    """Stories of so many steps; up to so many where shorter ones are looked for."""
    step = st.builds(
        Step,
        action=st.sampled_from([action for action, weight in ACTIONS.items() for _ in range(weight)]),
        tab=st.integers(0, TABS - 1),
        target=st.integers(0, CHOICES - 1),
        variant=st.integers(0, CHOICES - 1),
        pause=st.sampled_from(PAUSES),
    )
    checks = st.lists(st.integers(0, steps - 1), min_size=0 if shrink else 3, max_size=3)
    return st.builds(Story, st.lists(step, min_size=1 if shrink else steps, max_size=steps), checks)
