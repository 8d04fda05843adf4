"""Which answers pages were reading when they lost their sockets."""

from app.clock import Clock
from app.sockets import cuts
from app.sockets.cuts import Cuts


def test_a_cut_is_found_for_a_while() -> None:
    now = [100.0]
    kept = Cuts(Clock(monotonic=lambda: now[0]), 10)
    kept.note("u", "c", "s1")
    kept.note("u", "c", "s2")
    assert (kept.find("u", "c"), kept.find("other", "c")) == ("s2", None)
    now[0] += 10
    assert kept.find("u", "c") is None


def test_a_page_that_caught_up_has_no_cut() -> None:
    kept = Cuts(Clock(), 10)
    kept.note("u", "c", "s")
    kept.forget("u", "c")
    kept.forget("u", "c")
    assert kept.find("u", "c") is None


def test_cuts_are_bounded() -> None:
    kept = Cuts(Clock(), 10)
    for n in range(cuts.MOST + 1):
        kept.note("u", str(n), "s")
    assert len(kept) == cuts.MOST
    assert (kept.find("u", "0"), kept.find("u", "1")) == (None, "s")
