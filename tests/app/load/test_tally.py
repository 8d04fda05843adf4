"""What a load run counts and how it is told."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from app.load.tally import Spread, Tally


@given(st.lists(st.integers(0, 10**7), min_size=1))
@example([16057])  # 16.057 * 1000 is less
def test_share_of_the_samples_lies_at_or_below_what_is_told(samples: list[int]) -> None:
    spread = Spread()
    for sample in samples:
        spread.add(sample)
    for share in (0.5, 0.99, 1.0):
        told = spread.at(share)
        assert told is not None
        within = sum(sample / 1000 <= told for sample in samples)
        assert within >= share * len(samples)
        assert told <= max(samples) / 1000
    assert spread.told()["max"] == max(samples) / 1000


def test_no_samples_are_told_as_none() -> None:
    assert Spread().told() == {"p50": None, "p99": None, "max": None}
    assert "added latency       -" in Tally().table()


def test_clock_that_ran_backwards_counts_as_zero() -> None:
    spread = Spread()
    spread.add(-500)
    assert spread.at(1.0) == 0


def test_result_is_json_and_a_table_of_the_same() -> None:
    tally = Tally()
    tally.sockets, tally.tokens, tally.elapsed, tally.client_cpu, tally.server_cpu = 2, 100, 4.0, 0.002, 0.001
    tally.errors["internal"] += 3
    told = json.loads(json.dumps(tally.told()))
    assert (told["tokensPerSecond"], told["clientCpuUsPerToken"], told["serverCpuUsPerToken"]) == (25.0, 20.0, 10.0)
    assert "internal x 3" in tally.table()
    assert "100 tokens (50/s)" in tally.progress(2.0)
