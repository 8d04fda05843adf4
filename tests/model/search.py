"""Draws stories and plays them until one fails."""

import asyncio
from collections import Counter

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.model.story import Story, stories
from tests.model.world import Counterexample, World
from tests.system.server import ServerProcess


class Search:
    """Plays stories on the same servers, and counts what happened in them.

    Attributes:
        seen: how many runs, steps, answers, and so on.
        failure: what was found last, and in which story: the shortest one, once it was shrunk.
    """

    def __init__(self, *servers: ServerProcess) -> None:
        self.seen: Counter[str] = Counter()
        self.failure: Counterexample | None = None
        self.story: Story | None = None
        self._servers = servers

    def play(self, story: Story) -> None:
        """Play one story; raises `Counterexample`."""
        world = World(self._servers)
        asyncio.run(world.play(story))
        self.seen["runs"] += 1
        self.seen["steps"] += len(story.steps)
        self.seen["second looks"] += world.late
        self.seen.update(world.outcomes)
        self.seen["frames"] += world.witness.frames
        self.seen.update(f"answers {told.status}" for told in world.witness.told.values())

    def run(self, count: int, steps: int, from_seed: int, *, shrink: bool = False) -> bool:
        """Play so many stories, up to the first that fails; say whether none did.

        Args:
            shrink: look for a shorter story that fails, too; many more runs.
        """

        @seed(from_seed)
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        @given(stories(steps, shrink=shrink))
        def every_tab_shows_the_truth(story: Story) -> None:
            if self.failure is not None and not shrink:
                raise self.failure  # Hypothesis asks once more; a race may not answer twice
            try:
                self.play(story)
            except Counterexample as found:
                self.failure, self.story = found, story
                raise

        try:
            every_tab_shows_the_truth()
        except Exception:
            if self.failure is None:
                raise
        return self.failure is None
