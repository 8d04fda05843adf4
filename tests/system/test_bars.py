"""Short forms of bars that tests/load measures in full: what races may decide, but every tab must see alike."""

from pathlib import Path

import pytest

from tests.load import stop_race
from tests.model.search import Search
from tests.model.world import SETTINGS
from tests.system.server import ServerProcess

pytestmark = pytest.mark.slow


def test_g19_g22_every_tab_shows_the_truth_whatever_happened(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", **SETTINGS) as server:
        search = Search(server)
        assert search.run(10, 15, from_seed=2022), search.failure


async def test_g15_g16_stop_at_the_finish_leaves_one_end() -> None:
    assert await stop_race.main(40) == 0
