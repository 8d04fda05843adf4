"""A node's lease as the node sees it: sure of it only as long as it can be."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from app.backplane.folder import DataFolder
from app.store import leases
from app.store.errors import StoreUnavailable
from app.store.leases import Lease, Neighbour
from app.streams.lease import RENEW_PATIENCE, TERM_MS, LoneLease, NodeLease, NotAlone
from tests.virtual import loop_clock, run_virtual


class Base:
    """The database's side: a clock, and a lease that lapses when it is not renewed."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 1_000_000
        self.acquired_at = 0
        self.expires_at = 0
        self.neighbours: list[Neighbour] = []
        self.failing: Callable[[], Awaitable[None]] | None = None
        patch.setattr(leases, "renew", self.renew)
        patch.setattr(leases, "neighbours", self.others)
        patch.setattr(leases, "release", self.release)

    async def renew(self, _q: object, _node: str, *, term_ms: int) -> Lease:
        if self.failing is not None:
            await self.failing()
        now = self.now + int(asyncio.get_running_loop().time() * 1000)
        if self.expires_at <= now:
            self.acquired_at = now
        self.expires_at = now + term_ms
        return Lease(self.acquired_at, now, self.expires_at)

    async def others(self, _q: object, _node: str) -> list[Neighbour]:
        return self.neighbours

    async def release(self, _q: object, node: str) -> None:
        self.neighbours = [each for each in self.neighbours if each.node != node]
        if node == "n":
            self.expires_at = 0


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Base:
    return Base(monkeypatch)


def lease_of() -> NodeLease:
    return NodeLease(None, loop_clock(), node="n")  # type: ignore[arg-type]  # the patched queries need no database


def lone_lease(folder: Path) -> LoneLease:
    return LoneLease(None, loop_clock(), DataFolder(folder), node="n")  # type: ignore[arg-type]  # as above


async def renewed_for(lease: NodeLease, seconds: float) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        await lease.renew()
        await asyncio.sleep(1)


def test_a_node_may_seal_only_after_a_whole_term_of_renewals(base: Base) -> None:
    async def main() -> None:
        lease = lease_of()
        assert (lease.is_held, lease.may_seal) == (False, False)
        await lease.renew()
        assert (lease.is_held, lease.may_seal) == (True, False)
        await renewed_for(lease, 8)
        assert not lease.may_seal
        await renewed_for(lease, 2)
        assert lease.may_seal

    run_virtual(main())


def test_an_outage_of_the_database_lets_nobody_seal_for_a_term_after_it(base: Base) -> None:
    async def away() -> None:
        raise StoreUnavailable("away")

    async def main() -> None:
        lease = lease_of()
        await renewed_for(lease, 20)
        base.failing = away
        with pytest.raises(StoreUnavailable):
            await lease.renew()
        assert lease.is_held, "the term is not over"
        await asyncio.sleep(TERM_MS / 1000)
        assert (lease.is_held, lease.may_seal) == (False, False)
        base.failing = None
        await lease.renew()
        assert (lease.is_held, lease.may_seal) == (True, False)
        await renewed_for(lease, 10)
        assert lease.may_seal

    run_virtual(main())


def test_a_database_that_does_not_answer_is_given_up_in_time_for_another_try(base: Base) -> None:
    async def silent() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        lease = lease_of()
        base.failing = silent
        with pytest.raises(StoreUnavailable):
            await lease.renew()
        assert asyncio.get_running_loop().time() == RENEW_PATIENCE < TERM_MS / 2000

    run_virtual(main())


def test_the_term_counts_from_before_the_database_was_asked(base: Base) -> None:
    async def slow() -> None:
        await asyncio.sleep(2)

    async def main() -> None:
        lease = lease_of()
        base.failing = slow
        await lease.renew()
        await asyncio.sleep(TERM_MS / 1000 - 2.01)
        assert lease.is_held
        await asyncio.sleep(0.02)
        assert not lease.is_held

    run_virtual(main())


def test_g18_the_next_look_comes_when_the_first_neighbour_may_have_died(base: Base) -> None:
    async def main() -> None:
        lease = lease_of()
        base.neighbours = [Neighbour("late", 300), Neighbour("well", 8_900)]
        await lease.renew()
        assert list(lease.neighbours) == ["late", "well"]
        assert 0.3 < lease.next_look < 0.4
        base.neighbours = [Neighbour("well", 8_900)]
        await lease.renew()
        assert lease.next_look == 1.0

    run_virtual(main())


def test_g18_a_lone_node_takes_over_at_once_from_the_one_that_had_its_folder(base: Base, tmp_path: Path) -> None:
    async def main() -> None:
        DataFolder(tmp_path).note_node("dead")
        base.neighbours = [Neighbour("dead", 8_900)]
        await lone_lease(tmp_path).take()
        assert asyncio.get_running_loop().time() == 0
        assert DataFolder(tmp_path).former_node() == "n"

    run_virtual(main())


def test_what_had_the_folder_says_nothing_of_another_node(base: Base, tmp_path: Path) -> None:
    async def main() -> None:
        DataFolder(tmp_path).note_node("dead")
        base.neighbours = [Neighbour("dead", 8_900), Neighbour("alive", 8_900)]
        with pytest.raises(NotAlone, match="alive"):
            await lone_lease(tmp_path).take()

    run_virtual(main())


def test_a_lone_node_waits_for_the_lease_of_one_that_died(base: Base, tmp_path: Path) -> None:
    async def dies() -> None:
        left = 9_000 - int(asyncio.get_running_loop().time() * 1000)
        base.neighbours = [Neighbour("dead", left)] if left > 0 else []

    async def main() -> None:
        base.failing = dies
        await lone_lease(tmp_path).take()
        assert 9 <= asyncio.get_running_loop().time() < 9.1

    run_virtual(main())


def test_a_lone_node_gives_way_to_one_that_lives(base: Base, tmp_path: Path) -> None:
    async def main() -> None:
        base.neighbours = [Neighbour("alive", 8_900)]
        with pytest.raises(NotAlone, match="alive"):
            await lone_lease(tmp_path).take()
        assert base.expires_at == 0, "it holds no lease any more, so the other may be started anew"

    run_virtual(main())
