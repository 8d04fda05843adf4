"""Which settings make which shape, and what is said of those that make none."""

import pytest

from app.deployment import Misfit, Shape, shape_of

SQLITE = "sqlite:////tmp/tidewire.db"
POSTGRES = ("postgresql://db/tidewire", "postgres://db/tidewire", "postgresql+aiopg://db/tidewire")


@pytest.mark.parametrize(
    ("database", "redis", "workers", "shape"),
    [
        (SQLITE, "", 1, "embedded"),
        *[(url, "", 1, "lone") for url in POSTGRES],
        *[(url, "redis://r", 1, "many") for url in POSTGRES],
        (POSTGRES[0], "redis+cluster://a,b", 4, "many"),
    ],
)
def test_two_settings_decide(database: str, redis: str, workers: int, shape: Shape) -> None:
    assert shape_of(database, redis, workers) == shape


@pytest.mark.parametrize(
    ("database", "redis", "workers", "named"),
    [
        (SQLITE, "redis://r", 1, "DATABASE_URL"),
        (SQLITE, "", 2, "REDIS_URL"),
        (POSTGRES[0], "", 2, "REDIS_URL"),
    ],
)
def test_what_does_not_go_together_is_said_with_the_setting_to_change(
    database: str, redis: str, workers: int, named: str
) -> None:
    with pytest.raises(Misfit, match=named):
        shape_of(database, redis, workers)
