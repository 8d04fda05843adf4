"""Random stories in six tabs, a few of them; `python -m tests.load.model` plays two hundred."""

from pathlib import Path

import pytest

from tests.model.search import Search
from tests.model.world import SETTINGS
from tests.system.server import ServerProcess

pytestmark = pytest.mark.slow


def test_g19_g22_every_tab_shows_the_truth_whatever_happened(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", **SETTINGS) as server:
        search = Search(server)
        assert search.run(10, 15, from_seed=2022), search.failure
